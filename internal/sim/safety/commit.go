// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const (
	commitRule         = "I8 commit rule"
	committedDurable   = "I9 committed is durable"
	committedImmutable = "I11 committed immutable"
)

// Committed is the committed log as the leaders have made it known, with the rules of
// how it may grow.
type Committed struct {
	log []slot
}

// Last returns the index of the last entry that is known to be committed.
func (c *Committed) Last() wire.Index { return wire.Index(len(c.log)) }

// at returns the slot at an index, the zero slot if that is not known to be committed.
func (c *Committed) at(index wire.Index) slot {
	if index == 0 || index > c.Last() {
		return slot{}
	}
	return c.log[index-1]
}

// isIn reports whether a disk holds all that is committed.
func (c *Committed) isIn(d *disk) bool {
	last := c.Last()
	return last == 0 || d.at(last) == c.log[last-1]
}

// Commits is told that a leader says an index to be committed. It is I8: the entry is
// of the leader's own term, and durable on a quorum. What is committed stays: I11.
func (c *Committed) commits(leader wire.NodeID, term wire.Term, index wire.Index, by electorate) *Violation {
	holds := func(s slot) bool { return s.term == term }
	holders := by.holders(index, holds)
	if !by.isQuorum(index, holds) || len(holders) == 0 {
		return violated(commitRule, "leader %d of term %d commits %d: the disks of %d hold an entry of this term there, of %v",
			leader, term, index, holders, by)
	}
	return c.extend(leader, index, &by.disks[holders[0]-1])
}

// extend takes the entries up to an index from a disk that holds them.
func (c *Committed) extend(leader wire.NodeID, index wire.Index, d *disk) *Violation {
	if last := c.Last(); last > 0 && index > last && d.at(last) != c.log[last-1] {
		return violated(committedImmutable, "leader %d commits %d over a log that differs from what is committed up to %d", leader, index, last)
	}
	if index <= c.Last() {
		if d.at(index) != c.log[index-1] {
			return violated(committedImmutable, "leader %d commits another entry %d than was committed", leader, index)
		}
		return nil
	}
	c.log = append(c.log, d.log[c.Last():index]...)
	return nil
}

// overwrites is told that a disk is about to hold another entry than before. It is I9 in
// a form that can be checked at once: a copy of a committed entry is never given up.
func (c *Committed) overwrites(node wire.NodeID, index wire.Index, before, after slot) *Violation {
	if index > c.Last() || before != c.log[index-1] || after == before {
		return nil
	}
	return violated(committedDurable, "node %d gives up entry %d, which is committed", node, index)
}

// acknowledged is told that a client learns that an entry is applied: I9 for it.
func (c *Committed) acknowledged(index wire.Index, by electorate) *Violation {
	if index > c.Last() {
		return violated(committedDurable, "a client is told of entry %d, committed is %d", index, c.Last())
	}
	holds := func(s slot) bool { return s == c.log[index-1] }
	if !by.isQuorum(index, holds) {
		return violated(committedDurable, "a client is told of entry %d, which the disks of %d hold, of %v", index, by.holders(index, holds), by)
	}
	return nil
}
