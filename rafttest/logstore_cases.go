// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"math"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

func logNewGroup(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.models.group(1)
	r.models.group(math.MaxUint64)
	r.verify("before anything is saved")
	r.save()
	r.verify("after an empty Save")
	r.save(wire.Update{Group: 2, HardState: wire.HardState{Term: 1}})
	r.verify("after a Save for another group")
}

func logRoundTrip(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 3, Vote: 2}, Entries: []wire.Entry{
		membershipOf(1, 1, 1, 2, 3),
		{Index: 2, Term: 1, Kind: wire.EntryBlank},
		{Index: 3, Term: 1, Kind: wire.EntryCommand, Data: []byte{}},
		{Index: 4, Term: 3, Kind: wire.EntryCommand, Data: []byte{0}},
		{Index: 5, Term: 3, Kind: wire.EntryCommand, Data: bytes.Repeat([]byte{0, 0xff}, 3000)},
	}})
	r.verify("one Save")
	for i := wire.Index(6); i <= 200; i++ {
		r.save(wire.Update{Group: 1, Entries: entriesOf(3+wire.Term(i/50), i, i)})
	}
	r.verify("many Saves")
	const huge = math.MaxUint64
	r.save(wire.Update{
		Group: huge, HardState: wire.HardState{Term: huge, Vote: huge}, Reset: wire.LogID{Term: huge - 1, Index: huge / 2},
		Entries: entriesOf(huge, huge/2+1, huge/2+3),
	})
	r.verify("large numbers")
}

func logOverwrite(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, Entries: entriesOf(1, 1, 20)})
	for _, step := range []struct {
		term        wire.Term
		first, last wire.Index
	}{{2, 20, 20}, {3, 15, 30}, {4, 29, 29}, {5, 30, 31}, {6, 2, 3}, {7, 1, 1}, {7, 2, 40}, {8, 40, 40}, {9, 1, 60}} {
		r.save(wire.Update{Group: 1, Entries: entriesOf(step.term, step.first, step.last)})
		r.verify("entries %d to %d of term %d in place of what stood there", step.first, step.last, step.term)
	}
	r.save(wire.Update{Group: 1, Entries: entriesOf(9, 1, 60)})
	r.verify("the same entries once more")
}

func logHardState(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 1}})
	r.verify("a term without a vote")
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 1, Vote: 3}})
	r.verify("a vote in it")
	r.save(wire.Update{Group: 1, Entries: entriesOf(1, 1, 3)})
	r.verify("entries without a hard state, which changes nothing of it")
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 2}})
	r.verify("a later term, which has no vote yet")
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 3, Vote: 1}, Entries: entriesOf(2, 3, 4)})
	r.verify("both at once")
}

func logMemberships(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, Entries: []wire.Entry{membershipOf(1, 1, 1), entryOf(1, 2), membershipOf(2, 3, 1, 2)}})
	r.save(wire.Update{Group: 1, Entries: []wire.Entry{entryOf(2, 4), membershipOf(4, 5, 1, 2, 3), entryOf(7, 6)}})
	r.verify("several memberships and terms")
	r.save(wire.Update{Group: 1, Entries: []wire.Entry{entryOf(8, 5)}})
	r.verify("a membership is overwritten by a command")
	r.save(wire.Update{Group: 1, Entries: []wire.Entry{membershipOf(9, 3, 4, 5, 6)}})
	r.verify("a membership is overwritten by another")
	r.save(wire.Update{Group: 1, Entries: entriesOf(9, 4, 10), Compact: 3})
	r.verify("compacted up to a membership")
	r.save(wire.Update{Group: 1, Reset: wire.LogID{Term: 9, Index: 20}})
	r.verify("after a reset there are none")
}

func logReset(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 5, Vote: 2}, Reset: wire.LogID{Term: 4, Index: 100}})
	r.verify("an empty log")
	r.save(wire.Update{Group: 1, Entries: entriesOf(5, 101, 120)})
	r.verify("entries behind it")
	r.save(wire.Update{Group: 1, Reset: wire.LogID{Term: 5, Index: 110}})
	r.verify("back to an entry in between, which takes those behind it along")
	r.save(wire.Update{Group: 1, Entries: entriesOf(6, 111, 115)})
	r.save(wire.Update{Group: 1, Reset: wire.LogID{Term: 7, Index: 500}, Entries: entriesOf(7, 501, 510)})
	r.verify("ahead, with entries in the same update")
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 8}, Reset: wire.LogID{Term: 7, Index: 510}})
	r.verify("to the last entry")
}

func logCompaction(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 9, Vote: 1}, Entries: entriesOf(1, 1, 50)})
	r.save(wire.Update{Group: 1, Entries: entriesOf(2, 51, 100)})
	r.save(wire.Update{Group: 1, Compact: 30})
	r.verify("through the middle of a term")
	r.save(wire.Update{Group: 1, Compact: 20})
	r.verify("to an earlier index, which changes nothing")
	r.save(wire.Update{Group: 1, Compact: 50})
	r.verify("through the end of a term")
	r.save(wire.Update{Group: 1, Entries: entriesOf(3, 101, 110), Compact: 105})
	r.verify("with entries in the same update")
	r.save(wire.Update{Group: 1, Entries: entriesOf(4, 108, 108)})
	r.verify("overwriting behind it")
	r.save(wire.Update{Group: 1, Compact: 108})
	r.verify("of all there is")
	r.save(wire.Update{Group: 1, Entries: entriesOf(5, 109, 120)})
	r.verify("and going on")
}

