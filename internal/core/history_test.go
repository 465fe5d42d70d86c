// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// history is what the checks remember of a world: what ever was, whoever has
// forgotten it since. Its methods are told of everything that happens, and fail the
// test at the first violation of figure 3 or of what the core promises.
type history struct {
	// chains has every entry that ever was in any log. Log Matching (§5.3): index and
	// term determine the entry and everything before it.
	chains map[wire.LogID]uint64
	// leaders has who led each term. Election Safety (§5.2): one at most.
	leaders map[wire.Term]wire.NodeID
	// votes has each vote that was ever on a disk: one in a term (§5.2).
	votes map[ballot]wire.NodeID
	// committed has what was first committed at each index. State Machine Safety
	// (§5.4.3): nobody ever commits or applies anything else.
	committed []commitment
	// elections and rejections are counted for tests.
	elections  int
	rejections map[wire.NodeID]int
	// quorum is the membership with which a leader has found out what was committed last.
	quorum wire.Membership
}

type ballot struct {
	term        wire.Term
	voter       wire.NodeID
	incarnation wire.Incarnation
}

// commitment is an entry with the term in which it was committed.
type commitment struct {
	chain uint64
	term  wire.Term
}

func newHistory() history {
	return history{
		chains: map[wire.LogID]uint64{}, leaders: map[wire.Term]wire.NodeID{},
		votes: map[ballot]wire.NodeID{}, rejections: map[wire.NodeID]int{},
	}
}

// created: an entry is in a log for the first time, or again.
func (h *history) created(w *world, s slot) {
	if chain, known := h.chains[s.ID()]; known && chain != s.chain {
		w.failf("log matching: there are two logs with an entry %v", s.ID())
	}
	h.chains[s.ID()] = s.chain
}

// issued: a core has issued a write; the node's log is still as it was before.
func (h *history) issued(w *world, n *node, e WriteLog) {
	if e.Seq != n.seq+1 {
		w.failf("node %d: write %d follows %d", n.id, e.Seq, n.seq)
	}
	h.compacted(w, n, e)
	if e.HardState.IsZero() && len(e.Entries) == 0 && e.Reset.Index == 0 && e.Compact == 0 {
		w.failf("node %d: write %d is empty", n.id, e.Seq)
	}
	if len(e.Entries) == 0 {
		return
	}
	if e.Reset.Index > 0 {
		w.failf("node %d: a write with a reset and entries", n.id)
	}
	first := int(e.Entries[0].Index)
	if first < 1 || first > len(n.log)+1 {
		w.failf("node %d: a write at %d leaves a gap behind %d", n.id, first, len(n.log))
	}
	if first <= len(n.log) && (first <= int(n.commit) || n.log[first-1].Term == e.Entries[0].Term) {
		w.failf("node %d: truncates from %d, with commit %d, without a conflict", n.id, first, n.commit)
	}
	for i, entry := range e.Entries {
		if int(entry.Index) != first+i {
			w.failf("node %d: a write of entries out of order: %v", n.id, e.Entries)
		}
	}
}

// compacted: a write says where the log begins. That is committed, and a durable snapshot
// covers it, or a state machine that keeps its state has applied it (I13); a log that has
// the entry is not reset, and nothing that is committed goes with the rest.
func (h *history) compacted(w *world, n *node, e WriteLog) {
	covered := max(n.disk.newest().meta.Last.Index, n.disk.applied)
	switch {
	case e.Compact > 0 && (e.Compact > covered || e.Compact > n.core.applied || int(e.Compact) > len(n.log)):
		w.failf("node %d: compacts through %d, with %d in a snapshot, and %d applied", n.id, e.Compact, covered, n.core.applied)
	case e.Reset.Index > 0 && chainAt(n.log, int(e.Reset.Index)) == chainAt(n.disk.coveredBy(e.Reset), int(e.Reset.Index)):
		w.failf("node %d: resets to %v, which its log has", n.id, e.Reset)
	case e.Reset.Index > 0 && e.Reset.Index <= n.commit:
		w.failf("node %d: resets to %v, with commit %d", n.id, e.Reset, n.commit)
	}
	if e.Compact > 0 {
		w.counts.compacted++
	}
	if e.Reset.Index > 0 {
		w.counts.reset++
		for i := int(e.Reset.Index); i < len(n.log) && i < len(h.committed); i++ {
			if n.log[i].chain == h.committed[i].chain {
				w.failf("node %d: resets to %v and loses the committed entry %v", n.id, e.Reset, n.log[i].ID())
			}
		}
	}
}

