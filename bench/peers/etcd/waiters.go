// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"sync"

	"go.etcd.io/raft/v3/raftpb"
)

var errLost = errors.New("etcd: leadership was lost")

// outcome is what became of a proposal.
type outcome struct {
	value uint64
	err   error
}

type waiter struct{ done chan outcome }

var waiterPool = sync.Pool{New: func() any { return &waiter{done: make(chan outcome, 1)} }}

// proposal is a command and who waits for it.
type proposal struct {
	command []byte
	waiter  *waiter
}

// bound is a waiter whose command has a place in the log.
type bound struct {
	index, term uint64
	waiter      *waiter
}

// waiters are those whose commands are in the leader's log, by ascending index.
type waiters struct {
	mu   sync.Mutex
	all  []bound
	next int
}

// bind adds those whose commands the leader has just appended.
func (w *waiters) bind(entries []raftpb.Entry, proposals []proposal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next > len(w.all)/2 {
		w.all = w.all[:copy(w.all, w.all[w.next:])]
		w.next = 0
	}
	for i, e := range entries {
		w.all = append(w.all, bound{e.Index, e.Term, proposals[i].waiter})
	}
}

// match returns who waits for the entry, or nil. Whoever waited for an earlier
// entry, or for another one in this place, is told that it was lost. It is called
// with mu held.
func (w *waiters) match(index, term uint64) *waiter {
	for w.next < len(w.all) && w.all[w.next].index <= index {
		b := w.all[w.next]
		w.next++
		if b.index == index && b.term == term {
			return b.waiter
		}
		b.waiter.done <- outcome{err: errLost}
	}
	return nil
}

// fail tells all who wait that their commands were lost.
func (w *waiters) fail() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.match(^uint64(0), 0)
}
