// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"sync"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// LaneBytesMax is how many encoded bytes may be under way from one node to
// another; beyond that Send refuses. A single message is taken by an empty lane
// however large it is.
const LaneBytesMax = 64 << 20

// Network connects the transports of the nodes of one process. All methods may be
// called from any goroutine and take effect at once, also on messages under way:
// what arrives while its path is cut is lost.
type Network struct {
	mu         sync.Mutex
	seed       uint64
	conditions Conditions
	silent     bool
	laneBytes  int
	paths      map[direction]*path
	isolated   map[wire.NodeID]bool
	nodes      map[wire.NodeID]*Transport // started and not closed
}

// NewNetwork returns a network without faults. Each path draws its chances from
// the seed in the order in which messages are sent on it.
func NewNetwork(seed uint64) *Network {
	return &Network{
		seed:      seed,
		laneBytes: LaneBytesMax,
		paths:     make(map[direction]*path),
		isolated:  make(map[wire.NodeID]bool),
		nodes:     make(map[wire.NodeID]*Transport),
	}
}

// Transport returns a new transport for the node. Once started it takes the place
// of the node's earlier one, which from then on neither sends nor receives; what
// is under way to the earlier one is lost.
func (n *Network) Transport(id wire.NodeID) *Transport {
	return &Transport{
		network: n,
		id:      id,
		stop:    make(chan struct{}),
		peers:   make(map[wire.NodeID]string),
		lanes:   make(map[wire.NodeID]*lane),
	}
}

// Cut separates two nodes in both directions.
func (n *Network) Cut(a, b wire.NodeID) { n.setCut(true, direction{a, b}, direction{b, a}) }

// CutOneWay loses what goes from one node to another, but not what comes back.
func (n *Network) CutOneWay(from, to wire.NodeID) { n.setCut(true, direction{from, to}) }

// Heal undoes Cut and CutOneWay between two nodes. It does not undo Isolate.
func (n *Network) Heal(a, b wire.NodeID) { n.setCut(false, direction{a, b}, direction{b, a}) }

func (n *Network) setCut(cut bool, directions ...direction) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range directions {
		n.path(d).cut = cut
	}
}

// Isolate separates a node from all others, those to come included.
func (n *Network) Isolate(id wire.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isolated[id] = true
}

// Rejoin undoes Isolate. Single cuts stay.
func (n *Network) Rejoin(id wire.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.isolated, id)
}

// HealAll undoes every cut and every isolation. Delays and chances stay.
func (n *Network) HealAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.isolated)
	for _, p := range n.paths {
		p.cut = false
	}
}

// SetConditions sets the conditions of all paths, and forgets those that
// SetLink set. SetConditions(Conditions{}) makes the network perfect but for cuts.
func (n *Network) SetConditions(c Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conditions = c
	for _, p := range n.paths {
		p.conditions = nil
	}
}

// SetLink sets the conditions of one direction between two nodes. They stand in
// place of the network's, as a whole, until SetConditions.
func (n *Network) SetLink(from, to wire.NodeID, c Conditions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.path(direction{from, to}).conditions = &c
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

// SetSilent sets whether losses by cuts and by closed transports are kept from the
// sender, as by a network that swallows packets: no unreachable callback is made.
func (n *Network) SetSilent(silent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent = silent
}

// SetLaneBytes sets, in place of LaneBytesMax, how many bytes may be under way
// from one node to another.
func (n *Network) SetLaneBytes(bytesMax int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.laneBytes = bytesMax
}

// Stats returns the sums of all paths since the network was made.
func (n *Network) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	var sum Stats
	for _, p := range n.paths {
		sum.add(p.stats)
	}
	return sum
}

// LinkStats returns the counts of one direction between two nodes.
func (n *Network) LinkStats(from, to wire.NodeID) Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.path(direction{from, to}).stats
}

// path returns the path and makes it if it is new. The caller holds mu.
func (n *Network) path(d direction) *path {
	p := n.paths[d]
	if p == nil {
		p = newPath(n.seed, d)
		n.paths[d] = p
	}
	return p
}

// isCut reports whether the path carries nothing now. The caller holds mu.
func (n *Network) isCut(d direction) bool {
	return n.path(d).cut || n.isolated[d.from] || n.isolated[d.to]
}
