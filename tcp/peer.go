// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// Why a connection to a peer is given up though nothing is wrong with it.
var errAddressChanged = errors.New("the peer's address has changed")

// peer keeps a connection to one peer, for sending. Its run goroutine dials and
// writes; everything without a mutex is that goroutine's.
type peer struct {
	transport *Transport
	id        wire.NodeID
	lane      *lane
	retry     chan struct{} // has room for one; ends a wait between two attempts

	backoff time.Duration // the last one, zero when the next attempt is a first
	problem string        // why there is no connection, empty while there is

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

func newPeer(t *Transport, id wire.NodeID, address string) *peer {
	return &peer{
		transport: t,
		id:        id,
		address:   address,
		lane:      newLane(t.options.LaneBytesMax),
		retry:     make(chan struct{}, 1),
	}
}

// setAddress replaces the peer's address, and with it the connection.
func (p *peer) setAddress(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if address == p.address {
		return
	}
	p.address = address
	if p.abandon != nil {
		p.abandon(errAddressChanged)
	}
	p.retryNow()
}

// retryNow ends a wait between two attempts.
func (p *peer) retryNow() {
	select {
	case p.retry <- struct{}{}:
	default:
	}
}

// run keeps connecting until the transport is closed.
func (p *peer) run() {
	for p.transport.ctx.Err() == nil {
		ctx, address := p.begin()
		var err error
		if address != "" {
			err = p.attempt(ctx, address)
		}
		p.end(err)
		p.wait(address)
	}
}

// begin returns the context of an attempt to connect, and of the connection, to
// the address that holds now.
func (p *peer) begin() (context.Context, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, abandon := context.WithCancelCause(p.transport.ctx)
	p.abandon = abandon
	return ctx, p.address
}

// attempt connects and stays for as long as the connection lasts. It returns why
// it ended, and never nil.
func (p *peer) attempt(ctx context.Context, address string) error {
	conn, err := p.transport.dial(ctx, p.id, address)
	if err != nil {
		return because(ctx, err)
	}
	began := time.Now()
	err = p.serve(ctx, conn, address)
	if time.Since(began) > p.transport.options.BackoffMax {
		p.backoff = 0 // It was a real connection, not one that breaks as soon as it is made.
	}
	return err
}

// because returns the cause for which the context was cancelled, if it was.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// end reports why there is no connection.
func (p *peer) end(err error) {
	p.mu.Lock()
	p.abandon(nil)
	p.abandon = nil
	p.mu.Unlock()
	if err == nil || p.transport.ctx.Err() != nil {
		return
	}
	if problem := reason(err); problem != p.problem && !errors.Is(err, errAddressChanged) {
		p.problem = problem
		p.transport.log.logger.Warn("no connection to peer", "peer", uint64(p.id), "reason", err.Error())
	}
	p.transport.unreachable(p.id)
}

// wait waits until it is time for the next attempt.
func (p *peer) wait(address string) {
	o := &p.transport.options
	var timeout <-chan time.Time
	if address != "" {
		p.backoff = min(max(o.BackoffMin, 2*p.backoff), o.BackoffMax)
		timer := time.NewTimer(p.backoff - rand.N(p.backoff/2+1))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-timeout:
	case <-p.retry:
	case <-p.transport.ctx.Done():
	}
}

// dial connects to the peer and makes the handshake.
func (t *Transport) dial(ctx context.Context, id wire.NodeID, address string) (*connection, error) {
	dialContext, cancel := context.WithTimeout(ctx, t.options.DialTimeout)
	defer cancel()
	raw, err := t.options.Dial(dialContext, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("tcp: dial %s: %w", address, err)
	}
	conn, err := t.introduce(ctx, raw, id)
	if err != nil {
		_ = raw.Close() // The handshake's error says more.
		return nil, fmt.Errorf("tcp: handshake with %s: %w", address, err)
	}
	return conn, nil
}

// introduce makes the dialler's side of the handshake.
func (t *Transport) introduce(ctx context.Context, raw net.Conn, id wire.NodeID) (*connection, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.options.HandshakeTimeout, errHandshakeTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	conn := &connection{Conn: raw, raw: raw}
	if t.options.TLS != nil {
		secure, err := t.options.TLS.dialled(ctx, raw, id)
		if err != nil {
			return nil, err
		}
		conn.Conn = secure
	}
	answer, err := t.exchange(conn, id)
	if err != nil {
		return nil, because(ctx, err)
	}
	t.meet(id, answer.incarnation)
	return conn, nil
}

// exchange says who this node is and returns the peer's answer, if it is good.
func (t *Transport) exchange(conn net.Conn, id wire.NodeID) (hello, error) {
	h := t.hello(id, statusNone)
	if _, err := conn.Write(h.encode()); err != nil {
		return hello{}, err
	}
	answer, err := readHello(conn)
	if err != nil {
		return hello{}, err
	}
	return answer, t.checkAnswer(answer, id)
}
