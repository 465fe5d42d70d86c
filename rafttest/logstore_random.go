// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

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
