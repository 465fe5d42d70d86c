// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// removalOf returns where it is recorded that a node is no member any more: the index of the
// latest membership that is known to be committed; zero if it is a member there, or nothing
// is known.
func (c *Core) removalOf(id wire.NodeID) wire.Index {
	at := c.committedMembership()
	if at.index == 0 || at.membership.IsEmpty() || at.membership.Contains(id) {
		return 0
	}
	return at.index
}

// learnRemoval takes in that a member says that this one was removed. It is news for people
// only: the sender may be wrong in all that it says.
func (c *Core) learnRemoval(from wire.NodeID, at wire.Index) {
	if c.removedAt < at && !c.isOldNews(at) {
		c.removedAt = at
		c.emit(Notice{Kind: Removed, Peer: from})
	}
}

// isOldNews reports whether this member has a later membership than the one of an index: it
// was added again. But one that is not known to be committed, of a term that is over, may be
// what a leader that was cut off has appended, and was replaced by the removal.
func (c *Core) isOldNews(at wire.Index) bool {
	latest := c.memberships[len(c.memberships)-1].index
	term, held := c.log.Term(latest)
	mayBeReplaced := latest > c.commit && held && term < c.hard.Term
	return at <= c.committedMembership().index || at <= latest && !mayBeReplaced
}

// wasMember reports whether this member, which is not part of the latest committed membership,
// was part of one before, as far as it knows: a newcomer that catches up was not. Of what came
// before a snapshot nothing is known.
func (c *Core) wasMember() bool {
	if c.memberships[0].index > 0 && c.memberships[0].index <= c.snapshot.Index {
		return true
	}
	return slices.ContainsFunc(c.memberships, func(at membershipAt) bool {
		return at.index < c.committedMembership().index && at.membership.Contains(c.cfg.ID)
	})
}

// watchMembership notices that another membership was committed.
func (c *Core) watchMembership() {
	at := c.committedMembership()
	if at.index <= c.knownMembership {
		return
	}
	c.knownMembership = at.index
	if at.membership.Contains(c.cfg.ID) {
		c.removedAt = 0
	} else if c.wasMember() {
		c.removedAt = cmp.Or(c.removedAt, at.index)
	}
	if c.leader != nil {
		c.letLeave()
	}
}
