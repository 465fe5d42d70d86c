// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/balsa-raft/raft/wire"

// event is something that happens at a time: a stage's step, a stage's deadline, the
// arrival of a message, or anything else. One of its first four fields is set.
type event struct {
	step, timer *stage
	frame       []byte
	do          func()

	from, to wire.NodeID // of the frame
}

// moment is when an event happens. Events of one time happen in the order in which they
// were scheduled.
type moment struct {
	at   int64
	seq  uint64
	slot int32 // of the event
}

func (m *moment) before(other *moment) bool {
	return m.at < other.at || m.at == other.at && m.seq < other.seq
}

// eventQueue is a heap of moments, each of which has up to four behind it. The events lie
// apart, so that what is moved about holds no pointers, which the collector would have to
// be told of.
type eventQueue struct {
	heap   []moment
	events []event // by slot
	free   []int32 // slots that hold none
}

func (q *eventQueue) isEmpty() bool { return len(q.heap) == 0 }

// next returns the time of the first event. There must be one.
func (q *eventQueue) next() int64 { return q.heap[0].at }

func (q *eventQueue) push(at int64, seq uint64, e event) {
	m := moment{at: at, seq: seq, slot: q.store(e)}
	q.heap = append(q.heap, m)
	heap := q.heap
	i := len(heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !m.before(&heap[parent]) {
			break
		}
		heap[i] = heap[parent]
		i = parent
	}
	heap[i] = m
}

func (q *eventQueue) store(e event) int32 {
	if n := len(q.free); n > 0 {
		slot := q.free[n-1]
		q.free = q.free[:n-1]
		q.events[slot] = e
		return slot
	}
	q.events = append(q.events, e)
	return int32(len(q.events) - 1)
}

// pop takes the first event out. There must be one.
func (q *eventQueue) pop() (moment, event) {
	heap := q.heap
	first := heap[0]
	last := len(heap) - 1
	m := heap[last]
	q.heap = heap[:last]
	if last > 0 {
		sink(heap[:last], m)
	}
	e := q.events[first.slot]
	q.events[first.slot] = event{}
	q.free = append(q.free, first.slot)
	return first, e
}

// sink puts a moment where it belongs, from the top, which is vacant.
func sink(heap []moment, m moment) {
	i := 0
	for {
		child := 4*i + 1
		if child >= len(heap) {
			break
		}
		least := child
		for other := child + 1; other < min(child+4, len(heap)); other++ {
			if heap[other].before(&heap[least]) {
				least = other
			}
		}
		if !heap[least].before(&m) {
			break
		}
		heap[i] = heap[least]
		i = least
	}
	heap[i] = m
}
