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

// A million small entries, of which a thousand are kept whenever ten thousand more were
// saved, take a bounded folder, and so they do beside groups of which nothing is saved,
// and when the log is reset to a snapshot instead.
func TestFolderIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		idle    wire.GroupID
		isReset bool
	}{
		"compacted": {}, "beside idle groups": {idle: 20}, "reset": {isReset: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const total, every, kept, batch, segment = 1_000_000 / thinning, 10_000, 1_000, 50, 64 << 10
			disk := vfs.NewMem()
			options := testOptions(disk)
			options.SegmentBytes = segment
			l := mustOpen(t, options)
			for i := range test.idle {
				must(t, l.Save([]wire.Update{{Group: 10 + i, Entries: entries(1, 1, "idle", "idle")}}))
			}
			sizes := make([]int64, 0, total/every)
			most, bytesMost, sparesMost := 0, 0, 0
			last := wire.Index(0)
			for saved := batch; saved <= total; saved += batch {
				u := wire.Update{Group: 1, Entries: make([]wire.Entry, batch)}
				for i := range u.Entries {
					u.Entries[i] = wire.Entry{Index: last + wire.Index(i) + 1, Term: 1, Kind: wire.EntryCommand, Data: []byte("sixteen bytes...")}
				}
				last += batch
				if saved%every == 0 && !test.isReset {
					u.Compact = last - kept
				}
				must(t, l.Save([]wire.Update{u}))
				if saved%every == 0 && test.isReset {
					must(t, l.Save([]wire.Update{{Group: 1, Reset: wire.LogID{Term: 1, Index: last + 10*every}}}))
					last += 10 * every
				}
				bytes, segments, spares := folderSize(t, disk, testDir)
				most, bytesMost, sparesMost = max(most, segments), max(bytesMost, int(bytes)), max(sparesMost, spares)
				if saved%every == 0 {
					sizes = append(sizes, bytes)
				}
			}
			t.Logf("at most %d segments, %d spares and %d KiB; after every tenth of it %d KiB", most, sparesMost, bytesMost>>10, tenths(sizes))
			// What is kept and what is not yet compacted, the segments in which that begins and
			// ends, and how far groups may be behind before they are moved.
			const batchBytes, usable = 2048, segment - 1024
			segmentsMax := ((every+kept)/batch*batchBytes+usable-1)/usable + 2
			if test.idle > 0 {
				segmentsMax += forwardBehind
			}
			if most > segmentsMax || sparesMost > sparesMax || bytesMost > (segmentsMax+sparesMax)*segment+1024 {
				t.Errorf("%d segments, want %d at most; %d spares, want %d; %d bytes", most, segmentsMax, sparesMost, sparesMax, bytesMost)
			}
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

// tenths returns ten of the sizes, in KiB.
func tenths(sizes []int64) (kib []int64) {
	for i := range 10 {
		kib = append(kib, sizes[min(len(sizes)-1, len(sizes)*(i+1)/10)]>>10)
	}
	return kib
}
