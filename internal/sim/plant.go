// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"github.com/balsa-raft/raft"
)

// plant is a fault that tests put into what the simulator trusts, to see that it is
// found. The zero plant changes nothing.
type plant struct {
	store  func(n *node, honest raft.LogStore) raft.LogStore
	net    func(n *node, honest raft.Transport) raft.Transport
	apply  func(m *machine, value uint64) uint64
	answer func(op uint64, err error) error
	shelf  func(n *node, honest raft.SnapshotStore) raft.SnapshotStore
	// capture changes the state that is captured; unsynced makes a state machine that keeps
	// its state say that it is durable when it is not.
	capture  func(s *state)
	unsynced bool
}

func (p *plant) logStore(n *node, honest raft.LogStore) raft.LogStore {
	if p.store == nil {
		return honest
	}
	return p.store(n, honest)
}

func (p *plant) network(n *node, honest raft.Transport) raft.Transport {
	if p.net == nil {
		return honest
	}
	return p.net(n, honest)
}

func (p *plant) value(m *machine, value uint64) uint64 {
	if p.apply == nil {
		return value
	}
	return p.apply(m, value)
}

func (p *plant) snapshotStore(n *node, honest raft.SnapshotStore) raft.SnapshotStore {
	if p.shelf == nil {
		return honest
	}
	return p.shelf(n, honest)
}

func (p *plant) outcome(op uint64, err error) error {
	if p.answer == nil {
		return err
	}
	return p.answer(op, err)
}
