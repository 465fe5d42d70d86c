// SPDX-License-Identifier: Apache-2.0

package main

import "sync"

// queue hands items over in batches: who takes gets everything there is. What is
// in it is bounded by the number of clients and by raft's windows.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	// wake holds a value when there may be items.
	wake chan struct{}
}

func newQueue[T any](wake chan struct{}) *queue[T] { return &queue[T]{wake: wake} }

func newWake() chan struct{} { return make(chan struct{}, 1) }

func (q *queue[T]) put(items ...T) {
	q.mu.Lock()
	q.items = append(q.items, items...)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns all items and goes on with the spare slice, whose items are dropped.
func (q *queue[T]) take(spare []T) []T {
	clear(spare)
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = spare[:0]
	return items
}
