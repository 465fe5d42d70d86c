// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// transfer hands leadership over (thesis §3.10): the leader takes no more proposals,
// lets the other catch up, and tells it to start an election. It leads on if that
// has not worked within an election time-out.
func (c *Core) transfer(to wire.NodeID) {
	l := c.leader
	if l == nil || l.transferTo != 0 {
		c.emit(TransferEnded{})
		return
	}
	target := c.transferee(to)
	if target == nil {
		c.emit(TransferEnded{})
		return
	}
	l.transferTo, l.transferUntil, l.invited = target.ID, c.now+c.cfg.ElectionTimeout, false
	c.inviteTransferee(target)
}

// transferee chooses who is to lead: the voter asked for, or else the one that is
// most caught up among those that answered lately.
func (c *Core) transferee(to wire.NodeID) *progress.Progress {
	var best *progress.Progress
	for _, p := range c.leader.peers {
		if !c.membership().IsVoter(p.ID) || (to != 0 && p.ID != to) || c.now-p.Contact >= c.cfg.ElectionTimeout {
			continue
		}
		if best == nil || p.Match > best.Match {
			best = p
		}
	}
	return best
}

// inviteTransferee tells the next leader to go ahead once it has the whole log.
func (c *Core) inviteTransferee(p *progress.Progress) {
	l := c.leader
	if l.transferTo == p.ID && !l.invited && p.Match == c.log.Last() {
		l.invited = true
		c.send(p.ID, &wire.TimeoutNow{Term: c.hard.Term})
	}
}

func (c *Core) checkTransfer() {
	if c.leader.transferTo != 0 && c.now >= c.leader.transferUntil {
		c.endTransfer(false)
	}
}

// endTransfer answers the request for a transfer, if there is one under way.
func (c *Core) endTransfer(done bool) {
	if c.leader.transferTo != 0 {
		c.leader.transferTo, c.leader.transferUntil = 0, Never
		c.emit(TransferEnded{Done: done})
	}
}

// timeoutNow starts an election at once, without pre-vote, because the leader asks
// for it.
func (c *Core) timeoutNow(from wire.NodeID, m *wire.TimeoutNow) {
	if m.Term != c.hard.Term || c.role != Follower || c.follower.leader != from || !c.mayCampaign() || c.now >= c.stallAt() {
		return
	}
	c.becomeCandidate(true)
}