func logManyUpdates(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(
		wire.Update{Group: 1, HardState: wire.HardState{Term: 1, Vote: 1}, Entries: entriesOf(1, 1, 10)},
		wire.Update{Group: 2, HardState: wire.HardState{Term: 7, Vote: 2}},
		wire.Update{Group: 1, HardState: wire.HardState{Term: 2}, Entries: entriesOf(2, 6, 7)},
		wire.Update{Group: 2, Entries: entriesOf(7, 1, 3)},
		wire.Update{Group: 1, Entries: entriesOf(2, 8, 9)},
		wire.Update{Group: 3},
		wire.Update{Group: 2, Reset: wire.LogID{Term: 7, Index: 40}},
		wire.Update{Group: 2, Entries: entriesOf(7, 41, 42)},
		wire.Update{Group: 1, HardState: wire.HardState{Term: 3, Vote: 3}},
	)
	r.verify("updates of one Save take effect in order")
}

func logGroups(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	const groups = 100
	for round := wire.Term(1); round <= 3; round++ {
		var updates []wire.Update
		for g := raft.GroupID(1); g <= groups; g++ {
			id := g
			if g%2 == 0 {
				id = g << 33 // All of the number counts.
			}
			first := r.models.group(id).last().Index + 1
			updates = append(updates, wire.Update{
				Group: id, HardState: wire.HardState{Term: round, Vote: wire.NodeID(g)},
				Entries: entriesOf(round, first, first+wire.Index(g%5)),
			})
		}
		r.save(updates...)
		r.verify("round %d of %d groups", round, groups)
	}
	r.save(wire.Update{Group: 1, Entries: entriesOf(1, 1, 1)})
	r.verify("one more group")
}

func logBytesMax(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	var entries []wire.Entry
	for i := wire.Index(1); i <= 40; i++ {
		entries = append(entries, wire.Entry{Index: i, Term: 1, Kind: wire.EntryCommand, Data: make([]byte, i*7%50)})
	}
	r.save(wire.Update{Group: 1, Entries: entries})
	for lo := wire.Index(1); lo <= 40; lo += 3 {
		for hi := lo; hi <= 40; hi += 3 {
			whole := wire.SizeOf(entries[lo-1 : hi])
			for _, bytesMax := range []int{-1, 0, 1, whole / 2, whole - 1, whole, whole + 1, math.MaxInt} {
				got, err := readAll(r.store, 1, lo, hi, bytesMax)
				if err != nil {
					t.Fatalf("at most %d bytes: %v", bytesMax, err)
				}
				if firstDifference(got, entries[lo-1:hi], equalEntries) >= 0 {
					t.Fatalf("%d to %d, at most %d bytes: other entries", lo, hi, bytesMax)
				}
			}
			if got, err := r.store.Entries(1, lo, hi, whole); err != nil || len(got) != int(hi-lo)+1 {
				t.Fatalf("%d to %d of exactly %d bytes: %d entries, %v", lo, hi, whole, len(got), err)
			}
		}
	}
}

func logLarge(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	large := entryOf(1, 1)
	large.Data = make([]byte, s.CommandBytesMax)
	for i := range large.Data {
		large.Data[i] = byte(i * i >> 8)
	}
	r.save(wire.Update{Group: 1, Entries: []wire.Entry{large}})
	r.save(wire.Update{Group: 1, Entries: entriesOf(1, 2, 2000)})
	r.verify("a command of %d bytes, and many small ones", len(large.Data))
}

func logMissing(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, Entries: entriesOf(1, 1, 20)})
	r.save(wire.Update{Group: 1, Entries: entriesOf(2, 10, 12)})
	r.save(wire.Update{Group: 2, Reset: wire.LogID{Term: 1, Index: 10}, Entries: entriesOf(1, 11, 12)})
	for _, read := range []struct {
		group  raft.GroupID
		lo, hi wire.Index
	}{
		{1, 13, 13}, {1, 13, 20}, {1, 12, 13}, {1, 1, 20}, {1, 1, math.MaxUint64}, {1, 100, 200}, {1, math.MaxUint64, math.MaxUint64},
		{1, 0, 5}, {2, 10, 12}, {2, 1, 12}, {2, 1, 1}, {2, 10, 10}, {2, 13, 13}, {3, 1, 1}, {3, 1, 5},
	} {
		if entries, err := r.store.Entries(read.group, read.lo, read.hi, 1<<30); err == nil {
			t.Errorf("group %d, %d to %d, not all of which is there: %d entries and no error", read.group, read.lo, read.hi, len(entries))
		}
	}
}
