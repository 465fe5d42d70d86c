// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const termMonotonic = "I3 term monotonic"

// TermMonotonic is I3: a member's durable term never falls, and the one that it works
// with is never behind.
type TermMonotonic struct {
	durable perNode[wire.Term]
}

// Durable is told which term is on a member's disk.
func (c *TermMonotonic) Durable(node wire.NodeID, term wire.Term) *Violation {
	before := c.durable.of(node)
	if term < *before {
		return violated(termMonotonic, "the term on the disk of node %d falls from %d to %d", node, *before, term)
	}
	*before = term
	return nil
}

// Forget is told that a node has lost its disk in a way that does not matter.
func (c *TermMonotonic) Forget(node wire.NodeID) { c.durable.forget(node) }

// Works is told which term a member is in.
func (c *TermMonotonic) Works(node wire.NodeID, term wire.Term) *Violation {
	if durable := *c.durable.of(node); term < durable {
		return violated(termMonotonic, "node %d is in term %d, its disk in term %d", node, term, durable)
	}
	return nil
}
