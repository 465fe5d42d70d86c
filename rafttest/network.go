// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// Network returns the network, to be slowed, made lossy or looked at. Cuts that are
// made there and by the cluster are the same ones.
func (c *Cluster) Network() *mem.Network { return c.network }

// Isolate separates a member from all others, in both directions.
func (c *Cluster) Isolate(id raft.NodeID) { c.network.Isolate(id) }

// Rejoin undoes Isolate.
func (c *Cluster) Rejoin(id raft.NodeID) { c.network.Rejoin(id) }

// Cut separates two members from each other, in both directions.
func (c *Cluster) Cut(a, b raft.NodeID) { c.network.Cut(a, b) }

// CutOneWay loses what goes from one member to another, but not what comes back.
func (c *Cluster) CutOneWay(from, to raft.NodeID) { c.network.CutOneWay(from, to) }

// Partition separates all members of one side from all that are not, and undoes
// the cuts within each side.
func (c *Cluster) Partition(side ...raft.NodeID) {
	inSide := map[raft.NodeID]bool{}
	for _, id := range side {
		inSide[id] = true
	}
	for _, a := range c.IDs() {
		for _, b := range c.IDs() {
			switch {
			case a >= b:
			case inSide[a] == inSide[b]:
				c.network.Heal(a, b)
			default:
				c.network.Cut(a, b)
			}
		}
	}
}

// Heal undoes every cut and isolation, and makes the network perfect: no delays, no
// losses, and nothing kept from the senders. Members that are down stay so.
func (c *Cluster) Heal() {
	c.network.HealAll()
	c.network.SetConditions(mem.Conditions{})
	c.network.SetSilent(false)
}
