// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// Everything that is written says what came before. Whatever does not fit is refused,
// even if all checksums are good: each of these is caught by one check alone.
func TestChainIsVerified(t *testing.T) {
	one := []wire.Update{{Group: 1, HardState: wire.HardState{Term: 9}}}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, l *Log)
		want  string
	}{
		"a batch is left out": {func(t *testing.T, l *Log) {
			l.tail.seq++
			must(t, l.Save(one))
		}, "batch 5 stands where batch 4 should follow"},
		"a batch follows another": {func(t *testing.T, l *Log) {
			l.tail.sum ^= 1
			must(t, l.Save(one))
		}, "batch 4 stands where batch 4 should follow"},
		"a segment follows another": {func(t *testing.T, l *Log) {
			l.tail.sum ^= 1
			must(t, l.roll())
		}, "does not follow the one before"},
		"a segment begins with another state": {func(t *testing.T, l *Log) {
			l.index.groups[1].hardState.Vote++
			must(t, l.roll())
		}, "checkpoint of group 1 is not what"},
		"a segment forgets a group": {func(t *testing.T, l *Log) {
			l.index.groups[1].known = false
			must(t, l.roll())
		}, "checkpoint has 0 groups"},
		"a compaction of nothing": {func(t *testing.T, l *Log) {
			l.index.groups[1].last.Index = 90
			must(t, l.Save([]wire.Update{{Group: 1, Compact: 80}}))
		}, "compaction point is not in the log"},
		"a gap": {func(t *testing.T, l *Log) {
			l.index.groups[1].last.Index = 90
			must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 91, "x")}}))
		}, "do not follow those before"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMem()
			l := mustOpen(t, testOptions(disk))
			for i := range wire.Index(3) {
				saveOne(t, l, 1, i+1, 100)
			}
			test.spoil(t, l)
			l.unproven = false // Close leaves the disk as it is.
			must(t, l.Close())
			_, err := Open(testOptions(disk))
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A checkpoint that nothing else repeats has its checksum only.
func TestBitFlipInTheOnlyCheckpoint(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	for i := range wire.Index(12) {
		saveOne(t, l, wire.GroupID(1+i%2), 1+i/2, 0)
	}
	if n := len(l.index.segments); n != 1 || l.index.active().number == 1 {
		t.Fatalf("%d segments", n)
	}
	path := l.index.active().path
	must(t, l.Close())
	for i := range fileHeaderBytes + 2*checkpointPerGroup {
		flipBit(t, disk, path, i)
		if _, err := Open(testOptions(disk)); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
		flipBit(t, disk, path, i)
	}
	l = mustOpen(t, testOptions(disk))
	must(t, l.Close())
}

// A record with a good checksum, in its place, but not of this batch.
func TestRecordOfAnotherBatch(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	saveOne(t, l, 1, 1, 100)
	s := l.index.active()
	buf := readFile(t, l.fs, s.path)[s.start:]
	h, ok := parseBatchHeader(buf, s, s.start)
	if problem := checkRecords(buf[:h.bytes], s, s.start, &h); !ok || problem != "" {
		t.Fatal(problem)
	}
	r, _, size, _ := parseRecord(buf[batchHeaderBytes:], s.seed, s.start+batchHeaderBytes)
	r.group = 2
	finishRecord(buf[batchHeaderBytes:batchHeaderBytes+size], s.seed, s.start+batchHeaderBytes, r)
	if problem := checkRecords(buf[:h.bytes], s, s.start, &h); !strings.Contains(problem, "not the ones") {
		t.Errorf("problem %q", problem)
	}
	must(t, l.Close())
}

func TestOnlySegmentIsRenamed(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	saveOne(t, l, 1, 1, 1)
	must(t, l.Close())
	must(t, disk.Rename(segmentPath(testDir, 1), segmentPath(testDir, 2)))
	if _, err := Open(testOptions(disk)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "was segment 1") {
		t.Errorf("got %v", err)
	}
}

// A crash may come between the making of a segment and the sealing of the one before:
// Open makes up for it.
func TestOpenSealsTheSegmentBeforeTheLast(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	saveOne(t, l, 1, 1, 100)
	must(t, l.roll())
	before := l.index.segments[0]
	must(t, l.Close())
	content := readFile(t, disk, before.path)
	clear(content[before.limit():])
	replaceFile(t, disk, before.path, content)
	l = mustOpen(t, testOptions(disk))
	if sealed, err := l.index.segments[0].isSealed(); err != nil || !sealed {
		t.Errorf("sealed %v, %v", sealed, err)
	}
	must(t, l.Close())
}
