// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const electionSafety = "I1 election safety"

// ElectionSafety is I1: in a term at most one member leads, over all its restarts.
type ElectionSafety struct {
	leaders map[wire.Term]wire.NodeID
}

// Leads is told that a member leads in a term.
func (c *ElectionSafety) Leads(node wire.NodeID, term wire.Term) *Violation {
	if c.leaders == nil {
		c.leaders = make(map[wire.Term]wire.NodeID)
	}
	if other, found := c.leaders[term]; found && other != node {
		return violated(electionSafety, "nodes %d and %d lead in term %d", other, node, term)
	}
	c.leaders[term] = node
	return nil
}

// LeaderOf returns who led in a term, zero if nobody was seen to.
func (c *ElectionSafety) LeaderOf(term wire.Term) wire.NodeID { return c.leaders[term] }
