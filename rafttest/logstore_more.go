// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft"
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

// logConcurrency reads while Saves run: what stands and is not overwritten must always be
// there, and whatever else is read must be some entry that was saved in this place.
func logConcurrency(t testing.TB, s *LogStore) {
	r := newLogRig(t, s)
	const stable = 50
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 1}, Entries: entriesOf(1, 1, stable)})
	r.save(wire.Update{Group: 2, Entries: entriesOf(1, 1, stable)})
	var readers sync.WaitGroup
	var ended atomic.Bool
	errs := make(chan error, 3)
	for reader := range uint64(3) {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(reader, 2))
			for !ended.Load() {
				if err := readWhatever(r.store, random, stable); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for term := wire.Term(2); term < 60; term++ {
		first := stable + 1 + wire.Index(term%7)
		r.save(
			wire.Update{Group: 1, HardState: wire.HardState{Term: term}, Entries: entriesOf(term, stable+1, first+10)},
			wire.Update{Group: 2, Entries: entriesOf(term, r.models.group(2).last().Index+1, r.models.group(2).last().Index+5)},
		)
	}
	ended.Store(true)
	readers.Wait()
	select {
	case err := <-errs:
		t.Fatalf("while Saves run: %v", err)
	default:
	}
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

// randomUpdates returns updates that fit what a store holds now, each for a group of
// its own, so that their order doesn't matter to the caller.
func randomUpdates(random *rand.Rand, models logModels, groups int) []wire.Update {
	models = models.clone()
	var updates []wire.Update
	for range 1 + random.IntN(4) {
		group := raft.GroupID(1 + random.IntN(groups))
		u := randomUpdate(random, group, models.group(group))
		updates = append(updates, u)
		models.group(group).apply(&u)
	}
	return updates
}

// randomUpdate returns an update such as package raft makes.
func randomUpdate(random *rand.Rand, group raft.GroupID, m *logModel) wire.Update {
	u := wire.Update{Group: group}
	last, term := m.last(), max(m.hardState.Term, m.last().Term, 1)
	if random.IntN(3) == 0 {
		term += wire.Term(random.IntN(2))
		u.HardState = wire.HardState{Term: term, Vote: wire.NodeID(random.IntN(4))}
	}
	first := last.Index + 1
	switch kept := max(m.compact, m.base.Index); {
	case random.IntN(25) == 0:
		u.Reset = wire.LogID{Term: term, Index: kept + 1 + wire.Index(random.IntN(30))}
		first = u.Reset.Index + 1
	case random.IntN(4) == 0 && last.Index > kept:
		first = kept + 1 + wire.Index(random.IntN(int(last.Index-kept)))
		term = max(term, last.Term+1)
	}
	for range random.IntN(8) {
		u.Entries = append(u.Entries, randomEntry(random, term, first))
		first++
	}
	if end := first - 1; random.IntN(10) == 0 && u.Reset == (wire.LogID{}) && len(u.Entries) > 0 && end > m.compact {
		u.Compact = m.compact + wire.Index(random.IntN(int(end-m.compact)))
		u.Compact = max(u.Compact, m.base.Index)
	}
	return u
}

func randomEntry(random *rand.Rand, term wire.Term, index wire.Index) wire.Entry {
	switch random.IntN(12) {
	case 0:
		return wire.Entry{Index: index, Term: term, Kind: wire.EntryBlank}
	case 1:
		return membershipOf(term, index, 1, wire.NodeID(2+random.IntN(9)))
	}
	e := entryOf(term, index)
	e.Data = append(e.Data, make([]byte, random.IntN(60))...)
	if random.IntN(40) == 0 {
		e.Data = append(e.Data, make([]byte, random.IntN(9000))...)
	}
	return e
}

func logRandom(t testing.TB, s *LogStore) {
	for seed := range uint64(3) {
		r := newLogRig(t, s)
		random := rand.New(rand.NewPCG(seed, 3))
		for step := range 120 {
			r.save(randomUpdates(random, r.models, 4)...)
			if step%5 == 4 {
				r.verify("seed %d, step %d", seed, step)
			}
			if step%30 == 29 && s.Reopen != nil {
				r.reopen()
				r.verify("seed %d, reopened after step %d", seed, step)
			}
		}
		r.close()
	}
}

func logReopen(t testing.TB, s *LogStore) {
	if s.Reopen == nil {
		t.Skip("there is no Reopen")
	}
	r := newLogRig(t, s)
	r.reopen()
	r.models.group(1)
	r.verify("reopened empty")
	r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 1, Vote: 1}, Entries: entriesOf(1, 1, 30)})
	for term := wire.Term(2); term < 12; term++ {
		r.reopen()
		r.verify("reopened in term %d", term)
		first := 30 - wire.Index(term)
		r.save(wire.Update{Group: 1, HardState: wire.HardState{Term: term}, Entries: entriesOf(term, first, first+wire.Index(term))})
		r.save(wire.Update{Group: raft.GroupID(term), HardState: wire.HardState{Term: term}})
		r.verify("going on in term %d", term)
	}
	r.save(wire.Update{Group: 1, Compact: 15})
	r.save(wire.Update{Group: 2, Reset: wire.LogID{Term: 50, Index: 1000}, Entries: entriesOf(60, 1001, 1001)})
	r.reopen()
	r.verify("reopened after a compaction and a reset")
}

func logCrash(t testing.TB, s *LogStore) {
	if s.Crash == nil {
		t.Skip("there is no Crash")
	}
	r := newLogRig(t, s)
	random := rand.New(rand.NewPCG(1, 4))
	for step := range 60 {
		r.save(randomUpdates(random, r.models, 3)...)
		if step%3 == 0 {
			old := r.store
			r.store = s.Crash(t, old)
			if err := old.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			r.verify("after a crash behind step %d", step)
		}
	}
}

// logCrashDuringSaves crashes at any moment: what is left must be what some number of
// updates made, at least those of the Saves that had returned.
func logCrashDuringSaves(t testing.TB, s *LogStore) {
	if s.Crash == nil {
		t.Skip("there is no Crash")
	}
	r := newLogRig(t, s)
	random := rand.New(rand.NewPCG(1, 5))
	const saves = 60
	for group := raft.GroupID(1); group <= 3; group++ {
		r.models.group(group) // To be looked at from the start.
	}
	var batches [][]wire.Update
	states, ends, models := []logModels{r.models.clone()}, []int{0}, r.models.clone()
	for range saves {
		batch := randomUpdates(random, models, 3)
		for i := range batch {
			models.apply(batch[i : i+1])
			states = append(states, models.clone())
		}
		batches, ends = append(batches, batch), append(ends, len(states)-1)
	}
	var begun, done atomic.Int64
	errs := make(chan error, 1)
	go func() {
		for _, batch := range batches {
			begun.Add(1)
			if err := r.store.Save(batch); err != nil {
				errs <- err
				return
			}
			done.Add(1)
		}
		errs <- nil
	}()
	for done.Load() < saves && len(errs) == 0 {
		least := ends[done.Load()]
		crashed := s.Crash(t, r.store)
		most := ends[begun.Load()]
		if err := findState(crashed, states[least:most+1]); err != nil {
			t.Errorf("a crash after %d to %d updates: %v", least, most, err)
		}
		if err := crashed.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := <-errs; err != nil {
		t.Fatalf("save: %v", err)
	}
}

// findState looks for a state that a store is in.
func findState(store raft.LogStore, states []logModels) error {
	var err error
	for _, models := range states {
		if err = models.verify(store); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the store holds none of the %d states it may; the last one differs: %w", len(states), err)
}
