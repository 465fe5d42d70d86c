// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"fmt"
	"io"
	"sync"

	"github.com/balsa-raft/raft"
)

// Machine is the state machine that keeps its state in memory. Apply, Snapshot and Restore are
// called by the group's applier alone; the other methods may be called from any goroutine.
type Machine struct {
	mu          sync.RWMutex
	memory      *memory
	interpreter *Interpreter
	halted      chan struct{}

	// inspecting lets one Summarize or Dump run at a time, so that their captures
	// cost memory once.
	inspecting sync.Mutex
}

var _ raft.Snapshotter = (*Machine)(nil)

// NewMachine returns an empty machine.
func NewMachine() *Machine {
	m := &Machine{memory: newMemory(), halted: make(chan struct{})}
	m.interpreter = NewInterpreter(m.memory, Moment{})
	return m
}

// Apply applies commands in order and returns for each the reply in the Redis
// protocol. The replies share memory with the state and with each other: they are
// to be read, not changed.
func (m *Machine) Apply(batch []raft.Entry) (replies [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	replies = make([][]byte, len(batch))
	was := m.interpreter.Err()
	for i := range batch {
		replies[i] = m.interpreter.Apply(&batch[i])
	}
	if was == nil && m.interpreter.Err() != nil {
		close(m.halted)
	}
	return replies
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
	return m.interpreter.Err()
}

// Snapshot captures the state, in the format of docs/formats-kv-snapshot.md. The call takes about
// a microsecond, whatever the state.
//
// An open capture keeps what it shares with the machine: what is changed meanwhile is
// held twice, the old and the new, which is at most one more state for each open capture. The first change of
// a key under a capture copies its item. All of that is garbage when the capture is closed.
//
// A machine that has halted makes no snapshots, because its state is not that of the log.
func (m *Machine) Snapshot() (io.ReadCloser, error) {
	if err := m.Err(); err != nil {
		return nil, fmt.Errorf("kv: snapshot of a halted machine: %w", err)
	}
	c := m.capture()
	return NewSnapshotReader(c.moment, uint64(c.order.Len()), newMemorySource(c)), nil
}

func (m *Machine) capture() *capture {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.memory.capture(m.interpreter.Moment())
}
