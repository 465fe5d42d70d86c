// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"encoding/gob"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
)

// countersState is what a disk holds.
type countersState struct {
	Image   countersImage
	Applied raft.LogID
}

// countersDisk holds the state that was synced last.
type countersDisk struct {
	state countersState
	fault *durableFault
}

// durableCounters is a good durable state machine but for its fault.
type durableCounters struct {
	*counters
	disk    *countersDisk
	applied raft.LogID
}

func (c *durableCounters) state() countersState { return countersState{c.image(), c.applied} }

func (c *durableCounters) load(s countersState) {
	c.counts, c.applied = map[string]int{}, s.Applied
	s.Image.add(c.counts)
}

func (c *durableCounters) Apply(batch []raft.Entry) [][]byte {
	c.applied = lastOf(batch)
	values := c.counters.Apply(batch)
	if fault := c.disk.fault.apply; fault != nil {
		fault(c)
	}
	return values
}

func (c *durableCounters) LastApplied() (raft.LogID, error) {
	if fault := c.disk.fault.applied; fault != nil {
		return fault(c), nil
	}
	return c.applied, nil
}

func (c *durableCounters) Sync() error {
	if fault := c.disk.fault.sync; fault != nil {
		fault(c)
	} else {
		c.disk.state = c.state()
	}
	return nil
}

func (c *durableCounters) Snapshot() (io.ReadCloser, error) {
	state := c.state()
	return raft.CaptureFunc(func(w io.Writer) error { return gob.NewEncoder(w).Encode(state) }), nil
}

func (c *durableCounters) Restore(r io.Reader) error {
	if fault := c.disk.fault.restore; fault != nil {
		return fault(c, r)
	}
	return c.restore(r)
}

func (c *durableCounters) restore(r io.Reader) error {
	var state countersState
	if err := gob.NewDecoder(r).Decode(&state); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	c.load(state)
	return nil
}

func (d *countersDisk) suiteDisk() Disk {
	return Disk{
		Open: func() (raft.DurableStateMachine, error) {
			c := &durableCounters{counters: &counters{}, disk: d}
			c.load(d.state)
			if d.fault.open != nil {
				d.fault.open(c)
			}
			return c, nil
		},
		Close: func(raft.DurableStateMachine) error { return nil },
		Crash: func() Disk { return (&countersDisk{d.state, d.fault}).suiteDisk() },
	}
}

// durableFault is a fault, the case of the suite that has to find it, and what it says.
type durableFault struct {
	name, by, says string
	open           func(c *durableCounters)
	apply          func(c *durableCounters)
	applied        func(c *durableCounters) raft.LogID
	sync           func(c *durableCounters)
	restore        func(c *durableCounters, r io.Reader) error
}

var durableFaults = []durableFault{
	{name: "it begins at one", by: "a new one has applied nothing", says: "has been applied",
		open: func(c *durableCounters) { c.applied = raft.LogID{Term: 1, Index: max(c.applied.Index, 1)} }},
	{name: "it says what it has synced", by: "it knows what it has applied", says: "last command applied",
		applied: func(c *durableCounters) raft.LogID { return c.disk.state.Applied }},
	{name: "the term is not kept", by: "it is closed and opened again", says: "opened again",
		sync: func(c *durableCounters) {
			c.disk.state = c.state()
			c.disk.state.Applied.Term = min(c.disk.state.Applied.Term, 1)
		}},
	{name: "the state is not kept", by: "it is closed and opened again", says: "opened again",
		sync: func(c *durableCounters) { c.disk.state.Applied = c.applied }},
	{name: "sync does nothing", by: "what has been synced survives a crash", says: "in front of a Sync",
		sync: func(*durableCounters) {}},
	{name: "what was applied is written first", by: "a crash leaves a whole state", says: "last command applied",
		apply: func(c *durableCounters) { c.disk.state.Applied = c.applied }},
	{name: "the state is written first", by: "a crash leaves a whole state", says: "last command applied",
		apply: func(c *durableCounters) { c.disk.state.Image = c.image() }},
	{name: "what is opened is not written to", by: "the log goes on behind a crash", says: "crashed",
		sync: func(c *durableCounters) {
			if c.disk.state.Applied == (raft.LogID{}) {
				c.disk.state = c.state()
			} else {
				c.disk.state.Applied = c.applied
			}
		}},
	{name: "a restore leaves what was applied", by: "a capture holds what was applied", says: "behind a restore",
		restore: func(c *durableCounters, r io.Reader) error {
			applied := c.applied
			err := c.restore(r)
			c.applied = applied
			return err
		}},
	{name: "a restore is not synced", by: "a restore and a Sync survive a crash", says: "left by a crash behind a restore",
		restore: func(c *durableCounters, r io.Reader) error {
			var lost durableCounters
			lost.counters = &counters{}
			return lost.restore(r)
		}},
	{name: "the old state is deleted first", by: "a crash leaves the state before or after a restore", says: "in a restore leaves",
		restore: func(c *durableCounters, r io.Reader) error {
			c.disk.state = countersState{}
			return c.restore(r)
		}},
	{name: "a restore is written as it is read", by: "a failed restore leaves a whole state", says: "last command applied",
		restore: func(c *durableCounters, r io.Reader) error {
			c.disk.state.Image = countersImage{}
			return c.restore(r)
		}},
}

func durableSuite(fault *durableFault) *DurableStateMachine {
	s := DurableStateMachine{
		New:     func(testing.TB) Disk { return (&countersDisk{fault: fault}).suiteDisk() },
		Command: func(random *rand.Rand) []byte { return fmt.Appendf(nil, "key %d", random.IntN(20)) },
		Dump: func(_ testing.TB, machine raft.StateMachine) []byte {
			return fmt.Append(nil, machine.(*durableCounters).image())
		},
	}
	return s.withDefaults()
}

func TestDurableStateMachineAcceptsAGoodOne(t *testing.T) {
	TestDurableStateMachine(t, *durableSuite(&durableFault{}))
}

func TestDurableStateMachineFindsPlantedFaults(t *testing.T) {
	found := map[string]bool{}
	for _, fault := range durableFaults {
		found[fault.by] = true
		t.Run(fault.name, func(t *testing.T) {
			expectFault(t, durableSuite(&fault), durableDemands, fault.by, fault.says)
		})
	}
	requireFaults(t, durableDemands, found)
}
