// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"sync"

	"github.com/balsa-raft/raft"
)

// Machine is the state machine. Apply is called by the group's applier alone; the
// other methods may be called from any goroutine.
type Machine struct {
	mu    sync.RWMutex
	store store
	// clock is the highest Now of all commands applied, in Unix milliseconds: the
	// time that expiry goes by.
	clock   int64
	applied raft.Index

	// command and arena are Apply's working space.
	command Command
	arena   []byte

	halt   error
	halted chan struct{}
}

var _ raft.StateMachine = (*Machine)(nil)

// NewMachine returns an empty machine.
func NewMachine() *Machine {
	return &Machine{store: newStore(), halted: make(chan struct{})}
}

// Apply applies commands in order and returns for each the reply in the Redis
// protocol. The replies share memory with the store and with each other: they are
// to be read, not changed.
func (m *Machine) Apply(batch []raft.Entry) (replies [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	replies = make([][]byte, len(batch))
	for i := range batch {
		replies[i] = m.applyEntry(&batch[i])
	}
	return replies
}

func (m *Machine) applyEntry(entry *raft.Entry) []byte {
	if m.halt != nil {
		return replyHalted
	}
	if err := m.command.Decode(entry.Data); err != nil {
		m.stop(err)
		return replyHalted
	}
	m.applied = entry.Index
	m.clock = max(m.clock, m.command.Now)
	m.evict(evictionsPerCommand)
	return operations[m.command.Op].apply(m, &m.command)
}

// stop freezes the state. A command that this version cannot read was written by a
// newer one: to skip it would make this member's state differ from the others'.
func (m *Machine) stop(err error) {
	m.halt = err
	close(m.halted)
}

// Halted is closed when the machine has met a command that it cannot apply. Its
// state then stays as it was before that command, and every later command gets an
// error as its reply.
func (m *Machine) Halted() <-chan struct{} { return m.halted }

// Err returns why the machine has halted, nil while it has not. The error wraps
// ErrUnsupported or ErrMalformed.
func (m *Machine) Err() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.halt
}

// evict frees up to limit expired items.
func (m *Machine) evict(limit int) {
	for range limit {
		if len(m.store.expiries) == 0 || !m.isExpired(m.store.expiries[0]) {
			return
		}
		m.store.remove(m.store.expiries[0])
	}
}

func (m *Machine) isExpired(i *item) bool { return i.expireAt != 0 && i.expireAt <= m.clock }

// find returns the item of a key, nil if there is none that has not expired.
func (m *Machine) find(key []byte) *item {
	i := m.store.byKey[string(key)]
	if i == nil || !m.isExpired(i) {
		return i
	}
	m.store.remove(i)
	return nil
}
