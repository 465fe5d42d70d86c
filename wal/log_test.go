// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"testing"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

func TestSaveAndReopen(t *testing.T) {
	membership := wire.Entry{Index: 3, Term: 2, Kind: wire.EntryMembership, Data: []byte("who")}
	for name, updates := range map[string][]wire.Update{
		"hard state": {{Group: 1, HardState: wire.HardState{Term: 3, Vote: 9}}},
		"vote taken back by a new term": {
			{Group: 1, HardState: wire.HardState{Term: 3, Vote: 9}}, {Group: 1, HardState: wire.HardState{Term: 4}},
		},
		"entries":    {{Group: 1, Entries: entries(2, 1, "a", "", "c")}},
		"membership": {{Group: 1, Entries: append(entries(1, 1, "a", "b"), membership)}},
		"truncation in a run": {
			{Group: 1, Entries: entries(1, 1, "a", "b", "c", "d")}, {Group: 1, Entries: entries(2, 3, "C")},
		},
		"truncation between runs": {
			{Group: 1, Entries: entries(1, 1, "a", "b")}, {Group: 1, Entries: entries(1, 3, "c")},
			{Group: 1, Entries: entries(2, 3, "C", "D")},
		},
		"truncation of all": {
			{Group: 1, Entries: entries(1, 1, "a", "b")}, {Group: 1, Entries: entries(1, 3, "c")},
			{Group: 1, Entries: entries(2, 1, "A")},
		},
		"truncation of a membership": {
			{Group: 1, Entries: append(entries(1, 1, "a", "b"), membership)}, {Group: 1, Entries: entries(3, 3, "c")},
		},
		"reset":             {{Group: 1, Entries: entries(1, 1, "a")}, {Group: 1, Reset: wire.LogID{Term: 4, Index: 90}}},
		"reset and entries": {{Group: 1, Reset: wire.LogID{Term: 4, Index: 90}, Entries: entries(5, 91, "x", "y")}},
		"reset backwards": {
			{Group: 1, Entries: entries(3, 1, "a", "b")}, {Group: 1, Reset: wire.LogID{Term: 2, Index: 1}},
			{Group: 1, Entries: entries(2, 2, "c")},
		},
		"compaction in a run":  {{Group: 1, Entries: entries(1, 1, "a", "b", "c")}, {Group: 1, Compact: 2}},
		"compaction of all":    {{Group: 1, Entries: entries(1, 1, "a", "b", "c")}, {Group: 1, Compact: 3}},
		"compaction backwards": {{Group: 1, Entries: entries(1, 1, "a", "b", "c")}, {Group: 1, Compact: 3}, {Group: 1, Compact: 1}},
		"compaction and entries": {
			{Group: 1, Entries: entries(1, 1, "a", "b", "c")},
			{Group: 1, Entries: entries(2, 3, "C", "D", "E"), Compact: 4}, {Group: 1, Entries: entries(2, 6, "f")},
		},
		"all at once": {{
			Group: 1, HardState: wire.HardState{Term: 9, Vote: 1}, Reset: wire.LogID{Term: 7, Index: 70},
			Entries: entries(8, 71, "a", "b"), Compact: 71,
		}},
		"groups": {
			{Group: 2, Entries: entries(1, 1, "a")}, {Group: 1, Entries: entries(5, 1, "b")},
			{Group: 2, Entries: entries(1, 2, "c")}, {Group: 1 << 63, Entries: entries(1, 1, "d")},
		},
		"largest numbers": {{
			Group: 1<<64 - 1, HardState: wire.HardState{Term: 1<<64 - 1, Vote: 1<<64 - 1},
			Reset: wire.LogID{Term: 1<<64 - 1, Index: 1<<64 - 3}, Entries: entries(1<<64-1, 1<<64-2, "z"),
		}},
	} {
		for way, together := range map[string]bool{"in one save": true, "in many": false} {
			t.Run(name+" "+way, func(t *testing.T) { testSaveAndReopen(t, updates, together) })
		}
	}
}

func testSaveAndReopen(t *testing.T, updates []wire.Update, together bool) {
	fsys := vfs.NewMem()
	l := mustOpen(t, testOptions(fsys))
	want := make(model)
	for i := range updates {
		want.apply(updates[i])
		if together {
			continue
		}
		must(t, l.Save(updates[i:i+1]))
		requireContents(t, l, want)
		must(t, l.Close())
		l = mustOpen(t, testOptions(fsys))
		requireContents(t, l, want)
	}
	if together {
		must(t, l.Save(updates))
		requireContents(t, l, want)
	}
	crashed := mustOpen(t, testOptions(fsys.CrashClone(vfs.LoseAll)))
	requireContents(t, crashed, want)
	must(t, crashed.Close())
	must(t, l.Close())
}

