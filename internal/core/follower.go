// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// followerState is what a member knows about the leader of its term.
type followerState struct {
	// leader leads the current term, zero if unknown.
	leader wire.NodeID
	// contact is when the leader was last heard of.
	contact Instant
	// accepted is the last entry known to be the leader's too: taken over from it
	// in this term, durable or not.
	accepted wire.Index
	// epoch is the latest stream of the leader that was accepted, acknowledged what
	// it was last told.
	epoch        wire.Epoch
	acknowledged wire.Index
	// offered is the highest entry that a snapshot covers which the leader has offered.
	offered wire.Index
	// round counts this member's pre-votes; it outlives terms.
	round wire.Round
}

func (f *followerState) forgetLeader() { *f = followerState{round: f.round} }

// follow takes the sender of an AppendEntries or Heartbeat for the leader of its
// term, or reports false: the message is stale, or cannot be.
func (c *Core) follow(from wire.NodeID, term wire.Term) bool {
	switch {
	case term > termMax:
		c.drop(from, "absurd term")
		return false
	case term < c.hard.Term:
		return false
	case term > c.hard.Term:
		c.enterTerm(term)
	case c.leader != nil, c.follower.leader != 0 && c.follower.leader != from:
		c.drop(from, "a second leader in one term")
		return false
	case c.role != Follower:
		c.become(Follower)
	}
	c.follower.leader = from
	c.follower.contact = c.now
	c.campaigns = 0
	c.resetElectionTimer()
	return true
}

// appendEntries takes over a part of the leader's log (§5.3). Requests are pipelined:
// nothing here waits for earlier entries to be written, and the acknowledgement
// leaves when this request's are durable.
func (c *Core) appendEntries(from wire.NodeID, m *wire.AppendEntries) {
	if !c.follow(from, m.Term) {
		c.teachTerm(from, m.Term)
		return
	}
	if detail := c.malformed(m); detail != "" {
		c.drop(from, detail)
		return
	}
	if !c.holds(m.Prev) {
		conflict := c.log.LastNotAfter(m.Prev.Index, m.Prev.Term)
		c.send(from, &wire.AppendReply{Term: m.Term, Epoch: m.Epoch, Match: m.Prev.Index, Rejected: true, Conflict: conflict, Incarnation: c.cfg.Incarnation})
		return
	}
	if !c.takeOver(from, m.Entries) {
		return
	}
	f := &c.follower
	f.accepted = max(f.accepted, m.Prev.Index+wire.Index(len(m.Entries)))
	isNewStream := m.Epoch > f.epoch
	f.epoch = max(f.epoch, m.Epoch)
	c.followCommit(m.Commit)
	c.acknowledge(isNewStream)
}

// teachTerm lets a leader or candidate of a term that is over know. The answer is one to
// nothing in particular: the sender may be a leader or candidate again, in the new term,
// and must not take it for an answer to what it has sent in that.
func (c *Core) teachTerm(from wire.NodeID, term wire.Term) {
	if term < c.hard.Term {
		c.send(from, &wire.HeartbeatReply{Term: c.hard.Term})
	}
}

// malformed says what keeps a request from being a correct leader's, or "".
func (c *Core) malformed(m *wire.AppendEntries) string {
	if m.Prev.Term > m.Term || m.Prev.Index+wire.Index(len(m.Entries)) < m.Prev.Index {
		return "absurd previous entry"
	}
	previous := m.Prev
	for i := range m.Entries {
		e := &m.Entries[i]
		if e.Index != previous.Index+1 || e.Term < previous.Term || e.Term > m.Term || e.Term == 0 {
			return "entries out of order"
		}
		if e.Kind == wire.EntryMembership {
			if _, err := wire.DecodeMembership(e.Data); err != nil {
				return "an entry with a malformed membership"
			}
		}
		previous = e.ID()
	}
	return ""
}

// holds is the consistency check (§5.3): is there an entry like the one before the
// request's first? What a snapshot covers is committed, and so matches.
func (c *Core) holds(prev wire.LogID) bool {
	return prev.Index < c.log.Compacted().Index || c.log.Matches(prev)
}

// takeOver appends what is new. Only a real conflict truncates, and never what is
// committed: a request that would is not a correct leader's, and is dropped.
func (c *Core) takeOver(from wire.NodeID, entries []wire.Entry) bool {
	for len(entries) > 0 && (entries[0].Index <= c.log.Compacted().Index || c.log.Matches(entries[0].ID())) {
		entries = entries[1:]
	}
	if len(entries) == 0 {
		return true
	}
	first := entries[0].Index
	if first <= c.commit || first <= c.follower.accepted {
		c.drop(from, "entries that contradict committed ones, or what the same leader sent")
		return false
	}
	if before, _ := c.log.Term(first - 1); entries[0].Term < before {
		c.drop(from, "entries out of order")
		return false
	}
	if first <= c.log.Last() {
		c.truncateFrom(first)
	}
	c.appendToIndex(entries)
	c.write(entries)
	return true
}

// appendToIndex records the terms of new entries, run by run, and the memberships
// among them, which are in effect from now on (§6).
func (c *Core) appendToIndex(entries []wire.Entry) {
	run := 0
	for i := range entries {
		if entries[i].Term != entries[run].Term {
			c.log.Append(entries[run].Term, i-run)
			run = i
		}
	}
	c.log.Append(entries[run].Term, len(entries)-run)
	for i := range entries {
		if entries[i].Kind == wire.EntryMembership {
			c.adoptMembership(entries[i])
		}
	}
}

func (c *Core) truncateFrom(first wire.Index) {
	c.log.TruncateFrom(first)
	c.lane.clip(first - 1)
	c.rollBackMemberships(first)
}

// followCommit takes over the leader's commit index, as far as the log is known to
// be the leader's (§5.3).
func (c *Core) followCommit(commit wire.Index) {
	c.setCommit(min(commit, c.follower.accepted))
}

// match is how far this member holds the leader's log durably. Every kind of reply
// computes its acknowledgement here.
func (c *Core) match() wire.Index { return min(c.lane.durable, c.follower.accepted) }

// acknowledge tells the leader what has become durable since it was last told; or,
// if anew, tells it in any case.
func (c *Core) acknowledge(anew bool) {
	f := &c.follower
	if f.leader == 0 || f.epoch == 0 {
		return
	}
	if match := c.match(); anew || match > f.acknowledged {
		f.acknowledged = match
		c.send(f.leader, &wire.AppendReply{Term: c.hard.Term, Epoch: f.epoch, Match: match, Incarnation: c.cfg.Incarnation})
	}
}

// heartbeat answers a leader that has nothing to replicate.
func (c *Core) heartbeat(from wire.NodeID, m *wire.Heartbeat) {
	if !c.follow(from, m.Term) {
		c.teachTerm(from, m.Term)
		return
	}
	c.followCommit(m.Commit)
	f := &c.follower
	c.send(from, &wire.HeartbeatReply{Term: m.Term, Round: m.Round, Epoch: f.epoch, Match: c.match(), Accepted: f.accepted, Incarnation: c.cfg.Incarnation})
}
