// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// Machine is the state machine. Apply, Snapshot, Restore, LastApplied and Sync are called by
// the group's applier alone, and Close after it has ended; the other methods may be
// called from any goroutine.
type Machine struct {
	options Options
	dir     string
	halted  chan struct{}

	// What follows is the applier's.
	store       *store
	interpreter *kv.Interpreter
	generations uint64 // the highest number that a generation has had
	// doubtful is the number of a database that CURRENT may name after a crash, because to
	// write it there has failed half-way. Zero if there is none.
	doubtful uint64

	// mu guards what others read; it is never held for as long as the disk takes.
	mu      sync.Mutex
	current *generation // nil once the machine is closed
	moment  kv.Moment
	keys    int
	err     error

	// inspecting lets one Summarize or WriteDump run at a time.
	inspecting sync.Mutex
}

var _ raft.DurableStateMachine = (*Machine)(nil)

// Errors of a machine.
var (
	// ErrClosed means that the machine has been closed.
	ErrClosed = errors.New("lsm: machine is closed")
	// ErrOrder means that a command has been applied already. It halts the machine.
	ErrOrder = errors.New("lsm: command is not above the last one applied")
)

// Open opens the machine whose state is in a folder, or makes both. The folder is locked
// until the machine is closed.
func Open(dir string, options Options) (*Machine, error) {
	m := &Machine{options: options.withDefaults(), dir: dir, halted: make(chan struct{})}
	g, err := m.open()
	if err != nil {
		return nil, err
	}
	moment, items, err := readMeta(g.db)
	if err == nil {
		err = removeLeftovers(&m.options, dir, g.number)
	}
	if err != nil {
		return nil, errors.Join(err, g.release())
	}
	m.adopt(g, moment, items)
	return m, nil
}

// open opens the database that holds the state.
func (m *Machine) open() (*generation, error) {
	if err := makeDir(&m.options, m.dir); err != nil {
		return nil, err
	}
	number, err := readCurrent(&m.options, m.dir)
	if err != nil {
		return nil, err
	}
	isNew := number == 0
	if isNew {
		number = 1
	}
	g, err := openGeneration(&m.options, m.dir, number)
	if err != nil || !isNew {
		return g, err
	}
	if _, err := writeCurrent(&m.options, m.dir, number); err != nil {
		return nil, errors.Join(err, g.release())
	}
	return g, nil
}

// adopt makes a generation the machine's, and returns the one before.
func (m *Machine) adopt(g *generation, moment kv.Moment, items int) (before *generation) {
	m.store = &store{db: g.db, items: items}
	m.interpreter = kv.NewInterpreter(m.store, moment)
	m.generations = max(m.generations, g.number)
	m.mu.Lock()
	defer m.mu.Unlock()
	before, m.current = m.current, g
	m.moment, m.keys = moment, items
	return before
}

// Apply applies commands in order and returns for each the reply in the Redis protocol.
// The replies are to be read, not changed.
func (m *Machine) Apply(batch []raft.Entry) (replies [][]byte) {
	replies = make([][]byte, len(batch))
	if err := m.Err(); err != nil && m.interpreter.Err() == nil {
		m.interpreter.Fail(err) // Summarize or WriteDump could not read.
	}
	m.store.begin()
	for i := range batch {
		if m.interpreter.Err() == nil && batch[i].Index <= m.interpreter.Moment().Applied.Index {
			m.interpreter.Fail(fmt.Errorf("%w: entry %d after %d", ErrOrder, batch[i].Index, m.interpreter.Moment().Applied.Index))
		}
		replies[i] = m.interpreter.Apply(&batch[i])
	}
	if m.store.err == nil {
		m.store.commit(m.interpreter.Moment())
	} else {
		m.store.drop()
	}
	if m.store.err != nil {
		reply := m.interpreter.Fail(fmt.Errorf("lsm: apply: %w", m.store.err))
		for i := range replies {
			replies[i] = reply // The batch is lost as a whole.
		}
	}
	m.publish()
	return replies
}

// publish shows the others what has been applied.
func (m *Machine) publish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.interpreter.Err(); err != nil {
		m.haltLocked(err)
	}
	if m.store.err == nil {
		m.moment, m.keys = m.interpreter.Moment(), m.store.items
	}
}

// halt halts the machine on behalf of others than the applier.
func (m *Machine) halt(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.haltLocked(err)
}

func (m *Machine) haltLocked(err error) {
	if m.err == nil {
		m.err = err
		close(m.halted)
	}
}

// LastApplied returns the LogID of the last command in the state.
func (m *Machine) LastApplied() (raft.LogID, error) {
	if err := m.Err(); err != nil {
		return raft.LogID{}, err
	}
	return m.interpreter.Moment().Applied, nil
}

// Sync makes everything that has been applied durable.
func (m *Machine) Sync() error {
	if err := m.Err(); err != nil {
		return fmt.Errorf("lsm: sync a halted machine: %w", err)
	}
	if err := m.store.db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("lsm: sync: %w", err)
	}
	return nil
}

// Halted is closed when the machine has met a command that it cannot apply, or cannot
// read its state. The state on disk then stays as it was before that command, and
// every later command gets an error as its reply.
func (m *Machine) Halted() <-chan struct{} { return m.halted }

// Err returns why the machine has halted, nil while it has not. The error wraps
// kv.ErrUnsupported, kv.ErrMalformed, ErrOrder, ErrMalformed or one of Pebble.
func (m *Machine) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Applied returns the index of the last command applied.
func (m *Machine) Applied() raft.Index {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.moment.Applied.Index
}

// Keys returns the number of keys, also those that have expired and were not deleted yet.
func (m *Machine) Keys() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys
}

// Close makes what has been applied durable and closes the database, once the last capture is
// closed as well.
func (m *Machine) Close() error {
	m.mu.Lock()
	g := m.current
	m.current = nil
	m.mu.Unlock()
	if g == nil {
		return nil
	}
	return errors.Join(m.Sync(), g.release())
}
