// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// walk is the explanation of a step: it goes from the state before to the state after by
// legal actions, along what the member did. Its methods report false at a violation.
type walk struct {
	s    *Spec
	n    *member
	step *Step

	// bound is how far the commit index may advance in this step, ledIn the term in which
	// the member led in it, zero if none. isOlder says that a quorum has acknowledged
	// more, but of an earlier term.
	bound   wire.Index
	ledIn   wire.Term
	isOlder bool
	// restarts says that the member has just started.
	restarts bool
	// changedFrom is the first entry that the step has put into the log.
	changedFrom wire.Index
	// through is what the step has handed to the state machine.
	through wire.Index

	violation *Violation
	sending   Step // an empty one, for what streams send
}

// unchanged is where a log has changed that has not.
const unchanged = wire.Index(1<<64 - 1)

// explain is the composition: what the member was told, what it did about that, in that
// order, and what it is then.
func (w *walk) explain() bool {
	for i := range w.step.Received {
		if !w.receive(&w.step.Received[i]) {
			return false
		}
	}
	if !w.sync(w.step.Synced) || !w.adopt() {
		return false
	}
	w.learn()
	for i := range w.step.Effects {
		if !w.act(&w.step.Effects[i]) {
			return false
		}
	}
	return w.arrive()
}

func (w *walk) act(e *Effect) bool {
	switch e.Kind {
	case Wrote:
		return w.write(e)
	case Sent:
		return w.send(e.To, e.Message)
	case Became:
		return w.become(e.Role, e.Term)
	case Streamed:
		return w.stream(e)
	case Offered:
		return w.leads(e.Term)
	case Applied:
		w.through = max(w.through, e.Through)
	}
	return true
}

// write is whatever a member has done that it then writes down: the actions that change
// term, vote and log.
func (w *walk) write(e *Effect) bool {
	n := w.n
	if e.Seq != n.issued+1 {
		return w.violated(WritesOutOfOrder, "write %d follows %d", e.Seq, n.issued)
	}
	n.issued = e.Seq
	forms := n.log.Index == 0 && isFirst(e.Entries) && !w.isRequested(e.Entries, max(n.hard.Term, e.HardState.Term))
	if hard := e.HardState; !hard.IsZero() && hard != n.hard && !w.moveTerm(hard, forms) {
		return false
	}
	if e.Reset != (wire.LogID{}) && !w.installSnapshot(e.Reset) {
		return false
	}
	if len(e.Entries) > 0 && !w.extend(e.Entries, forms) {
		return false
	}
	n.pending = append(n.pending, pendingWrite{seq: e.Seq, after: n.image})
	w.learn()
	return true
}

// moveTerm finds the actions behind a change of term and vote.
func (w *walk) moveTerm(hard wire.HardState, forms bool) bool {
	n := w.n
	switch {
	case hard.Term < n.hard.Term:
		return w.violated(TermFalls, "from %d to %d", n.hard.Term, hard.Term)
	case hard.Term == n.hard.Term:
		return w.grantVote(hard.Vote)
	case forms && hard == wire.HardState{Term: firstID.Term}:
		n.enter(hard)
		return true
	case hard.Vote == n.id:
		return w.timeout(hard)
	}
	return w.updateTerm(hard.Term) && (hard.Vote == 0 || w.grantVote(hard.Vote))
}

// extend finds the action behind new entries.
func (w *walk) extend(entries []wire.Entry, forms bool) bool {
	for i := range entries {
		if entries[i].Index != entries[0].Index+wire.Index(i) || entries[i].Index == 0 {
			return w.violated(AppendsOnly, "entries are out of order: %v follows %v", entries[i].ID(), entries[max(i, 1)-1].ID())
		}
	}
	w.changedFrom = min(w.changedFrom, entries[0].Index)
	switch leader := w.s.leader(w.n.hard.Term); {
	case forms:
		return w.form(entries[0])
	case leader != 0 && leader != w.n.id:
		return w.accept(leader, entries)
	}
	return w.clientRequest(entries)
}

// become finds the action behind a change of role.
func (w *walk) become(role Role, term wire.Term) bool {
	n := w.n
	switch {
	case term != n.hard.Term:
		return w.violated(StateOther, "it is a %v in term %d, and has written that it is in term %d", role, term, n.hard.Term)
	case role == n.role:
		return true
	case role == Follower:
		// It gives up, having lost, or not having heard from a quorum (thesis §6.2).
		n.stepDown()
		return true
	case role == Candidate:
		return w.violated(CandidateTerm, "it is a candidate in term %d, in which it was a %v", term, n.role)
	}
	return w.becomeLeader()
}

// learn takes in what messages say, as far as they are of the current term: votes,
// acknowledgements, or what matches the leader's log and is committed there.
func (w *walk) learn() {
	n := w.n
	if n.role == Candidate && n.durable.hard == n.hard {
		n.grant(n.id)
	}
	for i := range w.step.Received {
		from := w.step.Received[i].From
		switch m := w.step.Received[i].Message.(type) {
		case *wire.VoteReply:
			if n.role == Candidate && m.Granted && m.Term == n.hard.Term {
				n.grant(from)
			}
		case *wire.AppendReply:
			if !m.Rejected {
				w.learnMatch(acknowledgement{from, m.Incarnation, m.Match}, m.Term)
			}
		case *wire.HeartbeatReply:
			w.learnMatch(acknowledgement{from, m.Incarnation, m.Match}, m.Term)
		case *wire.AppendEntries:
			w.learnEntries(m)
		case *wire.SnapshotOffer:
			w.learnLast(m.Term, m.Snapshot.Last)
			w.learnCommit(m.Term, m.Snapshot.Last.Index)
		case *wire.Heartbeat:
			w.learnCommit(m.Term, m.Commit)
		}
	}
	if n.role == Leader {
		w.countCommit()
	}
}

func (w *walk) learnMatch(a acknowledgement, term wire.Term) {
	if w.n.role == Leader && term == w.n.hard.Term {
		m := w.n.match(a.peer)
		m.Index = max(m.Index, a.index)
		w.n.acknowledged(a)
	}
}

func (w *walk) learnEntries(m *wire.AppendEntries) {
	last := m.Prev
	if n := len(m.Entries); n > 0 {
		last = m.Entries[n-1].ID()
	}
	w.learnLast(m.Term, last)
	w.learnCommit(m.Term, m.Commit)
}

// learnLast takes in an entry of the leader's log.
func (w *walk) learnLast(term wire.Term, last wire.LogID) {
	if term == w.n.hard.Term && w.n.role != Leader && w.s.holds(w.n.log, last) {
		w.n.matched = max(w.n.matched, last.Index)
	}
}

func (w *walk) learnCommit(term wire.Term, commit wire.Index) {
	if term == w.n.hard.Term && w.n.role != Leader {
		w.bound = max(w.bound, min(commit, w.n.matched))
	}
}
