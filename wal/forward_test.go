// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// busy saves and compacts in a group until so many segments have begun.
func busy(t testing.TB, l *Log, group wire.GroupID, segments uint32) {
	t.Helper()
	for until := l.index.active().number + segments; l.index.active().number < until; {
		state, err := l.Load(group)
		must(t, err)
		saveOne(t, l, group, state.Last+1, 2)
	}
}

// Groups that are not used any more do not keep the segments of those that are. What
// they have stays the same, in memory, on the disk and after a power loss.
func TestIdleGroupsKeepNothing(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	want := make(model)
	save := func(u wire.Update) {
		want.apply(u)
		must(t, l.Save([]wire.Update{u}))
	}
	membership := wire.Entry{Index: 1, Term: 3, Kind: wire.EntryMembership, Data: []byte("who")}
	save(wire.Update{Group: 2, HardState: wire.HardState{Term: 3, Vote: 4}, Entries: []wire.Entry{membership}})
	save(wire.Update{Group: 3, Entries: entries(1, 1, "compacted", "in", "part"), Compact: 1})
	save(wire.Update{Group: 4, Reset: wire.LogID{Term: 7, Index: 70}})
	save(wire.Update{Group: 2, Entries: entries(4, 2, "b", "c")})
	save(wire.Update{Group: 2, Entries: entries(5, 3, "C")})
	save(wire.Update{Group: 5, Entries: entries(1, 1, strings.Repeat("x", 700))})
	busy(t, l, 1, 40)
	if n := len(l.index.segments); n > forwardBehind+2 {
		t.Errorf("%d segments are kept", n)
	}
	state := func(l *Log) string {
		got, err := contents(l)
		must(t, err)
		_, got, _ = strings.Cut(got, "group 2:") // Without the busy one.
		return got
	}
	_, wanted, _ := strings.Cut(want.String(), "group 2:")
	if got := state(l); got != wanted {
		t.Fatalf("the log has\n%s\nwant\n%s", got, wanted)
	}
	for _, decide := range []func(vfs.Unsynced) vfs.Survival{vfs.LoseAll, vfs.KeepAll} {
		after := mustOpen(t, testOptions(disk.CrashClone(decide)))
		if got := state(after); got != wanted {
			t.Fatalf("the log has\n%s\nwant\n%s", got, wanted)
		}
		must(t, after.Close())
	}
	must(t, l.Close())
}

// So many groups that not all can be moved at once are moved by and by.
func TestManyIdleGroups(t *testing.T) {
	const groups = 40 // Each takes about a tenth of what may be moved in a segment.
	l := mustOpen(t, testOptions(vfs.NewMem()))
	for i := range wire.GroupID(groups) {
		must(t, l.Save([]wire.Update{{Group: 100 + i, Entries: entries(1, 1, strings.Repeat("x", 30))}}))
	}
	most := 0
	for range 60 {
		busy(t, l, 1, 1)
		most = max(most, len(l.index.segments))
	}
	if most > 2*forwardShare {
		t.Errorf("up to %d segments were kept", most)
	}
	for i := range wire.GroupID(groups) {
		found, err := l.Entries(100+i, 1, 1, 100)
		must(t, err)
		if len(found) != 1 {
			t.Errorf("group %d has %v", 100+i, found)
		}
	}
	must(t, l.Close())
}

// A group that is used and compacts is never moved: it would be written twice.
func TestBusyGroupIsNotMoved(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	batches := uint64(0)
	for i := range wire.Index(300) {
		before := l.tail.seq
		saveOne(t, l, 1, i+1, 10)
		batches = max(batches, l.tail.seq-before)
	}
	if batches != 1 {
		t.Errorf("a save wrote %d batches", batches)
	}
	must(t, l.Close())
}

// What cannot be read is not moved, and the log goes on.
func TestDamagedGroupIsNotMoved(t *testing.T) {
	disk := vfs.NewMem()
	l := mustOpen(t, testOptions(disk))
	must(t, l.Save([]wire.Update{{Group: 2, Entries: entries(1, 1, "rotten")}}))
	r := l.index.groups[2].runs[0]
	flipBit(t, disk, l.index.segments[0].path, int(r.offset)+recordHeaderBytes)
	busy(t, l, 1, 10)
	if l.index.segments[0].number != r.segment {
		t.Errorf("the oldest segment is %d", l.index.segments[0].number)
	}
	if _, err := l.Entries(2, 1, 1, 100); err == nil {
		t.Error("what is rotten was read")
	}
	must(t, l.Close())
}

// What takes the place of all entries lets go of the record of which the others were
// compacted.
func TestReplacedRecordKeepsNoSegment(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	must(t, l.Save([]wire.Update{{Group: 2, Entries: entries(1, 1, "a", strings.Repeat("b", 1200)), Compact: 1}}))
	must(t, l.Save([]wire.Update{{Group: 2, Entries: entries(2, 2, "B")}}))
	if runs := l.index.groups[2].runs; len(runs) != 1 || runs[0].first != 2 {
		t.Errorf("runs %+v", runs)
	}
	found, err := l.Entries(2, 2, 2, 100)
	must(t, err)
	if !slices.EqualFunc(found, entries(2, 2, "B"), isSameEntry) {
		t.Errorf("found %v", found)
	}
	must(t, l.Close())
}