// restored: a state machine has been made what a snapshot says.
func (h *history) restored(w *world, n *node, s snapshot) {
	last := int(s.meta.Last.Index)
	if last > len(h.committed) || h.committed[last-1].chain != chainAt(s.log, last) {
		w.failf("state machine safety: node %d restores %v, which is not what is committed", n.id, s.meta.Last)
	}
	if s.meta.Last.Index < n.applied {
		w.failf("node %d: restores %v, with %d applied", n.id, s.meta.Last, n.applied)
	}
}

// written: a write is durable from now on.
func (h *history) written(w *world, n *node, write WriteLog) {
	old, hard := n.disk.hard, write.HardState
	if !hard.IsZero() {
		if hard.Term < old.Term || hard.Term == old.Term && old.Vote != 0 && hard.Vote != old.Vote {
			w.failf("node %d: the hard state goes from %+v to %+v", n.id, old, hard)
		}
		h.voted(w, n, hard)
	}
	if write.Reset.Index > 0 && n.disk.coveredBy(write.Reset) == nil {
		w.failf("node %d: resets to %v without a snapshot on disk", n.id, write.Reset)
	}
	lost := h.losing(n, write)
	n.disk.write(write)
	if lost > 0 && !h.heldByQuorum(w, &h.quorum, lost) {
		w.failf("node %d: loses committed entry %d, and a quorum has it no more", n.id, lost)
	}
}

// losing returns the first committed entry that a write takes from a disk, zero if it
// takes none. A member may lose one: it follows the leader of a term that is over, or its
// disk hangs, and the entry was committed without it.
func (h *history) losing(n *node, write WriteLog) int {
	if len(write.Entries) == 0 {
		return 0
	}
	first := int(write.Entries[0].Index)
	for i := first - 1; i < len(n.disk.log) && i < len(h.committed); i++ {
		if n.disk.log[i].chain == h.committed[i].chain && write.Entries[0].Term != n.disk.log[first-1].Term {
			return i + 1
		}
	}
	return 0
}

// heldByQuorum reports whether a committed entry is on the disks of a quorum. Who has lost
// its disk counts, too: it does not help a leader without the entry into office.
func (h *history) heldByQuorum(w *world, m *wire.Membership, index int) bool {
	return quorum.Of(m).Reached(func(id wire.NodeID) uint64 {
		if w.isLost(m, id) || chainAt(w.node(id).disk.held(), index) == h.committed[index-1].chain {
			return 1
		}
		return 0
	}) > 0
}

// isLost reports whether a voter has another disk than the one that is meant.
func (w *world) isLost(m *wire.Membership, id wire.NodeID) bool {
	meant := m.Incarnation(id)
	return meant != 0 && meant != max(w.node(id).disk.incarnation, anonymous)
}

func (h *history) voted(w *world, n *node, hard wire.HardState) {
	b := ballot{hard.Term, n.id, n.disk.incarnation}
	if vote := h.votes[b]; vote != 0 && hard.Vote != vote {
		w.failf("node %d: votes for %d and for %d in term %d", n.id, vote, hard.Vote, hard.Term)
	}
	h.votes[b] = hard.Vote
}

// role: a node says what it is.
func (h *history) role(w *world, n *node, e RoleChanged) {
	if e.Role != Leader {
		return
	}
	if leader := h.leaders[e.Term]; leader != 0 {
		w.failf("election safety: node %d leads term %d, and so did %d", n.id, e.Term, leader)
	}
	h.leaders[e.Term] = n.id
	h.elections++
	if hard := (wire.HardState{Term: e.Term, Vote: n.id}); n.disk.hard != hard {
		w.failf("node %d: leads term %d, but its own vote on disk is %+v", n.id, e.Term, n.disk.hard)
	}
	for i := len(h.committed); i > 0; i-- {
		if c := h.committed[i-1]; c.term < e.Term {
			if n.chain(i) != c.chain {
				w.failf("leader completeness: node %d leads term %d without committed entry %d", n.id, e.Term, i)
			}
			return
		}
	}
}

// accepted: a node has accepted proposals.
func (h *history) accepted(w *world, n *node, e AcceptProposals) {
	if h.leaders[e.Term] != n.id {
		w.failf("node %d: accepts proposals in term %d, which it does not lead", n.id, e.Term)
	}
}

