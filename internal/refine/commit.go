// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// countCommit finds how far a leader may advance its commit index: to the highest index
// that a quorum holds durably, if the entry there is of its term (§5.3, §5.4.2).
func (w *walk) countCommit() {
	n := w.n
	w.ledIn = n.hard.Term
	if w.step.Post.Commit <= w.bound || n.latest == nil {
		return
	}
	own := n.covered(&w.s.history)
	reached := wire.Index(0)
	try := func(index wire.Index) {
		if index > reached && index <= n.log.Index && isQuorum(n.latest, func(id wire.NodeID) bool {
			if id == n.id {
				return own >= index
			}
			return n.isHeldBy(id, index)
		}) {
			reached = index
		}
	}
	try(own)
	for i := range n.matches {
		try(n.matches[i].Index)
	}
	if w.s.at(n.log, reached).Term == n.hard.Term {
		w.bound = max(w.bound, reached)
	} else if reached >= w.step.Post.Commit {
		w.isOlder = true
	}
}

// advanceCommit compares the commit index with how far it may be, and with what all
// others commit.
func (w *walk) advanceCommit() bool {
	n, commit := w.n, w.step.Post.Commit
	switch {
	case commit == n.commit:
		return true
	case commit < n.commit:
		return w.violated(CommitFalls, "from %d to %d", n.commit, commit)
	case commit > n.log.Index:
		return w.violated(CommitUntold, "to %d, the log ends at %v", commit, n.log)
	case commit > w.bound && w.isOlder:
		return w.violated(CommitOlderTerm, "to %v in term %d", w.s.at(n.log, commit), w.ledIn)
	case commit > w.bound && w.ledIn != 0:
		return w.violated(CommitNoQuorum, "from %d to %d, it may go to %d; acknowledged are %+v, own %d",
			n.commit, commit, w.bound, n.matches, n.covered(&w.s.history))
	case commit > w.bound:
		return w.violated(CommitUntold, "from %d to %d, it may go to %d; %d matches", n.commit, commit, w.bound, n.matched)
	}
	n.commit = commit
	return w.agree(w.s.at(n.log, commit))
}

// agree demands that what is committed is on the one branch of the tree that all commit.
func (w *walk) agree(id wire.LogID) bool {
	h := &w.s.history
	if id.Index <= h.committed.Index {
		if !h.holds(h.committed, id) {
			return w.violated(CommitContradicts, "%v, committed there is %v", id, h.at(h.committed, id.Index))
		}
		return true
	}
	if !h.holds(id, h.committed) {
		return w.violated(CommitContradicts, "%v, which is not above %v", id, h.committed)
	}
	h.committed, h.committedIn = id, max(w.ledIn, id.Term)
	return true
}

// apply: entries are applied in order, as far as they are committed.
func (w *walk) apply() bool {
	n, applied := w.n, w.step.Post.Applied
	switch {
	case applied < n.applied:
		return w.violated(AppliesAgain, "from %d to %d", n.applied, applied)
	case max(applied, w.through) > n.commit:
		return w.violated(AppliesUncommitted, "up to %d, committed is %d", max(applied, w.through), n.commit)
	}
	n.applied = applied
	return true
}
