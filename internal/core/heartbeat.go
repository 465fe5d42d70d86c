// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// sendHeartbeats asserts leadership (§5.2) to the peers from which nothing was heard
// for an interval. Who has just acknowledged entries has just heard from the leader.
func (c *Core) sendHeartbeats() {
	l := c.leader
	if l == nil || c.now < l.heartbeatAt {
		return
	}
	c.leaveToOthers()
	c.preferOthers()
	l.heartbeatAt = c.now + c.cfg.HeartbeatInterval
	l.round++
	for _, p := range l.peers {
		if c.now-p.Contact < c.cfg.HeartbeatInterval/2 {
			continue
		}
		p.HeartbeatSent(l.round)
		c.send(p.ID, &wire.Heartbeat{Term: c.hard.Term, Round: l.round, Commit: min(c.commit, p.Match)})
	}
}

// heartbeatReply takes in an acknowledgement that may have been lost, and finds out
// whether something that was sent has been.
func (c *Core) heartbeatReply(from wire.NodeID, m *wire.HeartbeatReply) {
	p := c.answeringPeer(from, m.Term)
	if p == nil || c.isReborn(p, m.Incarnation) {
		return
	}
	if m.Epoch == p.Epoch {
		c.acknowledged(p, m.Match)
	}
	if p.State == progress.Snapshot {
		c.offerSnapshot(p, c.log.Compacted().Index)
		return
	}
	if p.HeartbeatAnswered(m.Round, m.Accepted) {
		p.Repeat()
		p.dirty = true
	}
}

// checkQuorum makes a leader step down that did not hear from a quorum for an
// election time-out (thesis §6.2): others may lead by now, and clients wait in vain.
func (c *Core) checkQuorum() {
	l := c.leader
	if l == nil || c.now < l.quorumAt {
		return
	}
	contact := Instant(c.quorum().Reached(func(id wire.NodeID) uint64 {
		if p := l.peer(id); p == nil {
			return uint64(c.now)
		} else if p.isMeant() {
			return uint64(p.Contact)
		}
		return 0
	}))
	l.quorumAt = contact + c.cfg.ElectionTimeout
	if c.now >= l.quorumAt {
		c.emit(Notice{Kind: QuorumLost})
		c.become(Follower)
	}
}
