// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// inboxBytesMax bounds the messages that wait for the loop. More are dropped: the
// network is best effort, and whoever sent them finds out.
const inboxBytesMax = 64 << 20

// inbox is where everybody leaves what the loop has to know. It is a mutex and two
// sets of buffers: others fill one while the loop empties the other.
//
// Whoever leaves something while the loop sleeps is told so, and has to see to it that
// a turn is taken; see Group.awake.
type inbox struct {
	mu       sync.Mutex
	waiting  intake
	sleeping bool
	closed   bool
	dropped  uint64 // messages

	// pendingBytes are those of the requests that were submitted here and not finished.
	pendingBytes, pendingBytesMax int
	// room are the callers that wait for less of that, in the order they came.
	room []*roomWaiter
}

type roomWaiter struct {
	bytes    int
	ready    chan struct{} // closed when the bytes are reserved, or the inbox is closed
	reserved bool          // guarded by the inbox's mutex
}

// intake is what the loop takes in at once.
type intake struct {
	requests     []*request
	messages     []delivery
	messageBytes int
	synced       core.Seq
	applied      Index
	unreachable  []NodeID
	controls     []control
	events       []core.Event // of the snapshotter and the applier, few at a time
	failure      error
	stop         bool
	// withdrawn says that a caller has withdrawn a request, which may be in the backlog.
	withdrawn bool
}

type delivery struct {
	from    NodeID
	message wire.Message
}

// control asks the core something and is answered once.
type control struct {
	event core.Event
	// answer is told what came of it; capacity 1.
	answer chan verdict
}

// verdict says what came of what was asked for.
type verdict struct {
	// ok says whether it has come about.
	ok bool
	// change is the answer to core.ChangeRequested.
	change core.AnswerChange
}

func newInbox(pendingBytesMax int) *inbox {
	return &inbox{pendingBytesMax: pendingBytesMax}
}

func (in *intake) isEmpty() bool {
	return len(in.requests) == 0 && len(in.messages) == 0 && in.synced == 0 && in.applied == 0 &&
		len(in.unreachable) == 0 && len(in.controls) == 0 && len(in.events) == 0 && in.failure == nil && !in.stop && !in.withdrawn
}

func (in *intake) reset() {
	clear(in.requests)
	clear(in.messages)
	clear(in.controls)
	clear(in.events)
	*in = intake{
		requests: in.requests[:0], messages: in.messages[:0],
		unreachable: in.unreachable[:0], controls: in.controls[:0], events: in.events[:0],
	}
}

// take swaps what waits for an empty intake. If nothing waits it returns false, and
// the loop sleeps until whoever leaves something next wakes it.
func (b *inbox) take(empty *intake) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting.isEmpty() {
		b.sleeping = true
		return false
	}
	b.waiting, *empty = *empty, b.waiting
	return true
}

// unlock releases the mutex and reports whether the loop slept, and has to be woken.
func (b *inbox) unlock() (slept bool) {
	slept = b.sleeping
	b.sleeping = false
	b.mu.Unlock()
	return slept
}

// submit leaves a request, when there is room for it. alone says that it is the only
// one under way.
func (b *inbox) submit(ctx context.Context, r *request) (slept, alone bool, err error) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false, false, ErrStopped
	}
	if !b.hasRoom(r.bytes) || len(b.room) > 0 {
		if err := b.awaitRoom(ctx, r.bytes); err != nil {
			return false, false, err
		}
		// The bytes are reserved, and the mutex is held again.
	} else {
		b.pendingBytes += r.bytes
	}
	alone = b.pendingBytes == r.bytes
	b.waiting.requests = append(b.waiting.requests, r)
	return b.unlock(), alone, nil
}

func (b *inbox) hasRoom(bytes int) bool {
	return b.pendingBytes == 0 || b.pendingBytes+bytes <= b.pendingBytesMax
}

