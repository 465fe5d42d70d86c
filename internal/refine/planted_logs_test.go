// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"github.com/balsa-raft/raft/wire"
)

// appends violate ClientRequest, Form and AppendEntries.
var appends = []planted{
	{AppendsUnled, three(func(c *cluster) *Violation { return c.step(1, nil, c.node(1).append(1)) })},
	{AppendsTerm, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		n := c.node(1)
		n.terms = append(n.terms, 1)
		return c.step(1, nil, n.write(entries(1, 3, 3)...))
	})},
	{AppendsOnly, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		n := c.node(1)
		n.terms = n.terms[:1]
		return c.step(1, nil, n.append(1))
	})},
	{AppendsOnly, three(func(c *cluster) *Violation { // A gap.
		c.elects(1, 2)
		n := c.node(1)
		n.terms = append(n.terms, 2, 2)
		return c.step(1, nil, n.write(entries(2, 4, 4)...))
	})},
	{AppendsMembership, three(func(c *cluster) *Violation { // The one before is not committed.
		c.elects(1, 2)
		c.legal(c.commits(1, 0))
		return c.membership(1, members(1, 2))
	})},
	{AppendsMembership, three(func(c *cluster) *Violation { // No joint quorum.
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		return c.membership(1, members(3))
	})},
	{FormsOther, three(func(c *cluster) *Violation {
		c.spec.members = append(c.spec.members, &member{id: 4})
		c.nodes = append(c.nodes, &shown{id: 4})
		return c.forms(4, members(1, 2, 3, 4))
	})},
	{AcceptsForeign, three(func(c *cluster) *Violation { // Nobody has sent them.
		c.elects(1, 2)
		n := c.node(2)
		n.terms = append(n.terms, 2)
		return c.step(2, nil, n.write(entries(2, 2, 2)...))
	})},
	{AcceptsForeign, three(func(c *cluster) *Violation { // The leader has others.
		c.elects(1, 2)
		request := c.request(1, 2, 1)
		request.Entries = entries(2, 2, 3)
		n := c.node(2)
		n.terms = append(n.terms, 2, 2)
		return c.step(2, from(1, request), n.write(request.Entries...))
	})},
	{AcceptsMismatch, three(func(c *cluster) *Violation { // A gap.
		c.elects(1, 2)
		c.proposes(1, 2)
		request := c.request(1, 2, 3)
		n := c.node(2)
		n.terms = append(n.terms, 2, 2, 2)
		return c.step(2, from(1, request), n.write(request.Entries...))
	})},
	{AcceptsMismatch, three(func(c *cluster) *Violation { // Another entry before the first.
		c.elects(1, 2)
		c.electsIn(3, 3, 2)
		c.proposes(3, 1)
		request := c.request(3, 1, 2)
		n := c.node(1)
		n.HardState, n.terms = hard(3, 0), append(n.terms, 3)
		return c.step(1, from(3, request), n.write(request.Entries...))
	})},
	{AcceptsNoConflict, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.proposes(1, 1)
		late := c.request(1, 2, 1)
		c.accepts(2, 1, late)
		n := c.node(2)
		return c.step(2, from(1, late), n.write(late.Entries...))
	})},
	{AcceptsCommitted, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		again := c.request(1, 2, 1)
		c.node(2).Commit = 2
		c.legal(c.step(2, from(1, again)))
		return c.step(2, from(1, again), c.node(2).write(again.Entries...))
	})},
}

// commitments violate AdvanceCommit and Apply.
var commitments = []planted{
	{CommitFalls, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		return c.commits(1, 1)
	})},
	{CommitNoQuorum, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		return c.commits(1, 2)
	})},
	{CommitNoQuorum, three(func(c *cluster) *Violation { // The own disk counts like a peer's.
		c.elects(1, 2)
		c.replicates(1, 2, 1)
		return c.commits(1, 2)
	})},
	{CommitNoQuorum, three(func(c *cluster) *Violation { // A voter with another disk does not count.
		c.elects(1, 2)
		c.syncs(1)
		c.reborn(3)
		c.replicates(1, 3, 0)
		return c.commits(1, 2)
	})},
	{CommitNoQuorum, three(func(c *cluster) *Violation { // Half of a joint membership is no quorum.
		c.leading().adopts(1, beginning([]wire.NodeID{1, 2, 3}, []wire.NodeID{3}), 2, 3)
		c.legal(c.membership(1, joining([]wire.NodeID{1, 2, 3}, []wire.NodeID{3})))
		c.syncs(1)
		c.replicates(1, 2, 3)
		return c.commits(1, 4)
	})},
	{CommitOlderTerm, five(func(c *cluster) *Violation { // Figure 8, in (c).
		c.elects(1, 2, 3)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.electsIn(3, 5, 3, 4)
		c.electsIn(4, 1, 2, 3)
		for _, id := range []wire.NodeID{3, 4} {
			request := c.request(1, id, 1)
			request.Entries = request.Entries[:1]
			c.accepts(id, 1, request)
			c.acknowledges(id, 1)
		}
		return c.commits(1, 2)
	})},
	{CommitUntold, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.accepts(2, 1, c.request(1, 2, 1))
		return c.commits(2, 2)
	})},
	{CommitUntold, three(func(c *cluster) *Violation { // Beyond what is known to match.
		c.elects(1, 2)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.legal(c.crashes(1, hard(2, 1), 1))
		c.electsIn(3, 2, 1)
		c.syncs(2)
		c.replicates(2, 1, 1)
		c.legal(c.commits(2, 2))
		n := c.node(3)
		n.HardState, n.Commit = hard(3, 0), 2
		probe := &wire.AppendEntries{Term: 3, Epoch: 1, Prev: id(1, 1), Commit: 2}
		c.legal(c.spec.Sends(2, probe))
		return c.step(3, from(2, probe), n.write())
	})},
	{CommitContradicts, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.spec.history.reigns[9] = &reign{base: id(1, 1), last: 2}
		c.spec.committed = id(9, 2)
		return c.commits(1, 2)
	})},
	{AppliesAgain, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.node(1).Applied = 2
		c.legal(c.commits(1, 2))
		c.node(1).Applied = 1
		return c.step(1, nil)
	})},
	{AppliesUncommitted, three(func(c *cluster) *Violation {
		c.node(1).Applied = 1
		return c.step(1, nil)
	})},
	{AppliesUncommitted, three(func(c *cluster) *Violation { return c.step(1, nil, Effect{Kind: Applied, Through: 1}) })},
}
