// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// LaneBytesMax is how many encoded bytes may be under way from one node to
// another; beyond that Send refuses. A single message is taken by an empty lane
// however large it is. BulkLaneBytesMax is the same for bulk messages, see wire.IsBulk,
// which have lanes of their own.
const (
	LaneBytesMax     = 64 << 20
	BulkLaneBytesMax = 8 << 20
)

// Network connects the transports of the nodes of one process. All methods may be
// called from any goroutine and take effect at once, also on messages under way:
// what arrives while its path is cut is lost.
type Network struct {
	mu            sync.Mutex
	seed          uint64
	conditions    Conditions
	bulk          *Conditions // of bulk messages, nil where those of the others apply
	silent        bool
	laneBytes     int
	bulkLaneBytes int
	paths         map[route]*path
	isolated      map[wire.NodeID]bool
	nodes         map[wire.NodeID]*Transport // started and not closed
}

// NewNetwork returns a network without faults. Each path draws its chances from
// the seed in the order in which messages are sent on it.
func NewNetwork(seed uint64) *Network {
	return &Network{
		seed:          seed,
		laneBytes:     LaneBytesMax,
		bulkLaneBytes: BulkLaneBytesMax,
		paths:         make(map[route]*path),
		isolated:      make(map[wire.NodeID]bool),
		nodes:         make(map[wire.NodeID]*Transport),
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
		lanes:   make(map[route]*lane),
	}
}

// Cut separates two nodes in both directions.
func (n *Network) Cut(a, b wire.NodeID) { n.setCut(true, append(lanes(a, b), lanes(b, a)...)) }

// CutOneWay loses what goes from one node to another, but not what comes back.
func (n *Network) CutOneWay(from, to wire.NodeID) { n.setCut(true, lanes(from, to)) }

// CutBulk loses the bulk messages, and no others, that go from one node to another.
func (n *Network) CutBulk(from, to wire.NodeID) {
	n.setCut(true, []route{{direction{from, to}, true}})
}

// Heal undoes Cut, CutOneWay and CutBulk between two nodes. It does not undo Isolate.
func (n *Network) Heal(a, b wire.NodeID) { n.setCut(false, append(lanes(a, b), lanes(b, a)...)) }

// lanes returns the routes from one node to another.
func lanes(from, to wire.NodeID) []route {
	return []route{{direction{from, to}, false}, {direction{from, to}, true}}
}

func (n *Network) setCut(cut bool, routes []route) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range routes {
		n.path(r).cut = cut
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

// SetSilent sets whether losses by cuts and by closed transports are kept from the
// sender, as by a network that swallows packets: no unreachable callback is made.
func (n *Network) SetSilent(silent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent = silent
}

// SetLaneBytes sets, in place of LaneBytesMax, how many bytes may be under way
// from one node to another, bulk messages aside.
func (n *Network) SetLaneBytes(bytesMax int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.laneBytes = bytesMax
}

// SetBulkLaneBytes sets, in place of BulkLaneBytesMax, how many bytes of bulk messages may
// be under way from one node to another.
func (n *Network) SetBulkLaneBytes(bytesMax int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bulkLaneBytes = bytesMax
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
	sum := n.path(route{direction{from, to}, false}).stats
	sum.add(n.path(route{direction{from, to}, true}).stats)
	return sum
}

// BulkStats returns the part of LinkStats that is about bulk messages.
func (n *Network) BulkStats(from, to wire.NodeID) Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.path(route{direction{from, to}, true}).stats
}

// path returns the path of a route and makes it if it is new. The caller holds mu.
func (n *Network) path(r route) *path {
	p := n.paths[r]
	if p == nil {
		p = newPath(n.seed, r)
		n.paths[r] = p
	}
	return p
}

// isCut reports whether a route carries nothing now. The caller holds mu.
func (n *Network) isCut(r route) bool {
	return n.path(r).cut || n.isolated[r.from] || n.isolated[r.to]
}
