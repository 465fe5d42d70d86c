// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// transfer hands leadership over (thesis §3.10): the leader takes no more proposals,
// lets the other catch up, and tells it to start an election. It leads on if that
// has not worked within an election time-out.
func (c *Core) transfer(to wire.NodeID) {
	l := c.leader
	if l == nil || l.transferTo != 0 || l.isRetiring {
		c.emit(TransferEnded{})
		return
	}
	target := c.transferee(to)
	if target == nil {
		c.emit(TransferEnded{})
		return
	}
	l.isAsked = true
	c.handOver(target)
}

// handOver begins to hand leadership over to a peer.
func (c *Core) handOver(target *peerState) {
	l := c.leader
	l.transferTo, l.transferUntil, l.invited = target.ID, c.now+c.cfg.ElectionTimeout, false
	c.inviteTransferee(target)
}

// inviteTransferee tells the next leader to go ahead once it has the whole log, and all of it
// is committed: so this member can still answer for all that it has taken.
func (c *Core) inviteTransferee(p *peerState) {
	l := c.leader
	if l.transferTo == p.ID && !l.invited && p.Match == c.log.Last() && c.commit == c.log.Last() {
		l.invited = true
		c.send(p.ID, &wire.TimeoutNow{Term: c.hard.Term})
	}
}

func (c *Core) checkTransfer() {
	if c.leader.transferTo != 0 && c.now >= c.leader.transferUntil {
		c.giveUpTransfer()
	}
}

// giveUpTransfer leads on or, if this member must not, leaves it to an election.
func (c *Core) giveUpTransfer() {
	c.hasDeclined(c.leader.transferTo)
	c.endTransfer(false)
	if c.leader.isRetiring {
		c.become(Follower)
	}
}

// endTransfer ends a transfer, if one is under way, and answers the request for it, if
// there was one.
func (c *Core) endTransfer(done bool) {
	l := c.leader
	if l.isAsked {
		c.emit(TransferEnded{Done: done})
	}
	l.transferTo, l.transferUntil, l.isAsked = 0, Never, false
}

// timeoutNow starts an election at once, without pre-vote, because the leader asks
// for it.
func (c *Core) timeoutNow(from wire.NodeID, m *wire.TimeoutNow) {
	if m.Term != c.hard.Term || c.role != Follower || c.follower.leader != from || !c.mayCampaign() || c.now >= c.stallAt() {
		return
	}
	c.becomeCandidate(true)
}

// drain keeps this member from leading, or no more. If it leads, it begins to hand over, whoever
// has not taken over before.
func (c *Core) drain(on bool) {
	c.drained = on
	if on && c.leader != nil {
		c.leaveTo(c.transferee(0))
	}
}

// leaveToOthers goes on handing over while a leader is drained, to one after the other until
// somebody takes over.
func (c *Core) leaveToOthers() {
	if c.drained {
		c.leaveTo(c.successor())
	}
}

// leaveTo begins to hand over to a peer, if there is one, unless that is under way already.
func (c *Core) leaveTo(target *peerState) {
	if l := c.leader; target != nil && l.transferTo == 0 && !l.isRetiring {
		c.handOver(target)
	}
}

// campaignNow starts an election as if the election time-out had passed.
func (c *Core) campaignNow() {
	if c.leader == nil && c.mayCampaign() {
		c.campaign()
	}
}
