// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/sim/safety"
)

// machine is the state machine of a process. Each command returns a checksum over all
// commands, and what was in its register.
type machine struct {
	n    *node
	life int
	state
}

var _ raft.Snapshotter = (*machine)(nil)

// Apply is raft.StateMachine's.
func (m *machine) Apply(batch []raft.Entry) [][]byte {
	values, space := make([][]byte, len(batch)), make([]byte, 0, len(batch)*valueBytes)
	for i, e := range batch {
		op := opOf(e.Data)
		before := m.forgets(op, m.state.apply(e.ID(), op))
		value := m.n.w.plant.value(m, m.chain)
		m.n.w.check.Applies(m.n.id, e.Index, safety.Applied{Term: e.Term, Op: op, Value: value, State: m.sum()})
		space = binary.LittleEndian.AppendUint64(space, value)
		space = binary.LittleEndian.AppendUint64(space, before)
		values[i] = space[i*valueBytes : len(space) : len(space)]
	}
	return values
}

// valueBytes is the size of what a command returns.
const valueBytes = 16

// opOf returns the number of the operation that a command is.
func opOf(command []byte) uint64 {
	if len(command) < opBytes {
		return 0
	}
	return binary.LittleEndian.Uint64(command)
}

// Snapshot is raft.Snapshotter's.
func (m *machine) Snapshot() (io.ReadCloser, error) {
	s := m.state
	if change := m.n.w.plant.capture; change != nil {
		change(&s)
	}
	return io.NopCloser(bytes.NewReader(s.encode(m.n.w.plan.snapshots.padding))), nil
}

// Restore is raft.Snapshotter's. What it reads has been verified, so it must be a state.
func (m *machine) Restore(r io.Reader) error {
	m.n.interleave()
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("sim: read a snapshot: %w", err)
	}
	s, err := decodeState(data)
	if err != nil {
		m.n.w.check.Report(&safety.Violation{Invariant: "I14 snapshot equivalence", Detail: fmt.Sprintf("node %d is to restore %d bytes: %v", m.n.id, len(data), err)})
		return err
	}
	m.state = s
	m.n.w.check.Resumes(m.n.id, s.seen())
	m.n.restored()
	return nil
}
