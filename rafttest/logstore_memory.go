// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func logArguments(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	random := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		updates := randomUpdates(random, r.models, 3)
		given := cloneUpdates(updates)
		r.save(given...)
		for i := range updates {
			if firstDifference(updates[i].Entries, given[i].Entries, equalEntries) >= 0 ||
				updates[i].HardState != given[i].HardState || updates[i].Group != given[i].Group {
				t.Fatalf("Save changed what it was given")
			}
		}
		for _, u := range given { // All of it is the caller's again.
			for i := range u.Entries {
				for j := range u.Entries[i].Data {
					u.Entries[i].Data[j] = 0xee
				}
				u.Entries[i] = wire.Entry{Index: 1 << 60, Term: 1 << 60}
			}
		}
		clear(given)
		r.verify("after the caller has used its memory for something else")
	}
}

func logReadsStay(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	r.save(wire.Update{Group: 1, Entries: []wire.Entry{membershipOf(1, 1, 1, 2), entryOf(1, 2), membershipOf(1, 3, 3, 4)}})
	r.save(wire.Update{Group: 1, Entries: entriesOf(1, 4, 30)})
	read, err := r.store.Entries(1, 1, 30, 1<<30)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	state, err := r.store.Load(1)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	before, memberships := cloneEntries(read), cloneEntries(state.Memberships)
	for term := wire.Term(2); term < 20; term++ {
		r.save(wire.Update{Group: 1, Entries: entriesOf(term, 1, 30)})
		if _, err := readAll(r.store, 1, 1, 30, 100); err != nil {
			t.Fatalf("read: %v", err)
		}
	}
	r.save(wire.Update{Group: 1, Compact: 25})
	r.save(wire.Update{Group: 1, Reset: wire.LogID{Term: 20, Index: 90}, Entries: entriesOf(20, 91, 130)})
	if firstDifference(before, read, equalEntries) >= 0 || firstDifference(memberships, state.Memberships, equalEntries) >= 0 {
		t.Error("entries that were read have changed since")
	}
}
