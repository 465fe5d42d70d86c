// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// lane holds the messages that wait for one peer, bounded in bytes. It is open
// while there is a connection. Many goroutines put, one takes.
type lane struct {
	bytesMax int
	ready    chan struct{} // has room for one; signalled when the lane is not empty

	mu      sync.Mutex
	open    bool
	waiting []wire.Envelope
	bytes   int // of those waiting and those taken but not released
}

func newLane(bytesMax int) *lane {
	return &lane{bytesMax: bytesMax, ready: make(chan struct{}, 1)}
}

// put adds a message of that size, unless the lane is closed or full.
func (l *lane) put(envelope wire.Envelope, size int) bool {
	l.mu.Lock()
	if !l.open || (l.bytes > 0 && l.bytes+size > l.bytesMax) {
		l.mu.Unlock()
		return false
	}
	l.waiting = append(l.waiting, envelope)
	l.bytes += size
	first := len(l.waiting) == 1
	l.mu.Unlock()
	if first {
		l.signal()
	}
	return true
}

func (l *lane) signal() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// take returns all that waits, and leaves empty in its place for what comes. What
// is taken counts until it is released.
func (l *lane) take(empty []wire.Envelope) []wire.Envelope {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.waiting
	l.waiting = empty[:0]
	return taken
}

// release says that messages of that size in total are written.
func (l *lane) release(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes -= size
}

// setOpen opens or closes the lane; either way it is empty afterwards.
func (l *lane) setOpen(open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open, l.waiting, l.bytes = open, nil, 0
}

// isOpen reports whether there is a connection.
func (l *lane) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}
