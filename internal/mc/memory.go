// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"
	"sync"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// outcome is what an event does to a member, and what it sends. A member is a function,
// so each is asked once.
type outcome struct {
	next  uint32
	sends []uint32
	// isNothing says that the event changed nothing and sent nothing.
	isNothing bool
	// broken is what the step violates by itself, nil if nothing.
	broken *finding
	// What the invariants that look at several members have to look at.
	leads, changedLog, changedDisk, changedSnapshots, applied, acknowledges, offers bool
}

const memoryShards = 64

// memory remembers outcomes, by member and event. All workers may use it at once.
type memory struct {
	shards [memoryShards]struct {
		sync.RWMutex
		outcomes map[uint64]*outcome
	}
}

func newMemory() *memory {
	m := &memory{}
	for i := range m.shards {
		m.shards[i].outcomes = map[uint64]*outcome{}
	}
	return m
}

// recallSize is the number of outcomes that a worker keeps at hand.
const recallSize = 1 << 16

// recall is a worker's own view of the memory: most questions are asked again soon.
type recall [recallSize]struct {
	key     uint64
	outcome *outcome
}

// outcomeOf returns what an event does to a member.
func (m *model) outcomeOf(r *recall, number uint32, event action) *outcome {
	key := uint64(number)<<32 | uint64(event)
	slot := stir(key)
	at := &r[slot%recallSize]
	if at.outcome != nil && at.key == key {
		return at.outcome
	}
	shard := &m.outcomes.shards[slot>>32%memoryShards]
	shard.RLock()
	found := shard.outcomes[key]
	shard.RUnlock()
	if found == nil {
		found = m.work(number, event)
		shard.Lock()
		shard.outcomes[key] = found
		shard.Unlock()
	}
	at.key, at.outcome = key, found
	return found
}

// work asks the member.
func (m *model) work(number uint32, event action) *outcome {
	before := m.locals.at(number)
	s := m.run(before, event, nil)
	if s.broken != nil && s.broken.invariant == CoreChecks {
		return &outcome{next: number, broken: s.broken}
	}
	o := &outcome{next: m.internLocal(s.l), broken: s.broken}
	for _, sent := range s.sends {
		o.sends = append(o.sends, m.internMessage(sent))
		term, match := acknowledged(sent.payload)
		o.acknowledges = o.acknowledges || term > 0 && match > 0
		_, isOffer := sent.payload.(*wire.SnapshotOffer)
		o.offers = o.offers || isOffer
	}
	after := s.l
	o.isNothing = o.next == number && len(o.sends) == 0 && o.broken == nil
	if event.kind() == timeout && after.status.Role == core.Follower {
		o.isNothing = o.broken == nil // Who does not campaign only hears nothing from a leader.
	}
	o.leads = after.status.Role == core.Leader && (before.status.Role != core.Leader || before.status.HardState.Term != after.status.HardState.Term)
	o.changedLog = !isPrefix(after.log, before.log)
	o.changedDisk = !isPrefix(before.disk.log, after.disk.log)
	o.changedSnapshots = !slices.EqualFunc(before.disk.snapshots, after.disk.snapshots, func(a, b wire.SnapshotMeta) bool { return isSame(&a, &b) })
	o.applied = after.applied != before.applied || !slices.Equal(before.log, after.log)
	return o
}

func (m *memory) count() int {
	count := 0
	for i := range m.shards {
		m.shards[i].RLock()
		count += len(m.shards[i].outcomes)
		m.shards[i].RUnlock()
	}
	return count
}
