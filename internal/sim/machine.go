// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/sim/safety"
)

// machine is the state machine of a process: a checksum over all commands, and registers
// that commands write. Each command returns both.
type machine struct {
	n         *node
	life      int
	state     uint64
	registers [registers]register
}

// Apply is raft.StateMachine's.
func (m *machine) Apply(batch []raft.Entry) [][]byte {
	m.n.did++
	values := make([][]byte, len(batch))
	for i, e := range batch {
		op := opOf(e.Data)
		m.state = (m.state ^ op ^ uint64(e.Index)<<32) * 0x9e3779b97f4a7c15
		m.state ^= m.state >> 31
		value := m.n.w.plant.value(m, m.state)
		m.n.w.check.Applies(m.n.id, e.Index, safety.Applied{Term: e.Term, Op: op, Value: value})
		values[i] = binary.LittleEndian.AppendUint64(make([]byte, 0, valueBytes), value)
		values[i] = binary.LittleEndian.AppendUint64(values[i], m.swap(op))
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
