// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"encoding/binary"

	"github.com/balsa-raft/raft/wire"
)

// What is counted against the bounds.
const (
	forTimeout = iota
	forStepDown
	forHeartbeat
	forProposal
	forDuplicate
	forDrop
	forUnreachable
	forCrash
	budgets
)

// budget is what is left of each.
type budget [budgets]uint8

func (b budget) number() uint64 { return binary.LittleEndian.Uint64(b[:]) }

func (b budget) hash() hash {
	n := b.number()
	return hash{stir(n), stir(^n)}
}

// costs is the budget that something is counted against, or none.
var costs = [kinds]int{
	deliver: -1, deliverLate: -1, duplicate: forDuplicate, duplicateLate: forDuplicate, drop: forDrop, timeout: forTimeout,
	stepDown: forStepDown, heartbeat: forHeartbeat, tellNews: -1, propose: forProposal, endWrite: -1,
	unreachable: forUnreachable, crash: forCrash,
}

func (b Bounds) budget() budget {
	var left budget
	for of, n := range map[int]int{
		forTimeout: b.Timeouts, forStepDown: b.StepDowns, forHeartbeat: b.Heartbeats, forProposal: b.Proposals,
		forDuplicate: b.Duplicates, forDrop: b.Drops, forUnreachable: b.Unreachables, forCrash: b.Crashes,
	} {
		left[of] = uint8(n)
	}
	return left
}

// state is one of the world: all numbers, most of which many states share.
type state struct {
	nodes   []uint32 // the local of each member
	history uint32
	left    budget
	// messages are those under way, in ascending order.
	messages []uint32
}

// appendTo appends the state as numbers, the first of which says how many follow.
func (s *state) appendTo(record []uint32) []uint32 {
	left := s.left.number()
	record = append(record, uint32(len(s.nodes)+3+len(s.messages)))
	record = append(record, s.nodes...)
	record = append(record, s.history, uint32(left), uint32(left>>32))
	return append(record, s.messages...)
}

// read takes the state from the front of records, and returns the rest. The state
// shares the records' memory.
func (s *state) read(records []uint32, nodes int) (rest []uint32) {
	record, rest := records[1:1+records[0]], records[1+records[0]:]
	s.nodes, record = record[:nodes:nodes], record[nodes:]
	s.history = record[0]
	binary.LittleEndian.PutUint64(s.left[:], uint64(record[1])|uint64(record[2])<<32)
	s.messages = record[3:]
	return rest
}

// sums hashes the state under each renaming.
func (m *model) sums(s *state, sums []hash) {
	for i := range sums {
		sum := s.left.hash().plus(m.histories.at(s.history).hashes[i])
		for _, n := range s.nodes {
			sum = sum.plus(m.locals.at(n).hashes[i])
		}
		for _, n := range s.messages {
			sum = sum.plus(m.messages.at(n).hashes[i])
		}
		sums[i] = sum
	}
}

// initial is the state in which all behaviours begin.
func (m *model) initial() *state {
	s := &state{left: m.bounds.budget()}
	for i, disk := range m.bounds.disks() {
		l := m.boot(nodeAt(i), disk)
		l.settle()
		s.nodes = append(s.nodes, m.internLocal(l))
	}
	s.history = m.internHistory(newHistory(m.bounds))
	return s
}

// disks are what the members begin with.
func (b Bounds) disks() []image {
	disks := make([]image, b.Nodes)
	term := wire.Term(1)
	for i := range disks {
		disks[i].log = []slot{{term: 1, kind: wire.EntryMembership}}
		if len(b.Logs) > 0 {
			for _, t := range b.Logs[i][1:] {
				disks[i].log = append(disks[i].log, slot{term: t, kind: wire.EntryBlank})
				term = max(term, t)
			}
		}
	}
	for i := range disks {
		disks[i].hard.Term = term
	}
	return disks
}
