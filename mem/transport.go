// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"errors"
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// ErrClosed is returned by Start on a transport that was closed or started before.
var ErrClosed = errors.New("mem: transport closed or already started")

// Transport is one node's end of a Network. It satisfies the Transport interface
// of package raft. It has one goroutine for each lane of a peer that it ever sent to,
// which begins with the first message and ends with Close.
type Transport struct {
	network *Network
	id      wire.NodeID
	stop    chan struct{} // closed when the transport is

	// Set by Start, before any goroutine reads them.
	deliver     func(from wire.NodeID, batch []wire.Envelope)
	unreachable func(peer wire.NodeID)

	// The network's mutex guards these.
	started, closed bool
	peers           map[wire.NodeID]string // addresses: kept, but a node is found by its ID
	lanes           map[route]*lane

	// sending counts the goroutines of the lanes, receiving the calls of deliver
	// that lanes of other transports make. Both grow only while not closed.
	sending, receiving sync.WaitGroup
}

// Start begins to deliver; see raft.Transport. The callbacks must not close the
// transport.
func (t *Transport) Start(deliver func(from wire.NodeID, batch []wire.Envelope), unreachable func(peer wire.NodeID)) error {
	t.network.mu.Lock()
	defer t.network.mu.Unlock()
	if t.started || t.closed {
		return ErrClosed
	}
	if earlier := t.network.nodes[t.id]; earlier != nil {
		earlier.retire()
	}
	t.started, t.deliver, t.unreachable = true, deliver, unreachable
	t.network.nodes[t.id] = t
	return nil
}

// Connect makes the peer known, so that messages can be sent to it. The address
// has no meaning in this network: peers are found by their IDs.
func (t *Transport) Connect(peer wire.NodeID, address string) {
	t.network.mu.Lock()
	defer t.network.mu.Unlock()
	if peer != t.id {
		t.peers[peer] = address
	}
}

// Send encodes the message and puts it on its way. It returns false if this
// transport is not running, if the peer is not known or has no running transport,
// or if its lane is full. A message for a cut path is taken, and lost.
func (t *Transport) Send(to wire.NodeID, envelope wire.Envelope) bool {
	encoded := wire.AppendEnvelope(make([]byte, 0, envelope.Size()), envelope)
	n := t.network
	n.mu.Lock()
	defer n.mu.Unlock()
	r := route{direction{t.id, to}, wire.IsBulk(envelope.Message)}
	path := n.path(r)
	if !t.send(r, encoded, path) {
		path.stats.Refused++
		return false
	}
	path.stats.Sent++
	return true
}

func (t *Transport) send(r route, encoded []byte, path *path) bool {
	if _, known := t.peers[r.to]; !known || t.closed || !t.started {
		return false
	}
	lane := t.lane(r)
	receiver := t.network.nodes[r.to]
	switch {
	case receiver == nil:
		lane.reportLoss()
		return false
	case t.network.isCut(r):
		path.stats.Dropped++
		lane.reportLoss()
		return true
	}
	if _, known := receiver.peers[t.id]; !known {
		receiver.peers[t.id] = "" // Who is contacted may answer; see raft.Transport.
	}
	return lane.enqueue(encoded, receiver, path)
}

// lane returns the lane of a route, and starts it if it is new. The caller holds
// the network's mutex.
func (t *Transport) lane(r route) *lane {
	l := t.lanes[r]
	if l == nil {
		l = &lane{sender: t, route: r, wake: make(chan struct{}, 1)}
		t.lanes[r] = l
		t.sending.Go(l.run)
	}
	return l
}

// Close ends the transport and returns when none of its callbacks runs any more.
// What it sent and is still under way is lost, and so is what is under way to it.
func (t *Transport) Close() error {
	t.network.mu.Lock()
	t.retire()
	t.network.mu.Unlock()
	t.sending.Wait()
	t.receiving.Wait()
	return nil
}

// retire takes the transport off the network without waiting. The caller holds
// the network's mutex.
func (t *Transport) retire() {
	if t.closed {
		return
	}
	t.closed = true
	close(t.stop)
	if t.network.nodes[t.id] == t {
		delete(t.network.nodes, t.id)
	}
	for r, l := range t.lanes {
		l.abandon(t.network.path(r))
	}
}
