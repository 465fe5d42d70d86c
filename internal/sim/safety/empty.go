// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

// IsSpare reports whether a member might lose its disk, and come back under its old name,
// without a promise being broken. Without incarnations nobody can tell such a member from
// one that is merely behind, so this is not a promise of the library but a condition under
// which forgetting is harmless:
//
//   - A quorum of others holds everything it ever acknowledged. Two quorums of voters
//     have a member in common, and one with the forgetful member and one without it have
//     another one; so whoever is elected with its vote has also that of somebody who holds
//     everything.
//   - A quorum of others is beyond its term, or in its term with the same vote, which is
//     not for itself. So nobody else is elected in a term in which it votes once more.
func (c *Checker) IsSpare(node wire.NodeID) bool {
	d := c.disk(node)
	holders, bound := 0, 0
	for i := range c.disks {
		other := &c.disks[i]
		if other == d {
			continue
		}
		if other.at(d.last()) == d.at(d.last()) {
			holders++
		}
		if other.hard.Term > d.hard.Term || other.hard.Term == d.hard.Term && (d.hard.Vote == 0 || other.hard.Vote == d.hard.Vote) {
			bound++
		}
	}
	quorum := len(c.disks)/2 + 1
	return holders >= quorum && bound >= quorum && d.hard.Vote != node
}

// Empties is told that a member has lost its disk. Whatever it does from now on, it is not
// held to what it did before; everybody else is.
func (c *Checker) Empties(node wire.NodeID) {
	*c.disk(node) = disk{emptied: true}
	c.terms.Forget(node)
	c.votes.Forget(node)
	c.snapshots.Forget(node)
}

// Lags reports whether a member's disk lacks something that is committed.
func (c *Checker) Lags(node wire.NodeID) bool { return !c.committed.isIn(c.disk(node)) }