// handled: a core has taken in events; nothing of the effects was done yet.
func (h *history) handled(w *world, n *node, before Status, events []Event, effects []Effect) {
	answers := answersTo(effects)
	for _, event := range events {
		e, ok := event.(ProposalsArrived)
		if !ok {
			continue
		}
		if len(answers) == 0 {
			w.failf("node %d: proposals without answer", n.id)
		}
		switch answer := answers[0].(type) {
		case AcceptProposals:
			first := e.Entries[0].ID()
			if answer.Count != len(e.Entries) || first != (wire.LogID{Term: answer.Term, Index: answer.First}) {
				w.failf("node %d: proposals that start at %v are answered with %+v", n.id, first, answer)
			}
		case RejectProposals:
			if answer.Count != len(e.Entries) || e.Entries[0].Index != 0 {
				w.failf("node %d: %d proposals are answered with %+v", n.id, len(e.Entries), answer)
			}
		}
		answers = answers[1:]
	}
	if len(answers) > 0 {
		w.failf("node %d: %d answers to no proposals", n.id, len(answers))
	}
	if now := n.core.Brief(); now.Commit < before.Commit || now.Applied < before.Applied || now.HardState.Term < before.HardState.Term {
		w.failf("node %d: goes back from %+v to %+v", n.id, before, now)
	}
}

func answersTo(effects []Effect) []Effect {
	var answers []Effect
	for _, effect := range effects {
		switch effect.(type) {
		case AcceptProposals, RejectProposals:
			answers = append(answers, effect)
		}
	}
	return answers
}

// sent: a message leaves a node. Whatever it says must be durable now (§5.1).
func (h *history) sent(w *world, n *node, to wire.NodeID, message wire.Message) {
	hard, term := n.disk.hard, wire.Term(0)
	switch m := message.(type) {
	case *wire.AppendEntries:
		term = m.Term
		if h.leaders[m.Term] != n.id {
			w.failf("node %d: replicates in term %d, which it does not lead", n.id, m.Term)
		}
	case *wire.AppendReply:
		term = m.Term
		if m.Rejected {
			h.rejections[n.id]++
		} else {
			h.acknowledged(w, n, to, m.Term, m.Match)
		}
	case *wire.Heartbeat:
		term = m.Term
		if h.leaders[m.Term] != n.id || m.Commit > n.core.commit {
			w.failf("node %d: a heartbeat that it must not send: %+v", n.id, *m)
		}
	case *wire.HeartbeatReply:
		term = m.Term
		h.acknowledged(w, n, to, m.Term, m.Match)
	case *wire.RequestPreVote:
		term = m.Term - 1
	case *wire.PreVoteReply:
		term = m.Term
	case *wire.RequestVote:
		term = m.Term
		if hard != (wire.HardState{Term: m.Term, Vote: n.id}) {
			w.failf("node %d: asks for votes in term %d, with %+v on disk", n.id, m.Term, hard)
		}
	case *wire.VoteReply:
		term = m.Term
		if m.Granted && hard != (wire.HardState{Term: m.Term, Vote: to}) {
			w.failf("node %d: votes for %d in term %d, with %+v on disk", n.id, to, m.Term, hard)
		}
	case *wire.TimeoutNow:
		term = m.Term
	case *wire.SnapshotOffer:
		term = m.Term
		h.offered(w, n, &m.Snapshot, m.Term)
	case *wire.SnapshotWanted:
		term = m.Term
		if !n.core.stateLost {
			w.failf("node %d: wants a snapshot, and has not lost its state", n.id)
		}
	}
	if term > hard.Term {
		w.failf("node %d: speaks of term %d, with %+v on disk: %T%+v", n.id, term, hard, message, message)
	}
}

// offered: a leader offers a snapshot, which is of its own log and committed.
func (h *history) offered(w *world, n *node, s *wire.SnapshotMeta, term wire.Term) {
	last := int(s.Last.Index)
	if h.leaders[term] != n.id || last > len(h.committed) || h.committed[last-1].chain != n.chain(last) || n.log[last-1].ID() != s.Last {
		w.failf("node %d: offers in term %d a snapshot that it must not: %+v", n.id, term, *s)
	}
}

