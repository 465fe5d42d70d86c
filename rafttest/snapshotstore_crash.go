// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
)

func snapReopen(t testing.TB, s *SnapshotStore) {
	if s.Reopen == nil {
		t.Skip("there is no Reopen")
	}
	r := newSnapRig(t, s)
	r.reopen()
	r.models.group(1)
	r.verify("reopened empty")
	r.take(1, snapshotOf(1), bytesOf(1, 700_000), 100_000)
	meta := snapshotOf(2)
	data := bytesOf(meta.ID, 3<<20)
	for range 5 {
		held := r.begin(1, meta)
		r.write(1, data[held:min(held+1<<20, len(data))], 70_000)
		r.reopen()
		r.verify("reopened in the middle")
	}
	r.refuse("a Write that no Begin went before", r.store.Write(1, meta.ID, 0, data))
	r.take(1, meta, data, 1<<20)
	r.must(r.store.Delete(1, snapshotOf(1).ID))
	r.models.group(1).delete(snapshotOf(1).ID)
	r.reopen()
	r.verify("reopened after Publish and Delete")
}

func snapCrash(t testing.TB, s *SnapshotStore) {
	if s.Crash == nil {
		t.Skip("there is no Crash")
	}
	r := newSnapRig(t, s)
	random := rand.New(rand.NewPCG(1, 4))
	for step := range 150 {
		r.snapStep(random)
		if step%3 == 0 {
			r.crash()
			r.verify("after a crash behind step %d", step)
			r.resumeAll()
		}
	}
}

// snapCrashAnywhere crashes while snapshots are written, published and deleted: what is left
// must be what some number of these steps made, at least those that had returned.
func snapCrashAnywhere(t testing.TB, s *SnapshotStore) {
	if s.Crash == nil {
		t.Skip("there is no Crash")
	}
	r := newSnapRig(t, s)
	const rounds = 25
	states, ends, models := []snapModels{{1: {}}}, []int{0}, snapModels{1: {}}
	for round := raft.Index(1); round <= rounds; round++ {
		meta := snapshotOf(round)
		models.group(1).unfinished = &snapData{meta, bytesOf(meta.ID, 30_000)}
		models.group(1).publish()
		states = append(states, models.clone())
		if round > 1 {
			models.group(1).delete(snapshotOf(round - 1).ID)
			states = append(states, models.clone())
		}
		ends = append(ends, len(states)-1)
	}
	replace := func(step int) error { return replaceSnapshot(r.store, 1, raft.Index(step+1)) }
	r.crashDuring(rounds, replace, states, ends)
}
