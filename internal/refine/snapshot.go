// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// adopt is a member that has a newer snapshot on its disk, taken or received: it covers
// what is committed (§7).
func (w *walk) adopt() bool {
	n, snapshot := w.n, w.step.Post.Snapshot
	if snapshot == n.snapshot {
		return true
	}
	if snapshot.Index < n.snapshot.Index || !w.s.holds(w.s.committed, snapshot) {
		return w.violated(SnapshotUncommitted, "up to %v, committed is %v; the last was up to %v", snapshot, w.s.committed, n.snapshot)
	}
	n.snapshot = snapshot
	return true
}

// learnSnapshot takes in what a snapshot that is part of the log says of it: it is
// committed, and so the leader of the term, if that leads by right, has it, too.
func (w *walk) learnSnapshot() {
	n, h := w.n, &w.s.history
	if n.snapshot.Index <= n.commit || !h.holds(n.log, n.snapshot) {
		return
	}
	w.bound = max(w.bound, n.snapshot.Index)
	if h.reigns[n.hard.Term] != nil && h.holds(h.leaderLog(n.hard.Term), n.snapshot) {
		n.matched = max(n.matched, n.snapshot.Index)
	}
}

// installSnapshot is a log that begins anew behind the snapshot (§7). What is behind it
// and matches is retained, which makes it a stutter, and so never a reset.
func (w *walk) installSnapshot(id wire.LogID) bool {
	n := w.n
	switch {
	case id != n.snapshot:
		return w.violated(SnapshotUncommitted, "the log begins behind %v, the snapshot covers %v", id, n.snapshot)
	case w.s.holds(n.log, id) && n.log != id:
		return w.violated(SnapshotDiscards, "up to %v, the log ended at %v", id, n.log)
	}
	n.log = id
	w.changedFrom = 1
	n.latest, n.before = w.s.membership(id)
	return true
}

// compact: that entries are no longer held is a stutter, as long as they are committed,
// and a snapshot covers them (§7). After a restart that may have been damaged.
func (w *walk) compact() bool {
	n, compacted := w.n, w.step.Post.Compacted
	if compacted == n.compacted {
		return true
	}
	if compacted.Index > w.step.Post.Commit || !w.s.holds(n.log, compacted) || !w.s.holds(w.s.committed, compacted) {
		return w.violated(CompactsUncommitted, "up to %v, committed is %d", compacted, w.step.Post.Commit)
	}
	if compacted.Index > n.snapshot.Index && !w.restarts {
		return w.violated(CompactsUncovered, "up to %v, the snapshot covers %v", compacted, n.snapshot)
	}
	n.compacted = compacted
	return true
}
