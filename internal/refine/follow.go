// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// isRequested reports whether entries were brought by a request of the leader of a term.
func (w *walk) isRequested(entries []wire.Entry, term wire.Term) bool {
	first, last := entries[0].Index, entries[len(entries)-1].Index
	for i := range w.step.Received {
		r := &w.step.Received[i]
		m, isRequest := r.Message.(*wire.AppendEntries)
		if isRequest && m.Term == term && r.From == w.s.leader(term) && m.Prev.Index < first && last <= m.Prev.Index+wire.Index(len(m.Entries)) {
			return true
		}
	}
	return false
}

// accept is the receiver's side of AppendEntries (§5.3): the entries are the leader's, the
// one before the first is there and the leader's, too, and if there is something in their
// place, it is in conflict and not committed.
func (w *walk) accept(leader wire.NodeID, entries []wire.Entry) bool {
	n, first := w.n, entries[0].Index
	log := w.s.leaderLog(n.hard.Term)
	switch {
	case !w.isRequested(entries, n.hard.Term) || !w.s.areFrom(log, entries):
		return w.violated(AcceptsForeign, "entries from %v to %v in term %d; the log of leader %d ends at %v",
			entries[0].ID(), entries[len(entries)-1].ID(), n.hard.Term, leader, log)
	case first > n.log.Index+1:
		return w.violated(AcceptsMismatch, "entries from %v on, the log ends at %v", entries[0].ID(), n.log)
	case w.s.at(n.log, first-1) != w.s.at(log, first-1):
		return w.violated(AcceptsMismatch, "entry %v, that of leader %d is %v", w.s.at(n.log, first-1), leader, w.s.at(log, first-1))
	case first <= n.commit:
		return w.violated(AcceptsCommitted, "entries from %v on, committed is %d", entries[0].ID(), n.commit)
	case first <= n.log.Index && w.s.at(n.log, first) == entries[0].ID():
		return w.violated(AcceptsNoConflict, "from %v on, which was there; the log ended at %v", entries[0].ID(), n.log)
	}
	if n.role == Candidate {
		n.stepDown() // The leader of the term has been heard of (§5.2).
	}
	truncates := first <= n.log.Index
	n.log = entries[len(entries)-1].ID()
	w.refreshMembership(truncates, entries)
	return true
}

// refreshMembership finds out which membership is in effect, if that may have changed.
func (w *walk) refreshMembership(truncates bool, entries []wire.Entry) {
	for i := range entries {
		truncates = truncates || entries[i].Kind == wire.EntryMembership
	}
	if truncates {
		w.n.latest, w.n.before = w.s.membership(w.n.log)
	}
}

// sync is a disk that has ended writes.
func (w *walk) sync(seq Seq) bool {
	n := w.n
	if seq > n.issued {
		return w.violated(SyncsUnissued, "write %d, issued are %d", seq, n.issued)
	}
	done := 0
	for done < len(n.pending) && n.pending[done].seq <= seq {
		n.durable = n.pending[done].after
		done++
	}
	if done > 0 {
		n.pending = n.pending[:copy(n.pending, n.pending[done:])]
	}
	return true
}
