// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// transport is a process's access to the network.
type transport struct {
	n           *node
	life        int
	deliver     func(from raft.NodeID, batch []wire.Envelope)
	unreachable func(peer raft.NodeID)
	// known are the peers whose address is known, by ID.
	known [nodesMax + 1]bool
}

// nodesMax bounds a cluster.
const nodesMax = 7

var _ raft.Transport = (*transport)(nil)

// Start is raft.Transport's.
func (t *transport) Start(deliver func(raft.NodeID, []wire.Envelope), unreachable func(raft.NodeID)) error {
	t.deliver, t.unreachable = deliver, unreachable
	return nil
}

// Connect is raft.Transport's.
func (t *transport) Connect(peer raft.NodeID, _ string) {
	if peer <= nodesMax {
		t.known[peer] = true
	}
}

// Send is raft.Transport's.
func (t *transport) Send(to raft.NodeID, envelope wire.Envelope) bool {
	if t.life != t.n.life || to > nodesMax {
		return false
	}
	t.n.w.check.Sends(t.n.id, to, envelope.Message)
	sent := t.known[to] && t.n.w.net.send(t.n.id, to, envelope)
	if chunk, ok := envelope.Message.(*wire.SnapshotChunk); ok && sent && chunk.Status == wire.ChunkData {
		t.n.w.sendsChunk(t.n.id, to)
	}
	return sent
}

// Close is raft.Transport's, and not called.
func (t *transport) Close() error { return nil }

// arrives delivers a message.
func (t *transport) arrives(from wire.NodeID, envelope wire.Envelope) {
	t.known[from] = true
	t.n.w.check.Arrives(from, t.n.id, envelope.Message)
	t.deliver(from, []wire.Envelope{envelope})
	t.n.listen()
}

// lost tells that the connection to a peer broke.
func (t *transport) lost(peer wire.NodeID) {
	t.unreachable(peer)
	t.n.listen()
}
