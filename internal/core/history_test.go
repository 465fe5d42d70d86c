// SPDX-License-Identifier: Apache-2.0

package core

import (
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
}

type ballot struct {
	term  wire.Term
	voter wire.NodeID
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
	if e.HardState.IsZero() && len(e.Entries) == 0 {
		w.failf("node %d: write %d is empty", n.id, e.Seq)
	}
	if len(e.Entries) == 0 {
		return
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

// written: a write is durable from now on.
func (h *history) written(w *world, n *node, write WriteLog) {
	old, hard := n.disk.hard, write.HardState
	if !hard.IsZero() {
		if hard.Term < old.Term || hard.Term == old.Term && old.Vote != 0 && hard.Vote != old.Vote {
			w.failf("node %d: the hard state goes from %+v to %+v", n.id, old, hard)
		}
		h.voted(w, n.id, hard)
	}
	if len(write.Entries) > 0 {
		for i := int(write.Entries[0].Index) - 1; i < len(n.disk.log) && i < len(h.committed); i++ {
			if n.disk.log[i].chain == h.committed[i].chain && write.Entries[0].Term != n.disk.log[write.Entries[0].Index-1].Term {
				w.failf("node %d: loses the committed entry %v", n.id, n.disk.log[i].ID())
			}
		}
	}
	n.disk.write(write)
}

func (h *history) voted(w *world, voter wire.NodeID, hard wire.HardState) {
	b := ballot{hard.Term, voter}
	if vote := h.votes[b]; vote != 0 && hard.Vote != vote {
		w.failf("node %d: votes for %d and for %d in term %d", voter, vote, hard.Vote, hard.Term)
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
	}
	if term > hard.Term {
		w.failf("node %d: speaks of term %d, with %+v on disk: %T%+v", n.id, term, hard, message, message)
	}
}

// acknowledged: a node says that it holds the log of the leader of a term durably up
// to match.
func (h *history) acknowledged(w *world, n *node, leader wire.NodeID, term wire.Term, match wire.Index) {
	if match == 0 {
		return
	}
	if int(match) > len(n.disk.log) {
		w.failf("node %d: acknowledges %d, with %d entries on disk", n.id, match, len(n.disk.log))
	}
	chain := chainAt(n.disk.log, int(match))
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
	if d := int(c.lane.durable); chainAt(n.disk.log, d) != n.chain(d) {
		w.failf("node %d: the core takes %d for durable", n.id, d)
	}
	if c.Deadline() <= w.now {
		w.failf("node %d: the deadline has been reached and stays", n.id)
	}
	if n.membershipIndex() != c.memberships[len(c.memberships)-1].index {
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
	if reached := n.core.quorum().Reached(func(id wire.NodeID) uint64 { return uint64(w.holds(id, n.log[last-1])) }); reached < uint64(last) {
		w.failf("commit rule: node %d commits %v, which is not on the disks of a quorum", n.id, n.log[last-1].ID())
	}
	for i := len(h.committed); i < int(last); i++ {
		h.committed = append(h.committed, commitment{chain: n.log[i].chain, term: n.log[last-1].Term})
	}
}

// holds returns the index of an entry if a node has it and all before it on disk.
func (w *world) holds(id wire.NodeID, s slot) wire.Index {
	if int(id) > len(w.nodes) || chainAt(w.node(id).disk.log, int(s.Index)) != s.chain {
		return 0
	}
	return s.Index
}

// applied: a state machine is given an entry.
func (h *history) applied(w *world, n *node, s slot) {
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
	for i, c := range h.committed {
		held := quorum.Of(&m).Reached(func(id wire.NodeID) uint64 {
			if chainAt(w.node(id).disk.log, i+1) == c.chain {
				return 1
			}
			return 0
		})
		if held == 0 {
			w.failf("committed entry %d is not on the disks of a quorum", i+1)
		}
	}
}
