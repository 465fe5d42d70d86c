// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"
	"errors"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/sim/safety"
)

// state is what the commands lead to: a checksum over all of them, and registers that they
// write. The last command is a part of it.
type state struct {
	command   raft.LogID
	chain     uint64
	registers [registers]register
	// print is a checksum over the registers, each of which can be taken out of it.
	print uint64
	// older is what the last command would have found a command earlier in its register. It is
	// not a part of the state.
	older uint64
}

// apply applies a command, and returns what was in its register before.
func (s *state) apply(id raft.LogID, op uint64) (before uint64) {
	s.command = id
	s.chain = (s.chain ^ op ^ uint64(id.Index)<<32) * 0x9e3779b97f4a7c15
	s.chain ^= s.chain >> 31
	r := &s.registers[op%registers]
	s.older = r.before
	s.print ^= r.print(op % registers)
	r.before, r.now = r.now, op
	s.print ^= r.print(op % registers)
	return r.before
}

// print is a checksum over a register, which has a number.
func (r register) print(number uint64) uint64 {
	h := (r.now ^ number<<56) * 0xd6e8feb86659fd93
	h = (h ^ h>>32 ^ r.before) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// sum is a checksum over the state.
func (s *state) sum() uint64 { return s.chain ^ s.print }

func (s *state) seen() safety.SnapshotState {
	return safety.SnapshotState{Command: s.command, Sum: s.sum()}
}

// stateBytes is the size of an encoded state without its padding.
const stateBytes = 8 * (3 + 2*registers)

// encode writes the state down, with so many bytes more, which follow from it.
func (s *state) encode(padding int) []byte {
	buf := make([]byte, 0, stateBytes+padding+8)
	for _, x := range []uint64{uint64(s.command.Term), uint64(s.command.Index), s.chain} {
		buf = binary.LittleEndian.AppendUint64(buf, x)
	}
	for _, r := range s.registers {
		buf = binary.LittleEndian.AppendUint64(buf, r.now)
		buf = binary.LittleEndian.AppendUint64(buf, r.before)
	}
	for x := s.sum() | 1; len(buf) < stateBytes+padding; {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		buf = binary.LittleEndian.AppendUint64(buf, x)
	}
	return buf[:stateBytes+padding]
}

var errNoState = errors.New("sim: this is no state")

// decodeState reads what encode has written. That it was nothing else is checked to the last byte.
func decodeState(data []byte) (s state, err error) {
	if len(data) < stateBytes {
		return state{}, errNoState
	}
	next := func(at int) uint64 { return binary.LittleEndian.Uint64(data[8*at:]) }
	s.command, s.chain = raft.LogID{Term: raft.Term(next(0)), Index: raft.Index(next(1))}, next(2)
	for i := range s.registers {
		s.registers[i] = register{now: next(3 + 2*i), before: next(4 + 2*i)}
		s.print ^= s.registers[i].print(uint64(i))
	}
	s.print ^= emptyPrint
	if string(s.encode(len(data)-stateBytes)) != string(data) {
		return state{}, errNoState
	}
	return s, nil
}

// emptyPrint is that of registers in which nothing is, which counts as zero.
var emptyPrint = func() (sum uint64) {
	for i := range uint64(registers) {
		sum ^= register{}.print(i)
	}
	return sum
}()
