// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// logConcurrency reads while Saves run: what stands and is not overwritten must always be
// there, and whatever else is read must be some entry that was saved in this place.
func logConcurrency(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	const stable = 50
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 1}, Entries: entriesOf(1, 1, stable)})
	r.save(wire.Update{Group: 2, Entries: entriesOf(1, 1, stable)})
	readBeside(t, func(random *rand.Rand) error { return readWhatever(r.store, random, stable) }, func() error {
		for term := wire.Term(2); term < 60; term++ {
			first := stable + 1 + wire.Index(term%7)
			r.save(
				wire.Update{Group: 1, HardState: wire.HardState{Term: term}, Entries: entriesOf(term, stable+1, first+10)},
				wire.Update{Group: 2, Entries: entriesOf(term, r.models.group(2).last().Index+1, r.models.group(2).last().Index+5)},
			)
		}
		return nil
	})
	r.verify("after all of it")
}

func readWhatever(store raft.LogStore, random *rand.Rand, stable int) error {
	group := raft.GroupID(1 + random.IntN(2))
	state, err := store.Load(group)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if n := len(state.Terms); n == 0 || state.Terms[0] != (wire.TermStart{Term: 1, First: 1}) || state.Terms[n-1].First > state.Last {
		return fmt.Errorf("the terms are %v, the last entry is %d", state.Terms, state.Last)
	}
	lo := wire.Index(1 + random.IntN(stable))
	hi := lo + wire.Index(random.IntN(stable-int(lo)+1))
	entries, err := readAll(store, group, lo, hi, 1+random.IntN(1000))
	if err != nil {
		return err
	}
	if i := firstDifference(entries, entriesOf(1, lo, hi), equalEntries); i >= 0 {
		return fmt.Errorf("entry %d is %s", int(lo)+i, at(entries, i))
	}
	// These may have been overwritten since the Load: then an error is as good.
	entries, _ = store.Entries(group, wire.Index(stable), state.Last, 1<<30)
	for i, e := range entries {
		if e.Index != wire.Index(stable+i) || !equalEntries(e, entryOf(e.Term, e.Index)) {
			return fmt.Errorf("%s was read as entry %d", at(entries, i), stable+i)
		}
	}
	return nil
}
