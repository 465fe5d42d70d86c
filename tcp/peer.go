// SPDX-License-Identifier: Apache-2.0

package tcp

import "github.com/balsa-raft/raft/wire"

// peer is a node that this one sends to. It has a connection for each lane, and
// none of them waits for the other.
type peer struct{ main, bulk *link }

func newPeer(t *Transport, id wire.NodeID, address string) *peer {
	return &peer{main: newLink(t, id, laneMain, address), bulk: newLink(t, id, laneBulk, address)}
}

// link returns what carries the message.
func (p *peer) link(message wire.Message) *link {
	if wire.IsBulk(message) {
		return p.bulk
	}
	return p.main
}

// links returns all of them.
func (p *peer) links() [2]*link { return [2]*link{p.main, p.bulk} }

// setAddress replaces the peer's address, and with it the connections.
func (p *peer) setAddress(address string) {
	for _, l := range p.links() {
		l.setAddress(address)
	}
}

// isBack ends the waits between two attempts to connect.
func (p *peer) isBack() {
	for _, l := range p.links() {
		if !l.lane.isOpen() {
			l.retryNow()
		}
	}
}
