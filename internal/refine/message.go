// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// receive looks whether a message was sent, in what matters of it. The network may lose,
// double, delay and reorder messages, and that is all.
func (w *walk) receive(r *Received) bool {
	sender := w.s.member(r.From)
	if sender == nil {
		return w.violated(NeverSent, "there is no member %d", r.From)
	}
	wasSent := true
	switch m := r.Message.(type) {
	case *wire.VoteReply:
		wasSent = !m.Granted || w.s.grants[grant{ballot{m.Term, r.From}, w.n.id}]
	case *wire.RequestVote:
		last, isCandidate := w.s.candidacies[ballot{m.Term, r.From}]
		wasSent = isCandidate && last == m.Last
	case *wire.AppendReply:
		wasSent = m.Rejected || m.Match <= w.s.acks[ballot{m.Term, r.From}]
	case *wire.HeartbeatReply:
		wasSent = m.Match <= w.s.acks[ballot{m.Term, r.From}]
	case *wire.AppendEntries:
		wasSent = w.s.leader(m.Term) == r.From
	case *wire.Heartbeat:
		wasSent = w.s.leader(m.Term) == r.From
	case *wire.TimeoutNow:
		wasSent = w.s.leader(m.Term) == r.From
	case *wire.SnapshotOffer:
		wasSent = w.s.leader(m.Term) == r.From && w.s.holds(w.s.committed, m.Snapshot.Last)
	}
	if term, _ := TermOf(r.Message); !wasSent || term > sender.spoken {
		return w.violated(NeverSent, "%s from %d, which has spoken of term %d", describe(r.Message), r.From, sender.spoken)
	}
	return true
}

// send looks whether a message may leave: what it says is true, and durable.
func (w *walk) send(to wire.NodeID, message wire.Message) bool {
	n, h := w.n, &w.s.history
	term, _ := TermOf(message)
	if term > n.durable.hard.Term {
		return w.violated(SaysTerm, "%s to %d, durable is %+v", describe(message), to, n.durable.hard)
	}
	n.spoken = max(n.spoken, term)
	switch m := message.(type) {
	case *wire.VoteReply:
		if !m.Granted {
			return true
		}
		if n.durable.hard != (wire.HardState{Term: m.Term, Vote: to}) {
			return w.violated(SaysVote, "for %d in term %d, durable is %+v", to, m.Term, n.durable.hard)
		}
		if n.incarnation != 0 && m.Incarnation != n.incarnation {
			return w.violated(SaysVoter, "it votes in term %d as %d, and is %d", m.Term, m.Incarnation, n.incarnation)
		}
		h.grants[grant{ballot{m.Term, n.id}, to}] = true
		h.incarnations[ballot{m.Term, n.id}] = m.Incarnation
	case *wire.RequestVote:
		last, isCandidate := h.candidacies[ballot{m.Term, n.id}]
		if !isCandidate || last != m.Last || n.durable.hard != (wire.HardState{Term: m.Term, Vote: n.id}) {
			return w.violated(SaysRequest, "%s, its log was %v, durable is %+v", describe(m), last, n.durable.hard)
		}
		if latest, _ := h.membership(m.Last); latest != nil && m.Incarnation != latest.membership.Incarnation(to) {
			return w.violated(SaysMeant, "%s to %d, its membership was %+v", describe(m), to, latest.membership)
		}
	case *wire.AppendReply:
		return m.Rejected || w.acknowledge(to, m.Term, m.Match)
	case *wire.HeartbeatReply:
		return w.acknowledge(to, m.Term, m.Match)
	case *wire.Heartbeat:
		return w.heartbeat(to, m)
	case *wire.TimeoutNow:
		return w.leads(m.Term)
	}
	return true
}

