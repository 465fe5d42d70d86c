// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
)

// benchKeys is how many keys the benchmarks' machine holds, each with 100 bytes.
const benchKeys = 100_000

// benchBatch is how many commands are applied at a time.
const benchBatch = 64

// filled returns a machine with that many keys, made in batches.
func filled(tb testing.TB, keys int) *Machine {
	tb.Helper()
	m := NewMachine()
	value := make([]byte, 100)
	var batch []raft.Entry
	for i := range keys {
		c := Command{Op: OpSet, Args: [][]byte{fmt.Appendf(nil, "key:%012d", i), value}}
		batch = append(batch, raft.Entry{Index: raft.Index(i + 1), Term: 1, Data: c.Append(nil)})
		if len(batch) == 1024 || i == keys-1 {
			m.Apply(batch)
			batch = batch[:0]
		}
	}
	return m
}

// commandMixes are what the benchmarks apply.
var commandMixes = []struct {
	name string
	draw func(random *rand.Rand, key []byte) Command
}{
	{"set", func(_ *rand.Rand, key []byte) Command {
		return Command{Op: OpSet, Args: [][]byte{key, make([]byte, 100)}}
	}},
	{"get", func(_ *rand.Rand, key []byte) Command { return Command{Op: OpGet, Args: [][]byte{key}} }},
	{"set with expiry", func(random *rand.Rand, key []byte) Command {
		ttl := 1_000_000 + random.Int64N(1_000_000)
		return Command{Op: OpSet, Flags: FlagRelative, Number: ttl, Args: [][]byte{key, make([]byte, 100)}}
	}},
	{"set and delete", func(random *rand.Rand, key []byte) Command {
		if random.IntN(2) == 0 {
			return Command{Op: OpDel, Args: [][]byte{key}}
		}
		return Command{Op: OpSet, Args: [][]byte{key, make([]byte, 100)}}
	}},
}

// benchLog returns batches of commands over the machine's keys.
func benchLog(draw func(random *rand.Rand, key []byte) Command) [][]raft.Entry {
	random := rand.New(rand.NewPCG(1, 2))
	batches := make([][]raft.Entry, 1000)
	for i := range batches {
		for range benchBatch {
			c := draw(random, fmt.Appendf(nil, "key:%012d", random.IntN(benchKeys)))
			batches[i] = append(batches[i], raft.Entry{Term: 1, Data: c.Append(nil)})
		}
	}
	return batches
}

func BenchmarkApply(b *testing.B) {
	for _, mix := range commandMixes {
		b.Run(mix.name, func(b *testing.B) {
			m, batches := filled(b, benchKeys), benchLog(mix.draw)
			b.ReportAllocs()
			b.ResetTimer()
			index := raft.Index(benchKeys)
			for n := 0; n < b.N; n += benchBatch {
				batch := batches[n/benchBatch%len(batches)]
				for i := range batch {
					index++
					batch[i].Index = index
				}
				m.Apply(batch)
			}
		})
	}
}
