// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// advanceCommit commits what a quorum holds durably, the leader's own disk counting
// like a peer's, if it is of the leader's own term (§5.3, §5.4.2: an entry of an
// earlier term is only ever committed by a later one above it, see figure 8).
func (c *Core) advanceCommit() {
	reached := wire.Index(c.quorum().Reached(c.durableOn))
	if reached <= c.commit {
		return
	}
	if term, held := c.log.Term(reached); held && term == c.hard.Term {
		c.setCommit(reached)
		c.leader.newsAt = min(c.leader.newsAt, c.now+c.newsDelay())
		if p := c.leader.peer(c.leader.transferTo); p != nil {
			c.inviteTransferee(p)
		}
	}
}

// newsDelay is how long the news of a commit waits for entries to go with: under
// load they come at once, and a message without them would cost as much as one with.
func (c *Core) newsDelay() Instant { return max(c.cfg.HeartbeatInterval/50, 1) }

// tellCommit lets the peers know of the commit index that no entry has taken along.
func (c *Core) tellCommit() {
	l := c.leader
	if l == nil || c.now < l.newsAt {
		return
	}
	l.newsAt = Never
	for _, p := range l.peers {
		if p.told < c.commit && p.State == progress.Replicate {
			p.dirty, p.news = true, true
		}
	}
}

// durableOn returns up to where a voter is known to hold the leader's log durably. What is on
// another disk than the one with which it became a voter does not count: with that it may have
// lost the vote for a later leader, and with the vote the promise to follow no earlier one.
func (c *Core) durableOn(id wire.NodeID) uint64 {
	if id == c.cfg.ID {
		return uint64(c.lane.durable)
	}
	if p := c.leader.peer(id); p != nil && p.isMeant() {
		return uint64(p.Match)
	}
	return 0
}

// setCommit is the only place that moves the commit index. It never falls.
func (c *Core) setCommit(commit wire.Index) {
	if commit <= c.commit {
		return
	}
	invariant.Check(commit <= c.log.Last(), "core: only what is in the log is committed", "commit", commit, "last", c.log.Last())
	c.commit = commit
}

// setApplied is the only place that moves the applied index.
func (c *Core) setApplied(through wire.Index) {
	invariant.Check(through >= c.applied && through <= c.commit, "core: applied goes up to commit",
		"applied", c.applied, "through", through, "commit", c.commit)
	c.applied = through
}
