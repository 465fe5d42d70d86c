// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialTimeout bounds a link's attempt to connect to its target, which is near.
const dialTimeout = 5 * time.Second

// Link is a proxy between two nodes, for the connections that the first one makes to
// the second. Nodes send on connections that they made themselves, so a fault of one
// link hurts one direction only. The methods may be called from any goroutine.
type Link struct {
	target   string
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup // added to under mu, while not closed

	// hits are how often each kind of fault met a connection or bytes.
	hits map[FaultKind]*atomic.Int64

	mu      sync.Mutex
	closed  bool
	fault   Fault
	version int           // of the fault; grows with each change
	changed chan struct{} // closed at the next change
	pairs   map[*pair]struct{}
}

// NewLink listens on a free port of 127.0.0.1 and passes on to the target's address.
func NewLink(target string) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("chaos: link: %w", err)
	}
	l := &Link{
		target: target, listener: listener, hits: make(map[FaultKind]*atomic.Int64),
		changed: make(chan struct{}), pairs: make(map[*pair]struct{}),
	}
	for _, kind := range FaultKinds {
		l.hits[kind] = new(atomic.Int64)
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.running.Go(l.accept)
	return l, nil
}

// Address is where the link listens.
func (l *Link) Address() string { return l.listener.Addr().String() }

// Hits returns how often a kind of fault has met a connection or bytes.
func (l *Link) Hits(kind FaultKind) int { return int(l.hits[kind].Load()) }

// Set replaces the link's fault, and returns a number by which Clear knows it.
func (l *Link) Set(fault Fault) (version int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set(fault)
}

// Clear ends a fault, unless another one has taken its place.
func (l *Link) Clear(version int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version == version {
		l.set(Fault{})
	}
}

func (l *Link) set(fault Fault) (version int) {
	l.fault = fault
	l.version++
	close(l.changed)
	l.changed = make(chan struct{})
	for p := range l.pairs {
		if fault.Kind == Reset {
			l.hits[Reset].Add(1)
		}
		if fault.Kind == Reset || p.lossy.Load() {
			p.reset()
		}
	}
	return l.version
}

// state returns the fault that holds now, its version, and what is closed when it ends.
func (l *Link) state() (Fault, int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault, l.version, l.changed
}

// Close ends all connections, and returns when nothing runs any more.
func (l *Link) Close() error {
	l.mu.Lock()
	l.closed = true
	for p := range l.pairs {
		p.reset()
	}
	l.mu.Unlock()
	l.cancel()
	err := l.listener.Close()
	l.running.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("chaos: link: %w", err)
	}
	return nil
}

// accept takes connections until the listener is closed.
func (l *Link) accept() {
	for {
		conn, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // It was gone before it was taken.
		}
		l.admit(conn.(*net.TCPConn))
	}
}

// admit starts what carries a connection, unless the link refuses it.
func (l *Link) admit(conn *net.TCPConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault.Kind == Reset {
		l.hits[Reset].Add(1)
	}
	if l.closed || l.fault.Kind == Reset {
		breakOff(conn)
		return
	}
	p := newPair(l, conn)
	l.pairs[p] = struct{}{}
	l.running.Go(func() {
		p.run()
		l.mu.Lock()
		delete(l.pairs, p)
		l.mu.Unlock()
	})
}

// breakOff closes a connection so that the other end sees it as reset.
func breakOff(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // If it fails, the connection is gone already.
	_ = conn.Close()
}
