// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// laneKind tells the lanes apart. It is part of the handshake.
type laneKind uint32

// The lanes. Zero is none.
const (
	laneMain laneKind = 1
	laneBulk laneKind = 2 // what wire.IsBulk says is bulk
)

// connected is the line of a connection that was made.
func (k laneKind) connected() string {
	if k == laneBulk {
		return "bulk lane is connected"
	}
	return "connected to peer"
}

// noConnection is the line of one that broke or could not be made.
func (k laneKind) noConnection() string {
	if k == laneBulk {
		return "no bulk connection to peer"
	}
	return "no connection to peer"
}

// lane holds the messages of one kind that wait for one peer, bounded in bytes. The main
// lane is open while there is a connection; the bulk lane is, besides, while there is none
// and a message would have one made at once.
//
// Many goroutines put. One at a time takes and writes: who puts into a lane that nobody
// is writing from becomes the writer, and either writes at once or signals the link's
// goroutine to take that part over.
type lane struct {
	bytesMax int
	ready    chan struct{} // has room for one; signalled when the goroutine is to write

	mu      sync.Mutex
	open    bool
	waiting []wire.Envelope
	bytes   int // of those waiting and those taken but not released
	writing bool
	// handed says that the goroutine is to be the writer.
	handed bool
	// opened counts how often the lane was opened, so that a writer of an earlier
	// connection knows that it is none any more.
	opened uint64
}

func newLane(bytesMax int) *lane {
	return &lane{bytesMax: bytesMax, ready: make(chan struct{}, 1)}
}

// put adds a message of that size, unless the lane is closed or full. If claim is not
// zero, the caller has become the writer.
func (l *lane) put(envelope wire.Envelope, size int) (taken bool, claim uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open || (l.bytes > 0 && l.bytes+size > l.bytesMax) {
		return false, 0
	}
	l.waiting = append(l.waiting, envelope)
	l.bytes += size
	if !l.writing {
		l.writing, claim = true, l.opened
	}
	return true, claim
}

// handOver makes the connection's goroutine the writer in place of who made the claim.
func (l *lane) handOver(claim uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open || l.opened != claim {
		return
	}
	l.handed = true
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// accept reports whether the goroutine that was signalled is the writer now.
func (l *lane) accept() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	accepted := l.handed
	l.handed = false
	return accepted
}

// isDue reports whether the goroutine is to write, and leaves that as it is.
func (l *lane) isDue() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handed
}

// take returns all that waits, and leaves empty in its place for what comes. What
// is taken counts until it is released. If nothing waits, the caller is not the
// writer any more.
func (l *lane) take(empty []wire.Envelope) []wire.Envelope {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.writing = false
		return nil
	}
	taken := l.waiting
	l.waiting = empty[:0]
	return taken
}

// isWriter reports whether who made the claim is still the writer.
func (l *lane) isWriter(claim uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open && l.opened == claim
}

// putBack returns what the writer has taken and not written to the front.
func (l *lane) putBack(messages []wire.Envelope) {
	if len(messages) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(messages, l.waiting...)
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
	l.open, l.waiting, l.bytes, l.writing, l.handed = open, nil, 0, false, false
	if open {
		l.opened++
	}
}

// isOpen reports whether messages are taken.
func (l *lane) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}
