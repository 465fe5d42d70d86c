// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

func TestTooLarge(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	big := strings.Repeat("x", segmentBytesMin)
	err := l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a")}, {Group: 2, Entries: entries(1, 1, big)}})
	if !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrFailed) {
		t.Fatalf("got %v", err)
	}
	requireContents(t, l, make(model))
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a")}}))
	must(t, l.Close())
}

// A Save larger than a segment is divided between updates; the largest update fits.
func TestSaveLargerThanASegment(t *testing.T) {
	fsys := vfs.NewMem()
	l := mustOpen(t, testOptions(fsys))
	want := make(model)
	var updates []wire.Update
	for i := range 40 {
		u := wire.Update{Group: wire.GroupID(1 + i%3), Entries: entries(1, wire.Index(1+i/3), strings.Repeat("x", 1000))}
		updates = append(updates, u)
		want.apply(u)
	}
	must(t, l.Save(updates))
	requireContents(t, l, want)
	must(t, l.Close())
	l = mustOpen(t, testOptions(fsys))
	requireContents(t, l, want)
	room := segmentBytesMin - 512 - 512 - batchHeaderBytes
	largest := room - updateBytes(&wire.Update{Entries: entries(1, 1, "")})
	u := wire.Update{Group: 1, Entries: entries(1, 15, strings.Repeat("y", largest))}
	want.apply(u)
	must(t, l.Save([]wire.Update{u}))
	requireContents(t, l, want)
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

func TestEntriesLimits(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(1, 1, "a", "b", "c")}, {Group: 2, Entries: entries(1, 1, "x")}}))
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(2, 3, "C", "d", "e")}}))
	must(t, l.Save([]wire.Update{{Group: 1, Entries: entries(2, 6, "f"), Compact: 1}}))
	const size = wire.EntryOverhead + 1
	for _, test := range []struct {
		lo, hi   wire.Index
		bytesMax int
		want     string
	}{
		{2, 6, 100 * size, "bCdef"},
		{2, 6, 5 * size, "bCdef"},
		{2, 6, 5*size - 1, "bCde"},
		{2, 6, 2 * size, "bC"},
		{2, 6, 2*size - 1, "b"},
		{2, 6, 0, "b"},
		{2, 6, -1, "b"},
		{4, 5, 100 * size, "de"},
		{6, 6, 1, "f"},
		{3, 4, 100 * size, "Cd"},
	} {
		found, err := l.Entries(1, test.lo, test.hi, test.bytesMax)
		must(t, err)
		got := ""
		for i, e := range found {
			if e.Index != test.lo+wire.Index(i) {
				t.Errorf("entry %d at %d", e.Index, i)
			}
			got += string(e.Data)
		}
		if got != test.want {
			t.Errorf("entries %d to %d in %d bytes: %s, want %s", test.lo, test.hi, test.bytesMax, got, test.want)
		}
	}
	for _, test := range []struct {
		group  wire.GroupID
		lo, hi wire.Index
	}{{1, 1, 6}, {1, 0, 2}, {1, 2, 7}, {1, 7, 7}, {1, 3, 2}, {3, 1, 1}, {3, 0, 0}} {
		if _, err := l.Entries(test.group, test.lo, test.hi, 1000); !errors.Is(err, ErrNotFound) {
			t.Errorf("entries %d to %d of group %d: %v", test.lo, test.hi, test.group, err)
		}
	}
	must(t, l.Close())
}

func TestLongRunsAreDividedIntoRecords(t *testing.T) {
	options := testOptions(vfs.NewMem())
	options.SegmentBytes = 4 << 20
	l := mustOpen(t, options)
	u := wire.Update{Group: 1}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 8000 {
		data := bytes.Repeat([]byte{byte(i)}, random.IntN(200))
		if i%1000 == 0 {
			data = bytes.Repeat([]byte{byte(i)}, recordBodyBytesMax+i)
		}
		u.Entries = append(u.Entries, wire.Entry{Index: wire.Index(i + 1), Term: 1, Kind: wire.EntryCommand, Data: data})
	}
	want := make(model)
	want.apply(u)
	must(t, l.Save([]wire.Update{u}))
	if n := len(l.index.groups[1].runs); n < 20 || n > 60 {
		t.Errorf("%d runs", n)
	}
	requireContents(t, l, want)
	must(t, l.Close())
	l = mustOpen(t, options)
	requireContents(t, l, want)
	for range 200 {
		lo := wire.Index(1 + random.IntN(8000))
		hi := lo + wire.Index(random.IntN(8001-int(lo)))
		found, err := l.Entries(1, lo, hi, 50000)
		must(t, err)
		n := len(found)
		if n < int(hi-lo+1) && wire.SizeOf(u.Entries[lo-1:int(lo)+n]) <= 50000 {
			t.Fatalf("entries %d to %d: only %d", lo, hi, n)
		}
		if n > 1 && wire.SizeOf(found) > 50000 || !slices.EqualFunc(found, u.Entries[lo-1:int(lo)-1+n], isSameEntry) {
			t.Fatalf("entries %d to %d: wrong or too many, %d", lo, hi, n)
		}
	}
	must(t, l.Close())
}

func TestGroupsAndLoadOfNothing(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	must(t, l.Save(nil))
	must(t, l.Save([]wire.Update{{Group: 5}}))
	state, err := l.Load(5)
	must(t, err)
	if len(l.Groups()) != 0 || fmt.Sprint(state) != fmt.Sprint(wire.LogState{}) || l.tail.seq != 0 {
		t.Errorf("groups %v, state %v, %d batches", l.Groups(), state, l.tail.seq)
	}
	must(t, l.Save([]wire.Update{{Group: 9, HardState: wire.HardState{Term: 1}}, {Group: 4, HardState: wire.HardState{Term: 1}}}))
	if got := l.Groups(); !slices.Equal(got, []wire.GroupID{4, 9}) {
		t.Errorf("groups %v", got)
	}
	must(t, l.Close())
}

func TestClosed(t *testing.T) {
	l := mustOpen(t, testOptions(vfs.NewMem()))
	must(t, l.Close())
	must(t, l.Close())
	_, loadErr := l.Load(1)
	_, entriesErr := l.Entries(1, 1, 1, 1)
	saveErr := l.Save([]wire.Update{{Group: 1, HardState: wire.HardState{Term: 1}}})
	for what, err := range map[string]error{"load": loadErr, "entries": entriesErr, "save": saveErr} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
