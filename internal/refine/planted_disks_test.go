// SPDX-License-Identifier: Apache-2.0

package refine

// disks violate Persist, Sync and Restart, InstallSnapshot and Compact.
var disks = []planted{
	{WritesOutOfOrder, three(func(c *cluster) *Violation {
		c.node(1).seq++
		return c.timesOut(1)
	})},
	{SyncsUnissued, three(func(c *cluster) *Violation {
		return c.spec.Step(&Step{Node: 1, Synced: 2, Post: c.node(1).view()})
	})},
	{DurableUncovered, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.node(1).Durable = 2
		return c.step(1, nil)
	})},
	{DurableUncovered, five(func(c *cluster) *Violation { // Overwritten, and brought back: not durable in between.
		c.elects(1, 4, 5)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.syncs(3)
		c.electsIn(3, 2, 4, 5)
		c.accepts(3, 2, c.request(2, 3, 1))
		c.electsIn(4, 1, 4, 5)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.node(3).Durable = 2
		return c.step(3, nil)
	})},
	{RestartsOther, three(func(c *cluster) *Violation { // A vote was lost.
		c.runs(1)
		return c.crashes(1, hard(2, 0), 1)
	})},
	{RestartsOther, three(func(c *cluster) *Violation { // An entry was lost.
		c.elects(1, 2)
		c.syncs(1)
		return c.crashes(1, hard(2, 1), 1)
	})},
	{RestartsOther, three(func(c *cluster) *Violation { // A later write was kept, and an earlier one not.
		c.legal(c.timesOut(1))
		c.node(1).Role = Follower
		c.legal(c.step(1, nil))
		c.legal(c.timesOut(1))
		return c.crashes(1, hard(4, 1), 1)
	})},
	{SnapshotUncommitted, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.proposes(1, 3)
		return c.resets(3, id(2, 5))
	})},
	{SnapshotDiscards, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.proposes(1, 3)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 5))
		return c.resets(2, id(2, 4))
	})},
	{CompactsUncommitted, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.node(1).Compacted = id(2, 2)
		return c.step(1, nil)
	})},
	{CompactsUncovered, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		c.node(1).Compacted, c.node(1).Snapshot = id(2, 2), id(1, 1)
		return c.step(1, nil)
	})},
	{SnapshotUncommitted, three(func(c *cluster) *Violation { // The log begins behind another entry than the snapshot ends with.
		c.elects(1, 2)
		c.proposes(1, 3)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 5))
		n := c.node(3)
		n.Snapshot = id(2, 4)
		e := n.write()
		e.Reset = id(2, 5)
		return c.step(3, nil, e)
	})},
}
