// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

const (
	// preferSoonest is how many election time-outs a leader leads before it looks for one of
	// higher priority to hand over to.
	preferSoonest = 4
	// Who did not take over when it was told to may be drained, or its disk may hang, and
	// proposals have waited meanwhile. A leader asks it again of its own accord after so many
	// election time-outs, doubled with each attempt, declinedDoublings times at the most.
	askAgainSoonest, declinedDoublings = 4, 6
	// nearEntries is by how many entries less than are committed a voter may have to be chosen
	// for its priority: it is sent them while proposals wait.
	nearEntries = 1024
)

// preferOthers hands leadership over to a voter of higher priority, if there is one that has
// nearly all that is committed (thesis §3.10 names it as a use of transfers). Who has more
// priority has no more chance in an election.
func (c *Core) preferOthers() {
	l := c.leader
	if c.now < l.preferAt || l.transferTo != 0 || l.isRetiring || c.membership().IsChanging() {
		return
	}
	own := c.membership().Priority(c.cfg.ID)
	target := c.best(func(p *peerState) bool { return c.priorityOf(p) > own && c.isNear(p) && c.mayBeAsked(p) })
	if target != nil {
		c.handOver(target)
	}
}

// transferee is the voter asked for, if it answers, or the best of them if that is zero.
func (c *Core) transferee(to wire.NodeID) *peerState {
	return c.best(func(p *peerState) bool { return to == 0 || p.ID == to })
}

// successor is whom a leader that is to leave would choose of its own accord, nil if there is
// nobody to be asked now.
func (c *Core) successor() *peerState { return c.best(c.mayBeAsked) }

func (c *Core) mayBeAsked(p *peerState) bool { return p.askAgainAt <= c.now }

// best returns who is most rather to lead of the voters that answered lately and may be chosen.
func (c *Core) best(may func(p *peerState) bool) *peerState {
	var best *peerState
	for _, p := range c.leader.peers {
		if !slices.Contains(c.membership().Voters, p.ID) || !may(p) || !c.isAble(p.ID) {
			continue
		}
		if best == nil || c.compareTransferees(p, best) > 0 {
			best = p
		}
	}
	return best
}

// compareTransferees is positive if a is rather to lead than b, of two that may: by what they
// have, if one lacks much; or else by how often they did not take over, and by their priority.
func (c *Core) compareTransferees(a, b *peerState) int {
	if c.isNear(a) && c.isNear(b) {
		order := cmp.Or(cmp.Compare(b.declined, a.declined), cmp.Compare(c.priorityOf(a), c.priorityOf(b)))
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(a.Match, b.Match)
}

func (c *Core) isNear(p *peerState) bool { return p.Match+nearEntries >= c.commit }

func (c *Core) priorityOf(p *peerState) uint8 { return c.membership().Priority(p.ID) }

// hasDeclined notes that a peer did not take over.
func (c *Core) hasDeclined(id wire.NodeID) {
	if p := c.leader.peer(id); p != nil {
		p.declined = min(p.declined+1, declinedDoublings)
		p.askAgainAt = c.now + askAgainSoonest*c.cfg.ElectionTimeout<<p.declined
	}
}