// awaitRoom is called with the mutex held, and returns with it held if and only if
// it returns nil.
func (b *inbox) awaitRoom(ctx context.Context, bytes int) error {
	w := &roomWaiter{bytes: bytes, ready: make(chan struct{})}
	b.room = append(b.room, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		b.mu.Lock()
		if !b.closed {
			return nil
		}
		b.leaveRoom(w)
		b.mu.Unlock()
		return ErrStopped
	case <-ctx.Done():
	}
	b.mu.Lock()
	b.leaveRoom(w)
	b.mu.Unlock()
	return errors.Join(ErrTooBusy, context.Cause(ctx))
}

// leaveRoom takes out who does not want the room any more, or gives it back. Either
// may make room for those behind. The mutex is held.
func (b *inbox) leaveRoom(w *roomWaiter) {
	b.room = slices.DeleteFunc(b.room, func(other *roomWaiter) bool { return other == w })
	if w.reserved {
		b.pendingBytes -= w.bytes
	}
	b.letIn()
}

// release gives back the room of requests that are finished.
func (b *inbox) release(bytes int) {
	if bytes == 0 {
		return
	}
	b.mu.Lock()
	b.pendingBytes -= bytes
	b.letIn()
	b.mu.Unlock()
}

// letIn gives room to those that wait for it, in their order. The mutex is held.
func (b *inbox) letIn() {
	for len(b.room) > 0 && b.hasRoom(b.room[0].bytes) {
		b.pendingBytes += b.room[0].bytes
		b.room[0].reserved = true
		close(b.room[0].ready)
		b.room = slices.Delete(b.room, 0, 1)
	}
}

// deliver leaves the messages of one peer.
func (b *inbox) deliver(from NodeID, batch []wire.Envelope) (slept bool) {
	b.mu.Lock()
	for i := range batch {
		size := batch[i].Message.Size()
		if b.closed || b.waiting.messageBytes+size > inboxBytesMax {
			b.dropped++
			continue
		}
		b.waiting.messageBytes += size
		b.waiting.messages = append(b.waiting.messages, delivery{from: from, message: batch[i].Message})
	}
	return b.unlock()
}

func (b *inbox) unreachable(peer NodeID) (slept bool) {
	b.mu.Lock()
	if !slices.Contains(b.waiting.unreachable, peer) {
		b.waiting.unreachable = append(b.waiting.unreachable, peer)
	}
	return b.unlock()
}

func (b *inbox) logSynced(seq core.Seq) (slept bool) {
	b.mu.Lock()
	b.waiting.synced = max(b.waiting.synced, seq)
	return b.unlock()
}

func (b *inbox) tell(events ...core.Event) (slept bool) {
	b.mu.Lock()
	b.waiting.events = append(b.waiting.events, events...)
	return b.unlock()
}

func (b *inbox) withdrawn() (slept bool) {
	b.mu.Lock()
	b.waiting.withdrawn = true
	return b.unlock()
}

// entriesApplied does not wake the loop: nothing there waits for it.
func (b *inbox) entriesApplied(through Index) {
	b.mu.Lock()
	b.waiting.applied = max(b.waiting.applied, through)
	b.mu.Unlock()
}

func (b *inbox) fail(err error) (slept bool) {
	b.mu.Lock()
	if b.waiting.failure == nil {
		b.waiting.failure = err
	}
	return b.unlock()
}

// ask leaves a control; ok is false if the group has stopped.
func (b *inbox) ask(c control) (slept, ok bool) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false, false
	}
	b.waiting.controls = append(b.waiting.controls, c)
	return b.unlock(), true
}

// refuse makes further requests fail; those that wait for room, too.
func (b *inbox) refuse() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, w := range b.room {
		close(w.ready)
	}
	b.room = nil
}

// stop makes the loop end.
func (b *inbox) stop() (slept bool) {
	b.mu.Lock()
	b.waiting.stop = true
	return b.unlock()
}
