// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

const benchPayloadBytes = 128

// benchmarkSave saves batches of entries and compacts so that segments are recycled.
func benchmarkSave(b *testing.B, options Options, batch int) {
	b.Helper()
	l := mustOpen(b, options)
	data := bytes.Repeat([]byte("x"), benchPayloadBytes)
	updates := []wire.Update{{Group: 1, Entries: make([]wire.Entry, batch)}}
	next := wire.Index(1)
	b.SetBytes(int64(batch * benchPayloadBytes))
	b.ReportAllocs()
	for b.Loop() {
		for i := range updates[0].Entries {
			updates[0].Entries[i] = wire.Entry{Index: next, Term: 1, Kind: wire.EntryCommand, Data: data}
			next++
		}
		updates[0].Compact = 0
		if next%(64<<10) == 1 && next > 32<<10 {
			updates[0].Compact = next - 32<<10
		}
		must(b, l.Save(updates))
	}
	must(b, l.Close())
}

var benchBatches = []int{1, 64, 1024}

// BenchmarkSave is a Save on the disk that holds the temporary folder.
func BenchmarkSave(b *testing.B) {
	for _, batch := range benchBatches {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			options := osOptions(b)
			options.SegmentBytes = segmentBytesDefault
			benchmarkSave(b, options, batch)
		})
	}
}

// nullFS takes all writes and keeps none, so that what remains is what the log does.
type nullFS struct{ vfs.FS }

func (f nullFS) Open(path string) (vfs.File, error) {
	file, err := f.FS.Open(path)
	return nullFile{file}, err
}

type nullFile struct{ vfs.File }

func (nullFile) WriteAt(data []byte, _ int64) (int, error) { return len(data), nil }
func (nullFile) SyncData() error                           { return nil }

// BenchmarkSaveWithoutDisk is what a Save costs beside the system calls.
func BenchmarkSaveWithoutDisk(b *testing.B) {
	for _, batch := range benchBatches {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			options := osOptions(b)
			options.SegmentBytes = segmentBytesDefault
			options.FS = nullFS{vfs.OS()}
			benchmarkSave(b, options, batch)
		})
	}
}

// BenchmarkEntries reads 64 entries that were saved one by one.
func BenchmarkEntries(b *testing.B) {
	options := osOptions(b)
	options.SegmentBytes = segmentBytesDefault
	options.Synchronous = true
	l := mustOpen(b, options)
	data := bytes.Repeat([]byte("x"), benchPayloadBytes)
	for i := range wire.Index(1000) {
		e := wire.Entry{Index: i + 1, Term: 1, Kind: wire.EntryCommand, Data: data}
		must(b, l.Save([]wire.Update{{Group: 1, Entries: []wire.Entry{e}}}))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Entries(1, 101, 164, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
	must(b, l.Close())
}
