// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// folderSize returns how many bytes the files of a log take, and how many files are
// segments and spares.
func folderSize(t testing.TB, fsys vfs.FS, dir string) (bytes int64, segments, spares int) {
	t.Helper()
	names, err := fsys.ReadDir(dir)
	must(t, err)
	for _, name := range names {
		switch {
		case name == lockName:
			continue
		case strings.HasSuffix(name, segmentSuffix):
			segments++
		case strings.HasSuffix(name, spareSuffix):
			spares++
		}
		file, err := fsys.OpenRead(filepath.Join(dir, name))
		must(t, err)
		size, err := file.Size()
		must(t, err)
		must(t, file.Close())
		bytes += size
	}
	return bytes, segments, spares
}

const (
	// boundedTotal small entries are saved in batches; whenever so many more were saved, only the
	// latest are kept.
	boundedTotal, boundedBatch = 1_000_000 / thinning, 50
	boundedEvery, boundedKept  = 10_000, 1_000
	boundedSegment             = 64 << 10
)

// bounded is a way to go on for long with a log.
type bounded struct {
	idle    wire.GroupID // so many groups of which nothing is saved any more
	isReset bool         // to a snapshot, instead of being compacted
	last    wire.Index
	// What the folder had at most, and its size whenever something was let go.
	segments, spares int
	bytes            int64
	sizes            []int64
}

// A million small entries, of which a thousand are kept whenever ten thousand more were
// saved, take a bounded folder, and so they do beside groups of which nothing is saved,
// and when the log is reset to a snapshot instead.
func TestFolderIsBounded(t *testing.T) {
	for name, test := range map[string]bounded{
		"compacted": {}, "beside idle groups": {idle: 20}, "reset": {isReset: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := vfs.NewMem()
			options := testOptions(disk)
			options.SegmentBytes = boundedSegment
			l := mustOpen(t, options)
			for i := range test.idle {
				must(t, l.Save([]wire.Update{{Group: 10 + i, Entries: entries(1, 1, "idle", "idle")}}))
			}
			for saved := boundedBatch; saved <= boundedTotal; saved += boundedBatch {
				test.save(t, l, saved%boundedEvery == 0)
				test.measure(t, disk, saved%boundedEvery == 0)
			}
			test.check(t)
			must(t, l.Close())
			l = mustOpen(t, options)
			for i := range test.idle {
				if found, err := l.Entries(10+i, 1, 2, 1000); err != nil || len(found) != 2 {
					t.Errorf("group %d has %v, %v", 10+i, found, err)
				}
			}
			must(t, l.Close())
		})
	}
}

// save saves another batch, and lets go of what was before if it is time to.
func (b *bounded) save(t testing.TB, l *Log, letGo bool) {
	u := wire.Update{Group: 1, Entries: make([]wire.Entry, boundedBatch)}
	for i := range u.Entries {
		u.Entries[i] = wire.Entry{Index: b.last + wire.Index(i) + 1, Term: 1, Kind: wire.EntryCommand, Data: []byte("sixteen bytes...")}
	}
	b.last += boundedBatch
	if letGo && !b.isReset {
		u.Compact = b.last - boundedKept
	}
	must(t, l.Save([]wire.Update{u}))
	if letGo && b.isReset {
		b.last += 10 * boundedEvery
		must(t, l.Save([]wire.Update{{Group: 1, Reset: wire.LogID{Term: 1, Index: b.last}}}))
	}
}

func (b *bounded) measure(t testing.TB, disk *vfs.Mem, hasLetGo bool) {
	bytes, segments, spares := folderSize(t, disk, testDir)
	b.segments, b.spares, b.bytes = max(b.segments, segments), max(b.spares, spares), max(b.bytes, bytes)
	if hasLetGo {
		b.sizes = append(b.sizes, bytes)
	}
}

// check compares what there was at most with what is kept and what is not yet compacted, the
// segments in which that begins and ends, and how far groups may be behind before they are moved.
func (b *bounded) check(t testing.TB) {
	t.Logf("at most %d segments, %d spares and %d KiB; after every tenth of it %d KiB", b.segments, b.spares, b.bytes>>10, tenths(b.sizes))
	const batchBytes, usable = 2048, boundedSegment - 1024
	segmentsMax := ((boundedEvery+boundedKept)/boundedBatch*batchBytes+usable-1)/usable + 2
	if b.idle > 0 {
		segmentsMax += forwardBehind
	}
	if b.segments > segmentsMax || b.spares > sparesMax || b.bytes > int64(segmentsMax+sparesMax)*boundedSegment+1024 {
		t.Errorf("%d segments, want %d at most; %d spares, want %d; %d bytes", b.segments, segmentsMax, b.spares, sparesMax, b.bytes)
	}
}

// tenths returns ten of the sizes, in KiB.
func tenths(sizes []int64) (kib []int64) {
	for i := range 10 {
		kib = append(kib, sizes[min(len(sizes)-1, len(sizes)*(i+1)/10)]>>10)
	}
	return kib
}