func TestInvalidUpdates(t *testing.T) {
	held := wire.Update{Group: 1, Reset: wire.LogID{Term: 2, Index: 10}, Entries: entries(3, 11, "a", "b")}
	unknownKind := wire.Entry{Index: 13, Term: 3, Kind: 9}
	for name, update := range map[string]wire.Update{
		"no group":            {HardState: wire.HardState{Term: 1}},
		"gap":                 {Group: 1, Entries: entries(3, 14, "x")},
		"compacted":           {Group: 1, Entries: entries(3, 10, "x")},
		"gap inside":          {Group: 1, Entries: append(entries(3, 13, "x"), entries(3, 15, "y")...)},
		"term goes back":      {Group: 1, Entries: entries(2, 13, "x")},
		"term goes back at 2": {Group: 1, Entries: entries(2, 12, "x")},
		"term below reset":    {Group: 1, Entries: entries(1, 11, "x")},
		"term inside":         {Group: 1, Entries: append(entries(5, 13, "x"), entries(4, 14, "y")...)},
		"no term":             {Group: 3, Entries: entries(0, 1, "x")},
		"first is not 1":      {Group: 3, Entries: entries(1, 2, "x")},
		"index zero":          {Group: 3, Entries: entries(1, 0, "x")},
		"unknown kind":        {Group: 1, Entries: []wire.Entry{unknownKind}},
		"compacts the future": {Group: 1, Compact: 13},
		"reset to index 0":    {Group: 1, Reset: wire.LogID{Term: 4}},
		"reset to term 0":     {Group: 1, Reset: wire.LogID{Index: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			l := mustOpen(t, testOptions(vfs.NewMem()))
			want := make(model)
			want.apply(held)
			must(t, l.Save([]wire.Update{held}))
			before := l.tail
			err := l.Save([]wire.Update{{Group: 2, Entries: entries(1, 1, "never")}, update})
			if !errors.Is(err, ErrInvalidUpdate) || errors.Is(err, ErrFailed) {
				t.Fatalf("got %v", err)
			}
			if l.tail != before {
				t.Error("something was written")
			}
			more := wire.Update{Group: 1, Entries: entries(3, 13, "c")}
			want.apply(more)
			must(t, l.Save([]wire.Update{more}))
			requireContents(t, l, want)
			must(t, l.Close())
		})
	}
}

// What an update of a Save may do depends on those before it in the same Save.
func TestUpdatesOfOneSaveDependOnEachOther(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a", "b", "c")}}))
	err := l.Save([]wire.Update{{Group: 1, Entries: entries(4, 2, "B")}, {Group: 1, Entries: entries(3, 3, "C")}})
	if !errors.Is(err, ErrInvalidUpdate) {
		t.Errorf("a term that goes back: %v", err)
	}
	err = l.Save([]wire.Update{{Group: 1, Compact: 3}, {Group: 1, Entries: entries(4, 3, "C")}})
	if !errors.Is(err, ErrInvalidUpdate) {
		t.Errorf("an entry that was compacted: %v", err)
	}
	must(t, l.Save([]wire.Update{
		{Group: 1, Entries: entries(4, 2, "B")}, {Group: 2, Entries: entries(9, 1, "x")}, {Group: 1, Compact: 2},
	}))
	state, err := l.Load(1)
	must(t, err)
	if state.Compacted != (wire.LogID{Term: 4, Index: 2}) {
		t.Errorf("compacted %v", state.Compacted)
	}
	must(t, l.Close())
}

func TestRandomHistories(t *testing.T) {
	for seed := range uint64(20) {
		fsys := vfs.NewMem()
		options := testOptions(fsys)
		options.SegmentBytes = segmentBytesMin << (seed % 3)
		options.BlockBytes = []int{512, 1024, 2048}[seed%3]
		h := randomHistory(seed, 120, 4)
		l := mustOpen(t, options)
		for i, updates := range h.saves {
			must(t, l.Save(updates))
			got, err := contents(l)
			if err != nil || got != h.states[i+1] {
				t.Fatalf("seed %d, save %d: %v, the log has\n%s\nwant\n%s", seed, i, err, got, h.states[i+1])
			}
			if i%7 == 0 {
				must(t, l.Close())
				options.SegmentBytes = segmentBytesMin << (i % 3) // May change from one Open to the next.
				l = mustOpen(t, options)
			}
		}
		must(t, l.Close())
	}
}

func TestSaveKeepsNothingItIsGiven(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	update := wire.Update{Group: 1, Entries: entries(1, 1, "aaaa")}
	update.Entries[0].Kind = wire.EntryMembership
	must(t, l.Save([]wire.Update{update}))
	copy(update.Entries[0].Data, "bbbb")
	state, err := l.Load(1)
	must(t, err)
	if got := string(state.Memberships[0].Data); got != "aaaa" {
		t.Errorf("membership %s", got)
	}
	must(t, l.Close())
}
