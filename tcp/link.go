// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// Why a connection to a peer is given up though nothing is wrong with it.
var (
	errAddressChanged = errors.New("the peer's address has changed")
	errIdle           = errors.New("nothing was sent for long")
)

// link keeps a connection to one peer, for sending the messages of one lane. That of
// the main lane is kept at all times; that of the bulk lane is made when there is
// something to send, and ends when there was nothing for a while. Its run goroutine
// dials and writes; everything without a mutex is that goroutine's.
type link struct {
	transport *Transport
	peer      wire.NodeID
	kind      laneKind
	lane      *lane
	retry     chan struct{} // has room for one; ends a wait between two attempts
	// writeBytesMax is how much of a frame is written at once.
	writeBytesMax int

	backoff time.Duration // the last one, zero when the next attempt is a first
	outage  outage

	// Of the writer, see lane.
	direct sync.Mutex      // held while somebody else than run's goroutine writes
	raw    syscall.RawConn // nil if only that goroutine can
	buffer []byte          // frames are encoded into it
	rest   []byte          // what is left of a frame, in buffer, that was written in part
	frame  int             // what that frame counts for in the lane
	spare  []wire.Envelope

	mu      sync.Mutex
	address string
	abandon context.CancelCauseFunc // ends the present connection or attempt, may be nil
}

func newLink(t *Transport, peer wire.NodeID, kind laneKind, address string) *link {
	l := &link{transport: t, peer: peer, kind: kind, address: address, retry: make(chan struct{}, 1)}
	l.lane, l.writeBytesMax = newLane(t.options.LaneBytesMax), writeBytesMax
	if kind == laneBulk {
		l.lane, l.writeBytesMax = newLane(t.options.BulkLaneBytesMax), bulkWriteBytesMax
	}
	return l
}

// setAddress replaces the peer's address, and with it the connection.
func (l *link) setAddress(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if address == l.address {
		return
	}
	l.address = address
	if l.abandon != nil {
		l.abandon(errAddressChanged)
	}
	l.retryNow()
}

// retryNow ends a wait between two attempts.
func (l *link) retryNow() {
	select {
	case l.retry <- struct{}{}:
	default:
	}
}

// run keeps connecting until the transport is closed.
func (l *link) run() {
	for l.transport.ctx.Err() == nil {
		ctx, address := l.begin()
		var err error
		if address != "" {
			err = l.attempt(ctx, address)
		}
		l.end(err)
		if !errors.Is(err, errIdle) {
			l.wait(address)
		}
	}
}

// begin returns the context of an attempt to connect, and of the connection, to
// the address that holds now.
func (l *link) begin() (context.Context, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, abandon := context.WithCancelCause(l.transport.ctx)
	l.abandon = abandon
	return ctx, l.address
}

// attempt connects and stays for as long as the connection lasts. It returns why
// it ended, and never nil. The lane is closed then, unless that is errIdle: what comes
// into the lane then has the next connection made.
func (l *link) attempt(ctx context.Context, address string) (err error) {
	defer func() {
		if !errors.Is(err, errIdle) {
			l.lane.setOpen(false)
		}
	}()
	if l.kind == laneBulk && !l.awaitDemand(ctx) {
		return context.Cause(ctx)
	}
	conn, err := l.transport.dial(ctx, l.peer, l.kind, address)
	if err != nil {
		return because(ctx, err)
	}
	began := time.Now()
	err = l.serve(ctx, conn, address)
	if time.Since(began) > l.transport.options.BackoffMax {
		l.backoff, l.outage = 0, outage{} // It was a real connection, not one that breaks as soon as it is made.
	}
	return err
}

// awaitDemand opens the lane before there is a connection, and returns when there is
// something to send. It returns false if ctx ends.
func (l *link) awaitDemand(ctx context.Context) bool {
	if !l.lane.isOpen() {
		l.lane.setOpen(true)
	}
	began := time.Now()
	for !l.lane.isDue() {
		select {
		case <-l.lane.ready:
		case <-ctx.Done():
			return false
		}
	}
	if time.Since(began) > l.transport.options.BulkIdleTimeout {
		l.outage = outage{} // What failed before that is history.
	}
	return true
}

// because returns the cause for which the context was cancelled, if it was.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// end reports why there is no connection.
func (l *link) end(err error) {
	l.mu.Lock()
	l.abandon(nil)
	l.abandon = nil
	l.mu.Unlock()
	if errors.Is(err, errIdle) {
		l.transport.log.logger.Debug("bulk lane is disconnected", "peer", uint64(l.peer), "reason", err.Error())
		return
	}
	if err == nil || l.transport.ctx.Err() != nil {
		return
	}
	if !errors.Is(err, errAddressChanged) {
		l.logFailure(err)
	}
	if l.kind == laneMain {
		l.transport.unreachable(l.peer)
	}
}

// wait waits until it is time for the next attempt.
func (l *link) wait(address string) {
	o := &l.transport.options
	var timeout <-chan time.Time
	if address != "" {
		l.backoff = min(max(o.BackoffMin, 2*l.backoff), o.BackoffMax)
		timer := time.NewTimer(l.backoff - rand.N(l.backoff/2+1))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-timeout:
	case <-l.retry:
	case <-l.transport.ctx.Done():
	}
}
