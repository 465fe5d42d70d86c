// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const leaderAppendOnly = "I4 leader append-only"

// LeaderAppendOnly is I4: while a member leads, its log only grows.
type LeaderAppendOnly struct {
	reigns perNode[leading]
}

// leading is the term in which a member leads, zero if it does not, and the end of its log.
type leading struct {
	term wire.Term
	last wire.Index
}

// Looks is told how a member looks after a step.
func (c *LeaderAppendOnly) Looks(node wire.NodeID, leads bool, term wire.Term, last wire.Index) *Violation {
	before := c.reigns.of(node)
	if !leads {
		before.term = 0
		return nil
	}
	if before.term == term && last < before.last {
		return violated(leaderAppendOnly, "the log of node %d, which leads in term %d, shrinks from %d to %d", node, term, before.last, last)
	}
	*before = leading{term: term, last: last}
	return nil
}

// Overwrites is told that a member in a term replaces an entry, on its disk, that it
// had appended in the term of that entry as its leader.
func (c *LeaderAppendOnly) Overwrites(node wire.NodeID, term wire.Term, index wire.Index, entry wire.Term) *Violation {
	if entry != term {
		return nil
	}
	return violated(leaderAppendOnly, "node %d overwrites entry %d of term %d, in which it leads", node, index, entry)
}
