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
