// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// electionState is what a pre-candidate or candidate has heard so far.
type electionState struct {
	voters []wire.NodeID
	votes  []quorum.Vote // of the voter at the same place
	// incarnations are what the voters have voted with.
	incarnations []wire.Incarnation
	// transfer says that the leader itself asked for this election.
	transfer bool
}

func (e *electionState) record(id wire.NodeID, vote quorum.Vote, incarnation wire.Incarnation) {
	if i, found := slices.BinarySearch(e.voters, id); found && e.votes[i] == quorum.NoAnswer {
		e.votes[i], e.incarnations[i] = vote, incarnation
	}
}

func (e *electionState) of(id wire.NodeID) quorum.Vote {
	if i, found := slices.BinarySearch(e.voters, id); found {
		return e.votes[i]
	}
	return quorum.NoAnswer
}

const (
	// electionSpread is the part of the election time-out over which time-outs are drawn.
	// Wider, and a group waits longer for its first candidate; narrower, and votes split.
	electionSpread = 3
	// retrySoonest is the part of the election time-out after which a campaign that led to
	// nothing is repeated; from that many campaigns on, the time doubles with each.
	retrySoonest, retriesSoon = 4, 8
)

// resetElectionTimer draws a new time-out, so that split votes are rare and don't
// repeat (§5.2).
func (c *Core) resetElectionTimer() {
	c.electionAt = c.now + c.cfg.ElectionTimeout + c.random.below(c.cfg.ElectionTimeout/electionSpread+1)
}

// setRetryTimer draws when to campaign again if this campaign leads to nothing: soon,
// since nobody leads who could be disturbed, but later after some in vain, up to the
// election time-out, in case that the answers take that long to come.
func (c *Core) setRetryTimer() {
	doublings := min(max(c.campaigns, retriesSoon)-retriesSoon, 2)
	patience := c.cfg.ElectionTimeout / retrySoonest << doublings
	c.electionAt = c.now + patience + c.random.below(patience+1)
}

// mayCampaign reports whether this member may become leader at all: it votes in the
// membership in effect or, as long as that is not known to be committed, in the one
// before, whose members may be the only ones that can win. As there is one change at
// a time, the one before is committed.
func (c *Core) mayCampaign() bool {
	if c.stateLost || c.drained {
		return false
	}
	if c.isVoterIn(c.membership()) {
		return true
	}
	n := len(c.memberships)
	return n > 1 && c.memberships[n-1].index > c.commit && c.isVoterIn(&c.memberships[n-2].membership)
}

// isVoterIn reports whether this member votes in a membership, and is the one that is meant.
func (c *Core) isVoterIn(m *wire.Membership) bool {
	return m.IsVoter(c.cfg.ID) && c.isMyself(m.Incarnation(c.cfg.ID))
}

// campaign starts an election with its pre-vote (thesis §9.6), which keeps a
// member that cannot win from disturbing the others with a higher term.
func (c *Core) campaign() {
	if c.now >= c.stallAt() {
		c.resetElectionTimer()
		return // A member whose disk hangs would be no better leader.
	}
	c.campaigns++
	c.become(PreCandidate)
	c.election = c.newElection(false)
	c.follower.round++
	c.election.record(c.cfg.ID, quorum.Granted, c.cfg.Incarnation)
	for _, id := range c.election.voters {
		if id != c.cfg.ID {
			c.send(id, &wire.RequestPreVote{
				Term: c.hard.Term + 1, Round: c.follower.round, Last: c.log.LastID(), Incarnation: c.membership().Incarnation(id),
			})
		}
	}
	c.decideElection()
}

func (c *Core) newElection(transfer bool) *electionState {
	m := c.membership()
	voters := append(slices.Clone(m.Voters), m.Outgoing...)
	slices.Sort(voters)
	voters = slices.Compact(voters)
	return &electionState{
		voters: voters, votes: make([]quorum.Vote, len(voters)), incarnations: make([]wire.Incarnation, len(voters)), transfer: transfer,
	}
}

// becomeCandidate enters a new term and asks for votes (§5.2). The own vote counts,
// and the requests leave, when the new term is durable.
func (c *Core) becomeCandidate(transfer bool) {
	c.become(Candidate)
	c.setHardState(c.hard.Term+1, c.cfg.ID)
	c.election = c.newElection(transfer)
	for _, id := range c.election.voters {
		if id != c.cfg.ID {
			c.send(id, &wire.RequestVote{
				Term: c.hard.Term, Last: c.log.LastID(), Transfer: transfer, Incarnation: c.membership().Incarnation(id),
			})
		}
	}
}

func (c *Core) countOwnVote() {
	if c.lane.hardSeq <= c.lane.synced {
		c.election.record(c.cfg.ID, quorum.Granted, c.cfg.Incarnation)
		c.decideElection()
	}
}

// preVoteReply counts a pre-vote. A refusal teaches the term, so that a member that
// was away can take part again.
func (c *Core) preVoteReply(from wire.NodeID, m *wire.PreVoteReply) {
	c.learnRemoval(from, m.RemovedAt)
	if c.learnTerm(from, m.Term) || c.role != PreCandidate || m.Round != c.follower.round {
		return
	}
	c.election.record(from, voteOf(m.Granted), 0)
	c.decideElection()
}

func (c *Core) voteReply(from wire.NodeID, m *wire.VoteReply) {
	if c.learnTerm(from, m.Term) || c.role != Candidate || m.Term != c.hard.Term {
		return
	}
	c.election.record(from, voteOf(m.Granted), m.Incarnation)
	c.decideElection()
}

func voteOf(granted bool) quorum.Vote {
	if granted {
		return quorum.Granted
	}
	return quorum.Refused
}

func (c *Core) decideElection() {
	switch c.verdict() {
	case quorum.Won:
		if c.role == PreCandidate {
			c.becomeCandidate(false)
		} else {
			c.becomeLeader()
		}
	case quorum.Lost:
		c.become(Follower)
	}
}

// termMax is beyond any term that honest members reach; a message with a higher
// one is dropped, because nobody could be elected after the last term.
const termMax = 1 << 60

// learnTerm adopts a higher term from a reply, never more than the term (§5.1). It
// reports whether there is nothing more to the reply.
func (c *Core) learnTerm(from wire.NodeID, term wire.Term) bool {
	switch {
	case term > termMax:
		c.drop(from, "absurd term")
		return true
	case !c.membership().Contains(from):
		c.drop(from, "reply from who is not a member")
		return true
	case term > c.hard.Term:
		c.enterTerm(term)
		return true
	}
	return false
}

// enterTerm begins a term in which this member has voted for nobody.
func (c *Core) enterTerm(term wire.Term) {
	if c.leader != nil {
		c.endTransfer(true)
	}
	c.become(Follower)
	c.setHardState(term, 0)
	c.follower.forgetLeader()
}

// become leaves the old role with its state and takes the new one. The state of the
// new role is set by the caller.
func (c *Core) become(role Role) {
	if c.leader != nil {
		c.endTransfer(false)
		c.leader = nil
		c.emit(StopReplication{})
	}
	switch {
	case role == PreCandidate || role == Candidate:
		c.setRetryTimer()
	case role == Leader:
		c.campaigns = 0
	case c.role == Leader:
		c.resetElectionTimer()
	}
	c.election = nil
	c.role = role
	if role != Follower {
		c.follower.forgetLeader()
	}
}
