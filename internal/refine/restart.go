// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// restart is a crash at any moment, and what comes of it: the disk holds what was durable
// and, of the writes on their way, some from the oldest on. What is volatile is gone; what
// the state machine and the snapshot have kept is known to be committed.
func (w *walk) restart() bool {
	n, post := w.n, &w.step.Post
	w.restarts = true
	snapshot := n.snapshot
	if !w.s.holds(w.s.committed, post.Snapshot) {
		return w.violated(SnapshotUncommitted, "up to %v, committed is %v", post.Snapshot, w.s.committed)
	}
	n.snapshot = post.Snapshot // An older one, or none, if the newest was damaged.
	if !w.isOnDisk() {
		return w.violated(RestartsOther, "%+v at %v, snapshot %v; durable were %+v, snapshot %v, and %d writes were on their way",
			post.HardState, post.Last, post.Snapshot, n.durable, snapshot, len(n.pending))
	}
	if post.Commit > w.s.committed.Index || post.Commit > post.Last.Index {
		return w.violated(RestartsOther, "it takes %d for committed, its log ends at %v, committed is %v", post.Commit, post.Last, w.s.committed)
	}
	found := image{post.HardState, post.Last}
	*n = member{
		id: n.id, incarnation: post.Incarnation, image: found, durable: found, spoken: n.spoken, snapshot: n.snapshot,
		commit: post.Commit, applied: post.Applied,
		granted: n.granted[:0], matches: n.matches[:0], acks: n.acks[:0], pending: n.pending[:0],
	}
	n.latest, n.before = w.s.membership(n.log)
	w.bound, w.changedFrom = n.commit, 1
	return w.arrive() && w.agree(w.s.at(n.log, n.commit))
}

// isOnDisk reports whether the state is one that a disk may hold.
func (w *walk) isOnDisk() bool {
	n, post := w.n, &w.step.Post
	if w.isFrom(n.durable) {
		return true
	}
	for i := range n.pending {
		if w.isFrom(n.pending[i].after) {
			return true
		}
	}
	// A disk that was made by hand.
	return n.durable == (image{}) && n.issued == 0 && w.s.reigns[firstID.Term] != nil && post.Last == firstID && post.HardState.Vote == 0
}

// isFrom reports whether the state is what comes of an image. If the log lacks what the
// snapshot covers, it begins anew behind that; the term may not have become durable yet.
func (w *walk) isFrom(i image) bool {
	n, post := w.n, &w.step.Post
	if n.recovered(&w.s.history, i.log) != post.Last {
		return false
	}
	return i.hard == post.HardState ||
		i.log != post.Last && i.hard.Term < n.snapshot.Term && post.HardState == (wire.HardState{Term: n.snapshot.Term})
}
