// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// ErrClosed is returned by Start on a transport that was closed or started before.
var ErrClosed = errors.New("tcp: transport closed or already started")

// Transport sends and receives messages over TCP. It satisfies the Transport
// interface of package raft. All methods may be called from any goroutine.
type Transport struct {
	options  Options
	listener net.Listener
	log      *journal
	// warnAfter is how long a peer may be away before that is a warning; see outage.
	warnAfter time.Duration

	// ctx ends with Close. running counts the goroutines, which begin only while
	// mu is held and closed is false.
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	// Set by Start, before any goroutine reads them.
	deliver     func(from wire.NodeID, batch []wire.Envelope)
	unreachable func(peer wire.NodeID)

	// peers is replaced as a whole, under mu, and read without it by Send.
	peers atomic.Pointer[map[wire.NodeID]*peer]

	mu              sync.Mutex
	started, closed bool
	pending         []net.Conn                               // incoming, before the end of the handshake, oldest first
	inbound         map[laneKind]map[wire.NodeID]*connection // incoming, after it
	incarnations    map[wire.NodeID]wire.Incarnation
}

// Listen returns a transport that is bound to its address but neither accepts nor
// dials before Start. The error is about the options, wrapping ErrInvalidOptions,
// about TLS files, or about the address.
func Listen(options Options) (*Transport, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", options.Address)
	if err != nil {
		return nil, fmt.Errorf("tcp: %w", err)
	}
	t := &Transport{
		options:      options,
		listener:     listener,
		log:          newJournal(options.Logger.With("node", uint64(options.Node))),
		warnAfter:    warnAfterDefault,
		inbound:      map[laneKind]map[wire.NodeID]*connection{laneMain: {}, laneBulk: {}},
		incarnations: make(map[wire.NodeID]wire.Incarnation),
	}
	if bound, ok := listener.Addr().(*net.TCPAddr); ok && options.Advertise == "" && !bound.IP.IsUnspecified() {
		t.options.Advertise = bound.String()
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.peers.Store(new(map[wire.NodeID]*peer))
	return t, nil
}

// Addr returns the address that the transport is bound to.
func (t *Transport) Addr() net.Addr { return t.listener.Addr() }

// Start begins to accept, to dial and to deliver; see raft.Transport. The callbacks
// must not close the transport. Unreachable is called once for each connection of the
// main lane that breaks and for each attempt to make one that fails.
func (t *Transport) Start(deliver func(from wire.NodeID, batch []wire.Envelope), unreachable func(peer wire.NodeID)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.started || t.closed {
		return ErrClosed
	}
	t.started, t.deliver, t.unreachable = true, deliver, unreachable
	t.running.Go(t.accept)
	for _, p := range *t.peers.Load() {
		t.keep(p)
	}
	return nil
}

// Connect tells where a peer is, as "host:port"; see raft.Transport. If the address
// is another than before, a connection to the old one ends. An empty address ends
// the connection and all attempts to make one. Connect to this node is ignored.
func (t *Transport) Connect(id wire.NodeID, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || id == t.options.Node || id == 0 {
		return
	}
	if p := t.peer(id); p != nil {
		p.setAddress(address)
		return
	}
	p := newPeer(t, id, address)
	peers := make(map[wire.NodeID]*peer)
	for other, known := range *t.peers.Load() {
		peers[other] = known
	}
	peers[id] = p
	t.peers.Store(&peers)
	if t.started {
		t.keep(p)
	}
}

// keep starts to connect to a peer. The caller holds mu.
func (t *Transport) keep(p *peer) {
	for _, l := range p.links() {
		t.running.Go(l.run)
	}
}

// peer returns the peer, nil if it is not known.
func (t *Transport) peer(id wire.NodeID) *peer { return (*t.peers.Load())[id] }

// Send queues a message; see raft.Transport. It also returns false for a message that
// fits no frame, while there is no connection to the peer, and, for bulk messages, which
// wait for their connection, for some time after it broke or could not be made.
func (t *Transport) Send(to wire.NodeID, envelope wire.Envelope) bool {
	p := t.peer(to)
	if p == nil {
		return false
	}
	size := envelope.Size()
	if size > t.options.FrameBytesMax {
		t.log.warn("message is too large to send", fmt.Sprint(to), "peer", uint64(to), "bytes", size)
		return false
	}
	l := p.link(envelope.Message)
	taken, claim := l.lane.put(envelope, size)
	if claim != 0 {
		l.writeNow(claim)
	}
	return taken
}

// Close ends all connections and returns when all goroutines have ended. It waits
// for nothing but callbacks that are running. Closing again does nothing.
func (t *Transport) Close() error {
	t.mu.Lock()
	first := !t.closed
	t.closed = true
	var incoming []net.Conn
	incoming = append(incoming, t.pending...)
	for _, lane := range t.inbound {
		for _, c := range lane {
			incoming = append(incoming, c)
		}
	}
	t.mu.Unlock()

	var err error
	if first {
		t.cancel()
		err = t.listener.Close()
	}
	for _, conn := range incoming {
		_ = conn.Close() // The reason why it ends is that we end it.
	}
	t.running.Wait()
	if err != nil {
		return fmt.Errorf("tcp: close listener: %w", err)
	}
	return nil
}

// meet notes a peer's incarnation and warns if it was another one before.
func (t *Transport) meet(peer wire.NodeID, incarnation wire.Incarnation) {
	if incarnation == 0 {
		return
	}
	t.mu.Lock()
	before, known := t.incarnations[peer]
	if known || len(t.incarnations) < inboundMax {
		t.incarnations[peer] = incarnation
	}
	t.mu.Unlock()
	if known && before != incarnation {
		t.log.logger.Warn("peer has another data folder than before: its node ID must not be used again for an empty one",
			"peer", uint64(peer), "incarnation", uint64(incarnation), "before", uint64(before))
	}
}
