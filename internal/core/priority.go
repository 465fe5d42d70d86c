// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

const (
	// preferSoonest is how many election time-outs a leader leads before it looks for one of
	// higher priority to hand over to. With each attempt that leaves it in place, the time
	// to the next doubles, preferDoublings times at the most: the other may be drained, or
	// its disk may hang, and proposals wait during an attempt.
	preferSoonest, preferDoublings = 4, 8
	// nearEntries is by how many entries less than are committed a voter may have to be chosen
	// for its priority: it is sent them while proposals wait.
	nearEntries = 1024
)

// preferOthers hands leadership over to a voter of higher priority, if there is one that has
// nearly all that is committed (thesis §3.10.1 names it as a use of transfers). Who has more priority
// has no more chance in an election.
func (c *Core) preferOthers() {
	l := c.leader
	if c.now < l.preferAt || l.transferTo != 0 || l.isRetiring || c.membership().IsChanging() {
		return
	}
	target := c.transferee(0)
	if target == nil || !c.isNear(target) || c.priorityOf(target) <= c.membership().Priority(c.cfg.ID) {
		return
	}
	l.preferences = min(l.preferences+1, preferDoublings)
	l.preferAt = c.now + preferSoonest*c.cfg.ElectionTimeout<<l.preferences
	c.handOver(target)
}

func (c *Core) isNear(p *peerState) bool { return p.Match+nearEntries >= c.commit }

func (c *Core) priorityOf(p *peerState) uint8 { return c.membership().Priority(p.ID) }

// transferee chooses who is to lead: the voter asked for, or else, among those that answered
// lately, the one of the highest priority that has nearly all that is committed, or the one
// that is most caught up.
func (c *Core) transferee(to wire.NodeID) *peerState {
	var best *peerState
	for _, p := range c.leader.peers {
		if !slices.Contains(c.membership().Voters, p.ID) || (to != 0 && p.ID != to) || !c.isAble(p.ID) {
			continue
		}
		if best == nil || c.compareTransferees(p, best) > 0 {
			best = p
		}
	}
	return best
}

// compareTransferees is positive if a is rather to lead than b, of two that may.
func (c *Core) compareTransferees(a, b *peerState) int {
	if c.isNear(a) && c.isNear(b) {
		if byPriority := cmp.Compare(c.priorityOf(a), c.priorityOf(b)); byPriority != 0 {
			return byPriority
		}
	}
	return cmp.Compare(a.Match, b.Match)
}
