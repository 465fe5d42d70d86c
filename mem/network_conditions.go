// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"time"

	"github.com/balsa-raft/raft/wire"
)

// SetConditions sets the conditions of all paths, and forgets those that SetLink,
// SetBulk and SetBulkLink set. SetConditions(Conditions{}) makes the network perfect
// but for cuts.
func (n *Network) SetConditions(c Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conditions, n.bulk = c, nil
	for _, p := range n.paths {
		p.conditions = nil
	}
}

// SetLink sets the conditions of one direction between two nodes. They stand in
// place of the network's, as a whole, until SetConditions. They hold for bulk messages,
// too, unless there is something special for those.
func (n *Network) SetLink(from, to wire.NodeID, c Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.path(route{direction{from, to}, false}).conditions = &c
}

// SetBulk sets the conditions of all bulk messages. They stand in place of those that hold
// for others, as a whole, until SetConditions; without them, the same hold for all.
func (n *Network) SetBulk(c Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bulk = &c
}

// SetBulkLink does what SetBulk does for one direction between two nodes, and takes
// precedence over it.
func (n *Network) SetBulkLink(from, to wire.NodeID, c Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.path(route{direction{from, to}, true}).conditions = &c
}

// SetDelay sets the network's bounds of the delay, and nothing else of its conditions.
func (n *Network) SetDelay(delayMin, delayMax time.Duration) {
	n.change(func(c *Conditions) { c.DelayMin, c.DelayMax = delayMin, delayMax })
}

// SetDropRate sets the network's probability of loss, from 0 to 1.
func (n *Network) SetDropRate(rate float64) { n.change(func(c *Conditions) { c.DropRate = rate }) }

// SetDuplicateRate sets the network's probability of repetition, from 0 to 1.
func (n *Network) SetDuplicateRate(rate float64) {
	n.change(func(c *Conditions) { c.DuplicateRate = rate })
}

// SetReorder sets whether messages of the network may overtake each other.
func (n *Network) SetReorder(reorder bool) { n.change(func(c *Conditions) { c.Reorder = reorder }) }

func (n *Network) change(set func(*Conditions)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	set(&n.conditions)
}

// conditionsOf returns what holds for a route. The caller holds mu.
func (n *Network) conditionsOf(r route) *Conditions {
	if own := n.path(r).conditions; own != nil {
		return own
	}
	if r.bulk && n.bulk != nil {
		return n.bulk
	}
	if link := n.path(route{r.direction, false}).conditions; link != nil {
		return link
	}
	return &n.conditions
}
