// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"sync"
	"sync/atomic"

	"github.com/balsa-raft/raft/internal/invariant"
)

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
	// chunksMax bounds a table: its numbers fit into an action's code.
	chunksMax = 1 << (numberBits - chunkBits)
)

// table gives equal things one number, so that a state of the world is a few numbers.
// All methods may be called by all workers at once. What is in it does not change.
type table[T any] struct {
	mu      sync.Mutex
	numbers map[hash]uint32
	chunks  [chunksMax]atomic.Pointer[[chunkSize]*T]
}

func newTable[T any]() *table[T] { return &table[T]{numbers: map[hash]uint32{}} }

// at returns the thing with a number that intern has returned.
func (t *table[T]) at(number uint32) *T {
	return t.chunks[number>>chunkBits].Load()[number%chunkSize]
}

// intern returns the number of the thing that is known by a hash. If it is new, make
// completes it.
func (t *table[T]) intern(key hash, make func() *T) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number, known := t.numbers[key]; known {
		return number
	}
	number := uint32(len(t.numbers))
	invariant.Check(number < chunksMax*chunkSize, "mc: a table is full", "number", number)
	chunk := t.chunks[number>>chunkBits].Load()
	if chunk == nil {
		chunk = new([chunkSize]*T)
		t.chunks[number>>chunkBits].Store(chunk)
	}
	chunk[number%chunkSize] = make()
	t.numbers[key] = number
	return number
}

func (t *table[T]) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.numbers)
}
