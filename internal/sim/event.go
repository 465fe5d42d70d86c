// SPDX-License-Identifier: Apache-2.0

package sim

// event is something that happens at a time. Events of one time happen in the order
// in which they were scheduled.
type event struct {
	at  int64
	seq uint64
	// One of these is set: a stage's step, a stage's deadline, or anything else.
	step  *stage
	timer *stage
	do    func()
}

func (e *event) before(other *event) bool {
	return e.at < other.at || e.at == other.at && e.seq < other.seq
}

// eventQueue is a binary heap of events.
type eventQueue []event

func (q *eventQueue) push(e event) {
	*q = append(*q, e)
	heap := *q
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !heap[i].before(&heap[parent]) {
			break
		}
		heap[i], heap[parent] = heap[parent], heap[i]
		i = parent
	}
}

func (q *eventQueue) pop() event {
	heap := *q
	first := heap[0]
	last := len(heap) - 1
	heap[0] = heap[last]
	heap[last] = event{}
	heap = heap[:last]
	*q = heap
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if heap[child].before(&heap[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}
