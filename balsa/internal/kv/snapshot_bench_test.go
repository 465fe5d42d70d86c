// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

// snapshotKeys is how many keys the benchmarks of snapshots use.
func snapshotKeys() int {
	if n, err := strconv.Atoi(os.Getenv("KV_BENCH_KEYS")); err == nil {
		return n
	}
	return 1_000_000
}

// readOnly hides all but Read from io.Copy.
type readOnly struct{ io.Reader }

func BenchmarkCapture(b *testing.B) {
	m := filled(b, snapshotKeys())
	for b.Loop() {
		c, err := m.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, m := range map[string]*Machine{
		"filled": filled(b, snapshotKeys()), "restored": restored(b, encoded(b, filled(b, snapshotKeys()))),
	} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 256<<10)
			for b.Loop() {
				c, _ := m.Snapshot()
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, readOnly{c}, buf)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(n)
				c.Close()
			}
			b.ReportMetric(float64(m.Keys())*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}

func BenchmarkRestore(b *testing.B) {
	data := encoded(b, filled(b, snapshotKeys()))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := NewMachine().Restore(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(snapshotKeys())*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkApplyUnderACapture overwrites all keys, in an order that has nothing to do with theirs, with a
// capture open all the time and without; and says what that takes in memory.
func BenchmarkApplyUnderACapture(b *testing.B) {
	for _, captured := range []bool{false, true} {
		b.Run("captured "+strconv.FormatBool(captured), func(b *testing.B) {
			m := filled(b, benchKeys)
			overwrite(m) // So that the order in memory is the same for both.
			before := heapBytes()
			var peak uint64
			for b.Loop() {
				var c io.Closer = io.NopCloser(nil)
				if captured {
					c, _ = m.Snapshot()
				}
				overwrite(m)
				b.StopTimer()
				peak = max(peak, heapBytes())
				c.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/set")
			b.ReportMetric(float64(before)/benchKeys, "B/key")
			b.ReportMetric((float64(peak)-float64(before))/benchKeys, "more-B/key")
			runtime.KeepAlive(m)
		})
	}
}

// overwrite sets every key of a machine that filled has made.
func overwrite(m *Machine) {
	value := make([]byte, 100)
	var batch []raft.Entry
	var key []byte
	index := m.Applied()
	for i := range benchKeys {
		key = append(key[:0], "key:000000000000"...)
		digits := strconv.AppendInt(nil, int64(i*7919%benchKeys), 10)
		copy(key[len(key)-len(digits):], digits)
		c := Command{Op: OpSet, Args: [][]byte{key, value}}
		index++
		batch = append(batch, raft.Entry{Index: index, Term: 1, Data: c.Append(nil)})
		if len(batch) == benchBatch {
			m.Apply(batch)
			batch = batch[:0]
		}
	}
	m.Apply(batch)
}

func heapBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestCaptureIsQuick measures with many keys if KV_BENCH_KEYS says so.
func TestCaptureIsQuick(t *testing.T) {
	if os.Getenv("KV_BENCH_KEYS") == "" {
		t.Skip("KV_BENCH_KEYS is not set")
	}
	m := filled(t, snapshotKeys())
	took := make([]time.Duration, 1000)
	for i := range took {
		start := time.Now()
		c, _ := m.Snapshot()
		took[i] = time.Since(start)
		c.Close()
	}
	slices.Sort(took)
	t.Logf("of 1000 captures of %d keys, half took less than %v, and 990 less than %v", m.Keys(), took[500], took[990])
}
