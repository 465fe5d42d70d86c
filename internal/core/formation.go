// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// A group is being formed as long as its log ends with the membership that its users gave
// it, in which nobody knows whose disks the voters' are. Then a wiped member of a group that
// is long at work may look just like a new one. So the first leader needs all votes, of which
// at least one would be refused by a member that knows better; and it records the
// incarnations of those who gave them. From then on a vote counts only if it is given by who
// is meant.

// isForming reports whether nothing but its first membership is in the log.
func (c *Core) isForming() bool {
	at := c.memberships[len(c.memberships)-1]
	m := &at.membership
	if at.index == 0 || m.IsEmpty() || m.IsChanging() {
		return false
	}
	return c.log.Last() == max(at.index, c.log.Compacted().Index) &&
		slices.ContainsFunc(m.Voters, func(id wire.NodeID) bool { return m.Incarnation(id) == 0 })
}

// verdict counts the votes: a quorum decides, or all where a group is being formed.
func (c *Core) verdict() quorum.Verdict {
	if !c.isForming() {
		return c.quorum().Votes(c.election.of)
	}
	switch {
	case slices.Contains(c.election.votes, quorum.Refused):
		return quorum.Lost
	case slices.Contains(c.election.votes, quorum.NoAnswer):
		return quorum.Pending
	}
	return quorum.Won
}

// bindMembership returns the first entry of a group's first leader, which makes its voters
// known by their incarnations. The voters stay the same, so that it need not wait for the
// membership before it.
func (c *Core) bindMembership() wire.Entry {
	e := c.election
	m := change.Bind(c.membership(), func(id wire.NodeID) wire.Incarnation {
		i, _ := slices.BinarySearch(e.voters, id)
		return e.incarnations[i]
	})
	return membershipEntry(&m)
}
