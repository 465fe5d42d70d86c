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
	forTake
	forCompact
	forStateLoss
	forWant
	forChange
	forWipe
	budgets
)

// budget is what is left of each.
type budget [budgetWords * 8]uint8

// budgetWords is how many numbers of 64 bits a budget is.
const budgetWords = (budgets + 7) / 8

func (b *budget) word(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }

func (b *budget) hash() (sum hash) {
	for i := range uint64(budgetWords) {
		n := b.word(int(i)) ^ i<<56
		sum = sum.plus(hash{stir(n), stir(^n)})
	}
	return sum
}

// costs is the budget that something is counted against, or none.
var costs = [kinds]int{
	deliver: -1, deliverLate: -1, duplicate: forDuplicate, duplicateLate: forDuplicate, drop: forDrop, timeout: forTimeout,
	stepDown: forStepDown, heartbeat: forHeartbeat, tellNews: -1, propose: forProposal, endWrite: -1,
	unreachable: forUnreachable, crash: forCrash, crashDamaged: forStateLoss,
	takeSnapshot: forTake, compact: forCompact, publish: -1, receive: -1, restored: -1, failToRestore: forStateLoss,
	want: forWant, makeOffer: -1, changeMembers: forChange, letGo: -1, wipe: forWipe,
}

func (b Bounds) budget() budget {
	var left budget
	for of, n := range map[int]int{
		forTimeout: b.Timeouts, forStepDown: b.StepDowns, forHeartbeat: b.Heartbeats, forProposal: b.Proposals,
		forDuplicate: b.Duplicates, forDrop: b.Drops, forUnreachable: b.Unreachables, forCrash: b.Crashes,
		forTake: b.Takes, forCompact: b.Compactions, forStateLoss: b.StateLosses, forWant: b.Wants,
		forChange: b.Changes, forWipe: b.Wipes,
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
	record = append(record, uint32(len(s.nodes)+1+2*budgetWords+len(s.messages)))
	record = append(record, s.nodes...)
	record = append(record, s.history)
	for i := range budgetWords {
		left := s.left.word(i)
		record = append(record, uint32(left), uint32(left>>32))
	}
	return append(record, s.messages...)
}

// read takes the state from the front of records, and returns the rest. The state
// shares the records' memory.
func (s *state) read(records []uint32, nodes int) (rest []uint32) {
	record, rest := records[1:1+records[0]], records[1+records[0]:]
	s.nodes, record = record[:nodes:nodes], record[nodes:]
	s.history, record = record[0], record[1:]
	for i := range budgetWords {
		binary.LittleEndian.PutUint32(s.left[8*i:], record[2*i])
		binary.LittleEndian.PutUint32(s.left[8*i+4:], record[2*i+1])
	}
	s.messages = record[2*budgetWords:]
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
	for i, disk := range m.disks() {
		l := m.boot(nodeAt(i), disk, firstIncarnation)
		l.settle()
		s.nodes = append(s.nodes, m.internLocal(l))
	}
	s.history = m.internHistory(m.firstHistory())
	if m.bounds.Offered {
		leader := m.locals.at(s.nodes[0])
		offer := &wire.SnapshotOffer{Term: leader.disk.hard.Term, Epoch: 2, Snapshot: leader.disk.snapshots[0]}
		s.messages = []uint32{m.internMessage(newMessage(leader.id, nodeAt(m.bounds.Nodes-1), offer))}
	}
	if m.bounds.Led {
		m.lead(s)
	}
	return s
}

// disks are what the members begin with.
func (m *model) disks() []image {
	b := &m.bounds
	disks := make([]image, b.Nodes)
	term := wire.Term(1)
	for i := range disks {
		d := &disks[i]
		if len(b.Begun) > 0 {
			d.log = m.known.way(b)[:b.Begun[i]]
			if len(d.log) > 0 {
				term = max(term, d.log[len(d.log)-1].term)
			}
			continue
		}
		if b.Founders > 0 && i >= b.Founders {
			continue
		}
		d.log = []slot{{term: 1, kind: wire.EntryMembership}}
		if len(b.Logs) > 0 {
			for _, t := range b.Logs[i][1:] {
				d.log = append(d.log, slot{term: t, kind: wire.EntryBlank})
				term = max(term, t)
			}
		}
		if len(b.Snapshots) > 0 && b.Snapshots[i] > 0 {
			d.snapshots = []wire.SnapshotMeta{m.snapshotOf(d.log[:b.Snapshots[i]])}
		}
		if len(b.Bases) > 0 {
			d.base = idAt(d.log, b.Bases[i])
		}
	}
	for i := range disks {
		if len(disks[i].log) > 0 {
			disks[i].hard.Term = term
		}
	}
	return disks
}
