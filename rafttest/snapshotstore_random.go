// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/balsa-raft/raft"
)

func snapRandom(t testing.TB, s *SnapshotStore) {
	for seed := range uint64(3) {
		r := newSnapRig(t, s)
		random := rand.New(rand.NewPCG(seed, 3))
		for step := range 200 {
			r.snapStep(random)
			if step%10 == 9 {
				r.verify("seed %d, step %d", seed, step)
			}
			if step%40 == 39 && s.Reopen != nil {
				r.reopen()
				r.verify("seed %d, reopened after step %d", seed, step)
				r.resumeAll()
			}
		}
		r.close()
	}
}

// snapStep makes a random step in a random group.
func (r *snapRig) snapStep(random *rand.Rand) {
	r.t.Helper()
	group := raft.GroupID(1 + random.IntN(3))
	m := r.models.group(group)
	u := m.unfinished
	switch roll := random.IntN(20); {
	case u == nil || roll == 0:
		meta := snapshotOf(raft.Index(1 + random.IntN(1000)))
		if !slices.ContainsFunc(m.published, func(p snapData) bool { return p.meta.ID == meta.ID }) {
			r.begin(group, meta)
		}
	case roll < 4:
		r.begin(group, u.meta)
	case roll < 12:
		all := bytesOf(u.meta.ID, len(u.data)+1+random.IntN(30_000))
		r.write(group, all[len(u.data):], 1+random.IntN(20_000)+len(all)/100)
	case roll < 15:
		r.publish(group)
	case roll == 15:
		r.refuse("a wrong checksum", r.store.Publish(group, u.meta.ID, uint64(len(u.data)), checksum(u.data)+1))
		m.unfinished = nil
	case roll == 16:
		r.must(r.store.Abandon(group))
		m.unfinished = nil
	case len(m.published) > 0:
		id := m.published[random.IntN(len(m.published))].meta.ID
		r.must(r.store.Delete(group, id))
		m.delete(id)
	}
}

// resumeAll goes on with all unfinished snapshots, as after a restart.
func (r *snapRig) resumeAll() {
	r.t.Helper()
	for group, m := range r.models {
		if m.unfinished != nil {
			r.begin(group, m.unfinished.meta)
		}
	}
}
