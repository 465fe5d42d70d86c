// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"encoding/binary"
	"math/bits"
	"sync"
)

// CommandBytesMin is the smallest command: the client and its sequence number.
const CommandBytesMin = 16

// Counter is the state machine of every system: it counts the commands and keeps a
// hash of them that depends on their order, so that two replicas with the same
// State have applied the same commands in the same order.
//
// A system applies a batch between Lock and Unlock.
type Counter struct {
	mu      sync.Mutex
	state   State
	waiting uint64
	reached chan struct{}
}

// State is what a replica has applied.
type State struct {
	// Count is the number of commands.
	Count uint64
	// Hash is a hash over the identities of the commands, in order.
	Hash uint64
}

// Lock begins a batch.
func (c *Counter) Lock() { c.mu.Lock() }

// Unlock ends a batch.
func (c *Counter) Unlock() {
	if c.reached != nil && c.state.Count >= c.waiting {
		close(c.reached)
		c.reached = nil
	}
	c.mu.Unlock()
}

// Apply applies one command and returns its 8-byte result, the number of commands
// so far. It is called between Lock and Unlock and keeps nothing of the command.
func (c *Counter) Apply(command []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15
	client := binary.LittleEndian.Uint64(command)
	sequence := binary.LittleEndian.Uint64(command[8:])
	c.state.Hash = (bits.RotateLeft64(c.state.Hash, 13) ^ client ^ bits.RotateLeft64(sequence, 32)) * odd
	c.state.Count++
	return c.state.Count
}

// Await returns the state as soon as at least count commands are applied, or the
// state there is when ctx ends.
func (c *Counter) Await(ctx context.Context, count uint64) State {
	c.mu.Lock()
	reached := make(chan struct{})
	c.waiting, c.reached = count, reached
	c.Unlock()
	select {
	case <-reached:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}