// acknowledged: a node says that it holds the log of the leader of a term durably up
// to match.
func (h *history) acknowledged(w *world, n *node, leader wire.NodeID, term wire.Term, match wire.Index) {
	if match == 0 {
		return
	}
	held := n.disk.held()
	if int(match) > len(held) {
		w.failf("node %d: acknowledges %d, with %d entries on disk", n.id, match, len(held))
	}
	chain := chainAt(held, int(match))
	if chain != n.chain(int(match)) {
		w.failf("node %d: acknowledges %d, but on disk there is another entry", n.id, match)
	}
	if l := w.node(leader); l.core != nil && l.core.role == Leader && l.core.Term() == term && l.chain(int(match)) != chain {
		w.failf("node %d: acknowledges %d to %d, which has another entry there", n.id, match, leader)
	}
}

// performed: the effects of a step are done.
func (h *history) performed(w *world, n *node) {
	c := n.core
	if int(c.log.Last()) != len(n.log) || !c.log.Matches(lastOf(n.log)) {
		w.failf("node %d: the core's log ends at %v, what it wrote at %v", n.id, c.log.LastID(), lastOf(n.log))
	}
	if d := int(c.lane.durable); chainAt(n.disk.held(), d) != n.chain(d) {
		w.failf("node %d: the core takes %d for durable", n.id, d)
	}
	if !c.stateLost && n.membershipIndex() != c.memberships[len(c.memberships)-1].index {
		w.failf("node %d: the membership in effect is not the last in the log", n.id)
	}
	h.commits(w, n)
}

func lastOf(log []slot) wire.LogID {
	if len(log) == 0 {
		return wire.LogID{}
	}
	return log[len(log)-1].ID()
}

// membershipIndex finds the last membership in the log.
func (n *node) membershipIndex() wire.Index {
	for i := len(n.log) - 1; i >= 0; i-- {
		if n.log[i].Kind == wire.EntryMembership {
			return n.log[i].Index
		}
	}
	return 0
}

// commits looks at what a node has committed since its last step.
func (h *history) commits(w *world, n *node) {
	last := n.core.commit
	for i := n.commit; i < last; i++ {
		if int(i) < len(h.committed) && h.committed[i].chain != n.log[i].chain {
			w.failf("state machine safety: node %d commits another entry at %d", n.id, i+1)
		}
	}
	n.commit = last
	if int(last) <= len(h.committed) {
		return
	}
	// It is the first to know, so it leads, and has counted (§5.3, §5.4.2).
	if h.leaders[n.log[last-1].Term] != n.id {
		w.failf("commit rule: node %d commits %v, which is not of a term that it led", n.id, n.log[last-1].ID())
	}
	counted := slices.IndexFunc(n.inEffect, func(m wire.Membership) bool {
		return quorum.Of(&m).Reached(func(id wire.NodeID) uint64 { return uint64(w.holds(id, n.log[last-1])) }) >= uint64(last)
	})
	if counted < 0 {
		w.failf("commit rule: node %d commits %v, which is not on the disks of a quorum", n.id, n.log[last-1].ID())
	}
	h.quorum = n.inEffect[counted]
	for i := len(h.committed); i < int(last); i++ {
		h.committed = append(h.committed, commitment{chain: n.log[i].chain, term: n.log[last-1].Term})
	}
}

// holds returns the index of an entry if a node has it and all before it on disk, or had when
// it lost that.
func (w *world) holds(id wire.NodeID, s slot) wire.Index {
	if int(id) > len(w.nodes) {
		return 0
	}
	has := func(log []slot) bool { return chainAt(log, int(s.Index)) == s.chain }
	if d := &w.node(id).disk; has(d.held()) || slices.ContainsFunc(d.lost, has) {
		return s.Index
	}
	return 0
}

// applied: a state machine is given an entry.
func (h *history) applied(w *world, n *node, s slot) {
	if n.core.stateLost {
		w.failf("node %d applies %v and has lost its state", n.id, s.ID())
	}
	if int(s.Index) > len(h.committed) || h.committed[s.Index-1].chain != s.chain {
		w.failf("state machine safety: node %d applies %v, which is not what is committed", n.id, s.ID())
	}
}

// initialized: a node has answered a request to form the group.
func (h *history) initialized(w *world, n *node, e AnswerInitialize) {
	if !e.Conflict && len(n.disk.log) == 0 {
		w.failf("node %d: says that the group is formed, with nothing on disk", n.id)
	}
}

// checkCommitted verifies that everything that was ever committed is durable on a
// quorum now.
func (h *history) checkCommitted(w *world, m wire.Membership) {
	if len(h.committed) == 0 {
		return
	}
	for i := range h.committed {
		if !h.heldByQuorum(w, &m, i+1) {
			w.failf("committed entry %d is not on the disks of a quorum", i+1)
		}
	}
}
