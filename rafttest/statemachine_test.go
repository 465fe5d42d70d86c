// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/balsa-raft/raft"
)

// counters is a good state machine: a command is a key, its value how often it came.
type counters struct {
	counts map[string]int
	buffer []byte
}

func (c *counters) Apply(batch []raft.Entry) [][]byte {
	values := make([][]byte, len(batch))
	for i, entry := range batch {
		c.counts[string(entry.Data)]++
		values[i] = fmt.Append(nil, c.counts[string(entry.Data)])
	}
	return values
}

// brokenMachine changes what goes into counters, or comes out of it.
type brokenMachine struct {
	*counters
	apply func(c *counters, batch []raft.Entry) [][]byte
}

func (b *brokenMachine) Apply(batch []raft.Entry) [][]byte { return b.apply(b.counters, batch) }

// machineFaults are faults, the case of the suite that has to find each, and what it says.
var machineFaults = []struct {
	name, by, says string
	apply          func(c *counters, batch []raft.Entry) [][]byte
}{
	{"only new keys have values", "one value for each command", "values", func(c *counters, batch []raft.Entry) [][]byte {
		return slices.DeleteFunc(c.Apply(batch), func(value []byte) bool { return string(value) != "1" })
	}},
	{"random numbers", "the same commands, the same state", "the value of command", func(c *counters, batch []raft.Entry) [][]byte {
		values := c.Apply(batch)
		values[0] = fmt.Append(nil, rand.Uint64())
		return values
	}},
	{"the order of a map", "the same commands, the same state", "the value of command", func(c *counters, batch []raft.Entry) [][]byte {
		values := c.Apply(batch)
		for key := range c.counts {
			values[0] = []byte(key)
			break
		}
		return values
	}},
	{"hidden differences", "the same commands, the same state", "the state", func(c *counters, batch []raft.Entry) [][]byte {
		c.counts[fmt.Sprintf("at %p", c)]++
		return c.Apply(batch)
	}},
	{"values depend on the batch", "however they are batched", "the value of command", func(c *counters, batch []raft.Entry) [][]byte {
		values := c.Apply(batch)
		values[len(values)-1] = fmt.Append(nil, len(batch))
		return values
	}},
	{"state depends on the batch", "however they are batched", "the state", func(c *counters, batch []raft.Entry) [][]byte {
		c.counts["batches"]++
		return c.Apply(batch)
	}},
	{"state depends on gaps", "whatever stands between them", "with indexes that skip", func(c *counters, batch []raft.Entry) [][]byte {
		if int(batch[len(batch)-1].Index-batch[0].Index) >= len(batch) {
			c.counts["gaps"]++
		}
		return c.Apply(batch)
	}},
	{"the input is changed", "its input is left alone", "has been changed", func(c *counters, batch []raft.Entry) [][]byte {
		values := c.Apply(batch)
		batch[0].Data = append(batch[0].Data[:0], 'x')
		return values
	}},
	{"the input is kept", "its input is not kept", "memory that is used again", func(c *counters, batch []raft.Entry) [][]byte {
		if c.buffer != nil {
			c.counts[string(c.buffer)] += 100
		}
		c.buffer = batch[0].Data
		return c.Apply(batch)
	}},
	{"values are the input", "its input is not kept", "memory that is used again", func(c *counters, batch []raft.Entry) [][]byte {
		values := c.Apply(batch)
		values[0] = batch[0].Data
		return values
	}},
	{"values change later", "its values do not change", "later", func(c *counters, batch []raft.Entry) [][]byte {
		values := c.Apply(batch)
		c.buffer = append(c.buffer[:0], values[0]...)
		values[0] = c.buffer
		return values
	}},
}

func TestStateMachineFindsPlantedFaults(t *testing.T) {
	for _, fault := range machineFaults {
		t.Run(fault.name, func(t *testing.T) {
			suite := StateMachine{
				New: func(testing.TB) raft.StateMachine {
					return &brokenMachine{&counters{counts: map[string]int{}}, fault.apply}
				},
				Command: func(random *rand.Rand) []byte { return fmt.Appendf(nil, "key %d", random.IntN(20)) },
				Dump: func(_ testing.TB, machine raft.StateMachine) []byte {
					var dump bytes.Buffer
					counts := machine.(*brokenMachine).counts
					for _, key := range slices.Sorted(maps.Keys(counts)) {
						fmt.Fprintln(&dump, key, counts[key])
					}
					return dump.Bytes()
				},
			}.withDefaults()
			expectFault(t, suite, machineDemands, fault.by, fault.says)
		})
	}
}
