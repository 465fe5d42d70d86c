// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// saveLarge saves what takes about so many bytes in group 2, a little at a time.
func saveLarge(t testing.TB, l *Log, size int) {
	t.Helper()
	const piece = 300
	for i := range size / piece {
		must(t, l.Save([]wire.Update{{Group: 2, Entries: entries(1, wire.Index(i+1), strings.Repeat("x", piece-wire.EntryOverhead))}}))
	}
}

// show returns what the log has of all groups but the first.
func show(t testing.TB, l *Log) string {
	t.Helper()
	got, err := contents(l)
	must(t, err)
	_, got, found := strings.Cut(got, "group 2:")
	if !found {
		t.Fatalf("there is no group 2 in %s", got)
	}
	return got
}

// A group that holds more than may be moved early is moved late, and a crash at any moment of
// that leaves what it has as it is.
func TestLargeGroupIsMovedLate(t *testing.T) {
	disk := vfs.NewMem()
	var images []*vfs.Mem
	recording, random := false, rand.New(rand.NewPCG(1, 1))
	fsys := vfs.Faulty(disk, func(op vfs.Op) vfs.Fault {
		if recording && op.Kind&vfs.OpChange != 0 {
			images = append(images, disk.CrashClone(vfs.LoseAll), disk.CrashClone(vfs.KeepAll), disk.CrashClone(vfs.Random(random)))
		}
		return vfs.Fault{}
	})
	l := mustOpen(t, testOptions(fsys))
	saveLarge(t, l, segmentBytesMin/3)
	wanted := show(t, l)
	most := uint32(0)
	for range 3 * largeBehind {
		kept := l.index.active().number - l.index.segments[0].number
		most = max(most, kept)
		recording = kept >= largeBehind-1
		busy(t, l, 1, 1)
	}
	if most < largeBehind-1 || most > largeBehind+1 {
		t.Errorf("at most %d segments were kept", most)
	}
	if got := show(t, l); got != wanted {
		t.Fatalf("the log has\n%s\nwant\n%s", got, wanted)
	}
	must(t, l.Close())
	if len(images) < 50 {
		t.Errorf("%d crash images", len(images))
	}
	for i, image := range images {
		after := mustOpen(t, testOptions(image))
		if got := show(t, after); got != wanted {
			t.Fatalf("crash image %d has\n%s\nwant\n%s", i, got, wanted)
		}
		must(t, after.Close())
	}
}

// Large groups are moved one at a time, with time in between: how often is bounded, and so is
// how many segments they keep.
func TestManyLargeGroups(t *testing.T) {
	const groups = 5
	l := mustOpen(t, testOptions(vfs.NewMem()))
	for i := range wire.GroupID(groups) {
		must(t, l.Save([]wire.Update{{Group: 10 + i, Entries: entries(1, 1, strings.Repeat("x", segmentBytesMin/3))}}))
	}
	most, moved := 0, 0
	last := l.movedLarge
	for range 6 * largeBehind {
		busy(t, l, 1, 1)
		most = max(most, len(l.index.segments))
		if at := l.movedLarge; at != last {
			if last != 0 && at-last < largeEvery {
				t.Errorf("moved in segments %d and %d", last, at)
			}
			last = at
			moved++
		}
	}
	if most > largeBehind+groups*largeEvery+2 || moved < groups {
		t.Errorf("up to %d segments were kept, %d groups moved", most, moved)
	}
	must(t, l.Close())
}

// A group that holds too much to be moved at all keeps all segments, and that is said, more and more
// rarely. To compact it helps.
func TestAGroupThatIsTooLarge(t *testing.T) {
	var log bytes.Buffer
	options := testOptions(vfs.NewMem())
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	l := mustOpen(t, options)
	saveLarge(t, l, segmentBytesMin)
	first := l.index.segments[0].number
	for range 2 * complaintBehind {
		busy(t, l, 1, 1)
	}
	if l.index.segments[0].number != first {
		t.Errorf("the oldest segment is %d, not %d", l.index.segments[0].number, first)
	}
	if n := strings.Count(log.String(), "compact it"); n != 2 || !strings.Contains(log.String(), "group=2 segments=64") {
		t.Errorf("said %d times: %s", n, &log)
	}
	state, err := l.Load(2)
	must(t, err)
	must(t, l.Save([]wire.Update{{Group: 2, Compact: state.Last}}))
	busy(t, l, 1, 1)
	if n := len(l.index.segments); n > forwardBehind+2 {
		t.Errorf("%d segments are kept", n)
	}
	must(t, l.Close())
}
