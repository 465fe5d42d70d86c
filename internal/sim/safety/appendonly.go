// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const leaderAppendOnly = "I4 leader append-only"

// LeaderAppendOnly is I4: while a member leads, its log only grows.
type LeaderAppendOnly struct {
	term map[wire.NodeID]wire.Term // in which it leads, absent if it does not
	last map[wire.NodeID]wire.Index
}

// Looks is told how a member looks after a step.
func (c *LeaderAppendOnly) Looks(node wire.NodeID, leads bool, term wire.Term, last wire.Index) *Violation {
	if c.term == nil {
		c.term, c.last = make(map[wire.NodeID]wire.Term), make(map[wire.NodeID]wire.Index)
	}
	if !leads {
		delete(c.term, node)
		return nil
	}
	if before := c.last[node]; c.term[node] == term && last < before {
		return violated(leaderAppendOnly, "the log of node %d, which leads in term %d, shrinks from %d to %d", node, term, before, last)
	}
	c.term[node], c.last[node] = term, last
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
