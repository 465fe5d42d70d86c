// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

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
			r.crash()
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
	r.crashDuring(saves, func(step int) error { return r.store.Save(batches[step]) }, states, ends)
}
