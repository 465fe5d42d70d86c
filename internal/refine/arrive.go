// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// arrive demands that the actions have led to what the member shows of itself.
func (w *walk) arrive() bool {
	n, post := w.n, &w.step.Post
	if post.HardState != n.hard {
		return w.violated(StateOther, "it is in %+v, and has written %+v", post.HardState, n.hard)
	}
	if post.Role != n.role && !w.become(post.Role, post.HardState.Term) {
		return false
	}
	w.learnSnapshot()
	return w.compact() && w.arriveLog() && w.advanceCommit() && w.apply() && w.arriveCounts()
}

func (w *walk) arriveLog() bool {
	n, post := w.n, &w.step.Post
	if post.Last != n.log {
		return w.violated(StateOther, "its log ends at %v, and it has written %v", post.Last, n.log)
	}
	if w.changedFrom != unchanged && !w.compareTerms() {
		return false
	}
	if inEffect := w.inEffect(); post.Membership != inEffect {
		return w.violated(StateOther, "it uses the membership of entry %d, the last in its log is that of %d", post.Membership, inEffect)
	}
	if covered := n.durable.log.Index; post.Durable > covered || len(n.pending) > 0 || n.durable.log != n.log {
		if covered = n.covered(&w.s.history); post.Durable > covered {
			return w.violated(DurableUncovered, "%d, durable is %d", post.Durable, covered)
		}
	}
	return true
}

// inEffect returns the index of the membership in effect, zero if the member knows of none:
// also because it was compacted, and the snapshot that had it is damaged.
func (w *walk) inEffect() wire.Index {
	n, post := w.n, &w.step.Post
	if n.latest == nil {
		return 0
	}
	index := n.latest.id.Index
	if index <= post.Compacted.Index && post.Snapshot.Index < post.Compacted.Index {
		return 0
	}
	return index
}

// compareTerms compares the terms of the log with those that it shows, at both ends of
// each term's entries, down to where they changed.
func (w *walk) compareTerms() bool {
	post := &w.step.Post
	for log := w.n.log; log.Index > 0; log = w.s.base(log) {
		first := max(w.s.base(log).Index+1, post.Compacted.Index)
		for _, index := range [...]wire.Index{log.Index, first} {
			if term, held := post.Log.EntryTerm(index); index >= post.Compacted.Index && (!held || term != log.Term) {
				return w.violated(StateOther, "it shows an entry %d of term %d, and has written one of term %d", index, term, log.Term)
			}
		}
		if first <= w.changedFrom || first <= post.Compacted.Index {
			return true
		}
	}
	return true
}

// arriveCounts demands that the member counts only what it was told in this term.
func (w *walk) arriveCounts() bool {
	n, post := w.n, &w.step.Post
	if n.role == Candidate {
		for _, voter := range post.Granted {
			if !slices.Contains(n.granted, voter) {
				return w.violated(CountsVote, "of %d in term %d, it has those of %d", voter, n.hard.Term, n.granted)
			}
		}
	}
	if n.role == Leader {
		for _, m := range post.Matches {
			if match := n.match(m.Peer).Index; m.Index > match {
				return w.violated(CountsMatch, "of %d up to %d, acknowledged is %d", m.Peer, m.Index, match)
			}
		}
	}
	return true
}
