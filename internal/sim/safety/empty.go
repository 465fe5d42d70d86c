// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

// Empties is told that a node has lost its disk. Whatever it does from now on, it is not
// held to what it did before: it is somebody else, who has its name. Everybody else is, and
// nothing that is committed may be lost by it, as long as a majority of the voters have
// theirs: it does not vote for who it was.
func (c *Checker) Empties(node wire.NodeID) {
	d := c.disk(node)
	*d = disk{emptied: true, lost: append(d.lost, d.log)}
	c.terms.Forget(node)
	c.votes.Forget(node)
	c.snapshots.Forget(node)
}

// Opens is told which incarnation the disk of a node says that it is.
func (c *Checker) Opens(node wire.NodeID, incarnation wire.Incarnation) {
	c.disk(node).incarnation = incarnation
}

// IsMeant reports whether a node is the one that a membership means by its name, with the
// disk with which it became a voter.
func (c *Checker) IsMeant(m *wire.Membership, node wire.NodeID) bool {
	return c.disk(node).isMeant(m, node)
}

func (d *disk) isMeant(m *wire.Membership, node wire.NodeID) bool {
	meant := m.Incarnation(node)
	return meant == 0 || meant == d.incarnation
}

// KnowsGroup reports whether the disk of a node holds more than a group's first entry.
func (c *Checker) KnowsGroup(node wire.NodeID) bool { return c.disk(node).last() > 1 }
