// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

const (
	benchKeys  = 200_000
	benchBatch = 64
)

// filled returns a machine with benchKeys keys of 100 bytes, on real files.
func filled(b *testing.B) *Machine {
	b.Helper()
	options := testOptions(nil)
	options.CacheBytes, options.MemTableBytes = 0, 0
	m, err := Open(b.TempDir(), options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	for first := 0; first < benchKeys; first += 1000 {
		batch := make([]raft.Entry, 1000)
		for i := range batch {
			batch[i] = entry(kv.OpSet, first+i, uint64(first+i+1))
		}
		m.Apply(batch)
	}
	return m
}

func entry(op kv.Op, key int, index uint64) raft.Entry {
	c := kv.Command{Op: op, Args: [][]byte{fmt.Appendf(nil, "key:%012d", key)}}
	if op == kv.OpSet {
		c.Args = append(c.Args, make([]byte, 100))
	}
	return raft.Entry{Index: raft.Index(index), Term: 1, Data: c.Append(nil)}
}

func BenchmarkApply(b *testing.B) {
	for name, op := range map[string]kv.Op{"set": kv.OpSet, "get": kv.OpGet} {
		b.Run(name, func(b *testing.B) {
			m, random, index := filled(b), rand.New(rand.NewPCG(1, 1)), uint64(benchKeys)
			batch := make([]raft.Entry, benchBatch)
			b.ResetTimer()
			for range b.N/benchBatch + 1 {
				for i := range batch {
					index++
					batch[i] = entry(op, random.IntN(benchKeys), index)
				}
				m.Apply(batch)
			}
			if err := m.Err(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	m := filled(b)
	for b.Loop() {
		c, err := m.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, c)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
		c.Close()
	}
	b.ReportMetric(benchKeys*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkCapture(b *testing.B) {
	m := filled(b)
	for b.Loop() {
		c, err := m.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}

func BenchmarkRestore(b *testing.B) {
	m := filled(b)
	data := read(b, m)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := m.Restore(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(benchKeys*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}
