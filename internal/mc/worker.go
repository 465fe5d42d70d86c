// SPDX-License-Identifier: Apache-2.0

package mc

import "slices"

// origin is how a state was first reached.
type origin struct {
	parent uint32
	action action
}

// worker expands states. What it finds is its own until the level is complete.
type worker struct {
	m       *model
	visited *visited
	recall  recall

	// number is that of the state being expanded.
	number     uint32
	state      state
	next       state
	sums       []hash // of next
	generated  uint64
	records    [][]uint32 // in pieces of about pieceSize
	origins    []origin
	violation  *finding
	violatedBy origin
}

// pieceSize is how many numbers of records are handed out at once.
const pieceSize = 1 << 16

func newWorker(m *model, v *visited) *worker {
	return &worker{m: m, visited: v, sums: make([]hash, len(m.relabels))}
}

// expand tries all that may happen in w.state.
func (w *worker) expand() {
	w.m.visit(&w.state, w.try)
}

// try takes one step from w.state, and keeps where it leads to if that is new.
func (w *worker) try(a action) {
	if w.violation != nil {
		return
	}
	problem, isNew := w.take(a)
	if problem != nil {
		w.violation, w.violatedBy = problem, origin{w.number, a}
		return
	}
	if !isNew {
		return
	}
	last := len(w.records) - 1
	if last < 0 || len(w.records[last]) > pieceSize-64 {
		w.records = append(w.records, make([]uint32, 0, pieceSize))
		last++
	}
	w.records[last] = w.next.appendTo(w.records[last])
	w.origins = append(w.origins, origin{w.number, a})
}

// take makes w.next what the action makes of w.state, and reports whether it was never
// reached. A step that does nothing but consume a message is not taken: what may happen
// after it may happen without it.
func (w *worker) take(a action) (problem *finding, isNew bool) {
	outcome := &outcome{next: w.state.nodes[a.place()], isNothing: true}
	if a.kind() != drop {
		outcome = w.m.outcomeOf(&w.recall, w.state.nodes[a.place()], a.event())
		if outcome.isNothing && !w.m.isPlain {
			return nil, false
		}
	}
	w.generated++
	w.m.apply(&w.recall, &w.state, &w.next, a, outcome)
	if problem := w.m.judge(&w.state, &w.next, a, outcome); problem != nil {
		return problem, false
	}
	w.m.sums(&w.next, w.sums)
	return nil, w.visited.add(w.m.least(w.sums))
}

// least is the hash that stands for a state and all that it can be renamed to.
func (m *model) least(sums []hash) hash {
	if m.isNamed {
		return sums[0]
	}
	return slices.MinFunc(sums, compareHashes)
}

func compareHashes(a, b hash) int {
	switch {
	case a.less(b):
		return -1
	case b.less(a):
		return 1
	}
	return 0
}
