// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// requestPreVote says whether this member would vote for the sender (thesis §9.6).
// It changes nothing here: no term, no vote, no timer.
func (c *Core) requestPreVote(from wire.NodeID, m *wire.RequestPreVote) {
	if m.Term > termMax {
		c.drop(from, "absurd term")
		return
	}
	granted := m.Term > c.hard.Term && !c.leaderIsAlive() && c.isUpToDate(m.Last) && c.mayVote(m.Incarnation, m.Last)
	c.send(from, &wire.PreVoteReply{Term: c.hard.Term, Round: m.Round, Granted: granted, RemovedAt: c.removalOf(from)})
}

// requestVote answers a candidate (§5.2, §5.4.1).
func (c *Core) requestVote(from wire.NodeID, m *wire.RequestVote) {
	if m.Term > termMax {
		c.drop(from, "absurd term")
		return
	}
	if m.Term > c.hard.Term {
		// Leader stickiness (thesis §4.2.3): who hears from a leader does not let
		// another one, who may have been removed or cut off, end its term. The
		// leader's own wish is another matter.
		if c.leaderIsAlive() && !m.Transfer {
			return
		}
		c.enterTerm(m.Term)
	}
	if m.Term < c.hard.Term {
		c.teachTerm(from, m.Term)
		return
	}
	granted := c.role == Follower && c.follower.leader == 0 &&
		(c.hard.Vote == 0 || c.hard.Vote == from) && c.isUpToDate(m.Last) && c.mayVote(m.Incarnation, m.Last)
	if granted {
		c.setHardState(m.Term, from)
		c.resetElectionTimer()
	}
	c.send(from, &wire.VoteReply{Term: c.hard.Term, Granted: granted, Incarnation: c.cfg.Incarnation})
}

// isUpToDate is the election restriction (§5.4.1): a candidate whose log lacks
// something that this one has may lack something committed.
func (c *Core) isUpToDate(last wire.LogID) bool { return last.Compare(c.log.LastID()) >= 0 }

// mayVote keeps a member from voting that is not the one whom the candidate's membership
// means: it has lost its disk since it became a voter, and with it the knowledge of what it
// had acknowledged and voted. For the same reason who knows of no group votes only where one
// is being formed. A log that was compacted is a group's, and a member that has lost its
// snapshots, and with them the membership, but not its log, votes.
func (c *Core) mayVote(meant wire.Incarnation, last wire.LogID) bool {
	knowsGroup := !c.membership().IsEmpty() || c.log.Compacted().Index > 0
	return c.isMyself(meant) && (knowsGroup || meant > anonymous || meant == 0 && last == firstLogID)
}

// leaderIsAlive reports whether this member leads or has heard from a leader within
// the shortest election time-out.
func (c *Core) leaderIsAlive() bool {
	if c.leader != nil {
		return true
	}
	return c.follower.leader != 0 && c.now < c.follower.contact+c.cfg.ElectionTimeout
}
