// SPDX-License-Identifier: Apache-2.0

package raft

import "github.com/balsa-raft/raft/wire"

// Transport carries messages between nodes. Package tcp has the real one, package
// mem one for tests. It may lose, and between two connections reorder or repeat,
// messages; it must not change or invent them, nor deliver those of another
// cluster or under a wrong sender. All methods may be called from any goroutine.
//
// There are two lanes to each peer: one for bulk messages, which wire.IsBulk tells, and
// the main lane for all others. Neither waits for the other, so that no heartbeat is
// behind a snapshot, and messages of different lanes have no order among themselves.
type Transport interface {
	// Start begins to deliver. The transport calls deliver with messages of one lane
	// of one peer in the order they were sent; it may call it for several peers, and
	// for both lanes of a peer, at once. It calls unreachable when a connection to a
	// peer broke or could not be made, so that messages sent before may be lost. That
	// is about the main lane only: bulk messages may be lost without anybody being told,
	// and who wants them asks again. Neither function blocks, and both may be called
	// until Close has returned. The batch is the callee's; the bytes that its messages
	// alias are never reused.
	Start(deliver func(from NodeID, batch []wire.Envelope), unreachable func(peer NodeID)) error

	// Connect tells where a peer is. It replaces what was said of the peer before;
	// the address is resolved anew at each connection. It does not wait. A peer
	// that has sent something to this node is known without it: a node that does
	// not know its group yet must be able to answer. A node is no peer of its own.
	Connect(peer NodeID, address string)

	// Send queues a message for a peer, in its lane, and does not wait. It returns false
	// if the message was dropped, because the peer is not known or that lane is full.
	// The message must not be changed afterwards.
	Send(to NodeID, envelope wire.Envelope) bool

	// Close ends all connections and returns when no callback runs any more. The
	// library does not call it: who opened the transport closes it, after the node.
	Close() error
}