// acknowledge: what is acknowledged to a leader is its own, and survives.
func (w *walk) acknowledge(to wire.NodeID, term wire.Term, match wire.Index) bool {
	n, h := w.n, &w.s.history
	if match == 0 {
		return true
	}
	if covered := n.covered(h); match > covered {
		return w.violated(SaysAck, "%d to %d in term %d, durable is %d", match, to, term, covered)
	}
	if h.leader(term) != to || term != n.hard.Term || !h.holds(h.leaderLog(term), h.at(n.log, match)) {
		return w.violated(SaysMismatch, "%v to %d in term %d, which %d leads; it is in term %d",
			h.at(n.log, match), to, term, h.leader(term), n.hard.Term)
	}
	b := ballot{term, n.id}
	h.acks[b] = max(h.acks[b], match)
	return true
}

func (w *walk) leads(term wire.Term) bool {
	if n := w.n; n.role != Leader || n.hard.Term != term {
		return w.violated(SaysLeader, "in term %d; it is a %v in term %d", term, n.role, n.hard.Term)
	}
	return true
}

// heartbeat is an AppendEntries without entries and without the one before (§5.2). What
// stands in for the consistency check is what the receiver has acknowledged.
func (w *walk) heartbeat(to wire.NodeID, m *wire.Heartbeat) bool {
	if !w.leads(m.Term) {
		return false
	}
	if match := w.n.match(to).Index; m.Commit > match || m.Commit > w.step.Post.Commit {
		return w.violated(SaysCommit, "%d to %d, which has acknowledged %d; committed is %d", m.Commit, to, match, w.step.Post.Commit)
	}
	return true
}

// stream looks at what a leader tells a stream to send.
func (w *walk) stream(e *Effect) bool {
	n, h := w.n, &w.s.history
	if !w.leads(e.Term) {
		return false
	}
	if e.Last > n.log.Index || !h.holds(n.log, e.Prev) {
		return w.violated(SaysEntries, "behind %v up to %d, the log ends at %v", e.Prev, e.Last, n.log)
	}
	if match := n.match(e.To).Index; e.Commit > w.step.Post.Commit || e.Match > match {
		return w.violated(SaysCommit, "%d to %d, which holds %d; committed is %d, acknowledged %d", e.Commit, e.To, e.Match, w.step.Post.Commit, match)
	}
	return true
}

// offer looks at a snapshot that is offered: it covers what the leader has committed (§7).
func (w *walk) offer(m *wire.SnapshotOffer) bool {
	n, h := w.n, &w.s.history
	switch {
	case h.leader(m.Term) != n.id:
		return w.violated(SaysLeader, "%s; the leader is %d", describe(m), h.leader(m.Term))
	case m.Snapshot.Last.Index > n.commit || !h.holds(n.log, m.Snapshot.Last):
		return w.violated(SaysCommit, "a snapshot up to %v, committed is %d", m.Snapshot.Last, n.commit)
	}
	n.spoken = max(n.spoken, m.Term)
	return true
}

// appendEntries looks at a request that leaves. It may be late: the member may lead no
// more.
func (w *walk) appendEntries(m *wire.AppendEntries) bool {
	n, h := w.n, &w.s.history
	switch {
	case h.leader(m.Term) != n.id:
		return w.violated(SaysLeader, "%s; the leader is %d", describe(m), h.leader(m.Term))
	case m.Term > n.durable.hard.Term:
		return w.violated(SaysTerm, "%s, durable is %+v", describe(m), n.durable.hard)
	case !w.isOwn(m):
		return w.violated(SaysEntries, "%s, the leader's log ends at %v", describe(m), h.leaderLog(m.Term))
	case m.Commit > n.commit:
		return w.violated(SaysCommit, "%s, committed is %d", describe(m), n.commit)
	}
	n.spoken = max(n.spoken, m.Term)
	return true
}

// isOwn reports whether a request is a part of the leader's log, the entry before too.
func (w *walk) isOwn(m *wire.AppendEntries) bool {
	log := w.s.leaderLog(m.Term)
	if len(m.Entries) == 0 {
		return w.s.holds(log, m.Prev)
	}
	return m.Entries[0].Index == m.Prev.Index+1 && w.s.areFrom(log, m.Entries) && w.s.holds(log, m.Prev)
}
