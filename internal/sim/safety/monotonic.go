// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const (
	commitMonotonic = "I12 commit and applied monotonic"
	ordering        = "I13 applied, committed, appended"
)

// View is what a member says of itself.
type View struct {
	Leads                          bool
	Term                           wire.Term
	Last, Durable, Commit, Applied wire.Index
}

// Monotonic is I12 and I13: within the life of a process commit and applied never fall,
// and at any time applied <= commit <= last and durable <= last.
type Monotonic struct {
	views perNode[View]
}

// Starts is told that a member's process begins.
func (c *Monotonic) Starts(node wire.NodeID) { c.views.forget(node) }

// Looks is told how a member looks after a step.
func (c *Monotonic) Looks(node wire.NodeID, v View) *Violation {
	known := c.views.of(node)
	before := *known
	*known = v
	if v.Commit < before.Commit || v.Applied < before.Applied || v.Term < before.Term {
		return violated(commitMonotonic, "node %d goes from %+v to %+v", node, before, v)
	}
	if v.Applied > v.Commit || v.Commit > v.Last || v.Durable > v.Last {
		return violated(ordering, "node %d is at %+v", node, v)
	}
	return nil
}
