// SPDX-License-Identifier: Apache-2.0

package node

import "github.com/balsa-raft/raft"

// routed is a transport that connects to some peers elsewhere than the membership says.
type routed struct {
	raft.Transport
	addresses map[raft.NodeID]string
}

// newRouted returns the transport with the addresses in force. The peers that have one
// are known to it from the beginning, so that none of them is answered at the address
// that it gives itself when it connects first.
func newRouted(transport raft.Transport, addresses map[raft.NodeID]string) raft.Transport {
	for peer, address := range addresses {
		transport.Connect(peer, address)
	}
	return routed{transport, addresses}
}

// Connect tells where a peer is; an empty address, which ends a connection, ends it.
func (r routed) Connect(peer raft.NodeID, address string) {
	if elsewhere := r.addresses[peer]; elsewhere != "" && address != "" {
		address = elsewhere
	}
	r.Transport.Connect(peer, address)
}
