// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/balsa-raft/raft/wire"
)

const (
	// pendingMax bounds the incoming connections that have not ended their handshake.
	// When one more comes, the oldest of them is closed: an honest one is never old.
	pendingMax = 64
	// inboundMax bounds the nodes that are connected at a time. Each has one connection
	// for each lane, at most.
	inboundMax = 1024
	// acceptPauseMax bounds the pause after an accept failed, as for want of files.
	acceptPauseMax = time.Second
)

var errHandshakeTimeout = errors.New("the handshake took too long")

// accept accepts until the listener is closed. It neither ends nor spins when the
// process has run out of files.
func (t *Transport) accept() {
	pause := time.Millisecond
	for {
		conn, err := t.listener.Accept()
		if err == nil {
			pause = time.Millisecond
			t.admit(conn)
			continue
		}
		if t.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		t.log.warn("cannot accept connections", reason(err), "reason", err.Error())
		select {
		case <-time.After(pause):
			pause = min(2*pause, acceptPauseMax)
		case <-t.ctx.Done():
			return
		}
	}
}

// admit starts the goroutine of an incoming connection.
func (t *Transport) admit(conn net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = conn.Close()
		return
	}
	if len(t.pending) >= pendingMax {
		t.log.warn("too many connections without handshake", "")
		_ = t.pending[0].Close() // Its goroutine notices.
		t.pending = t.pending[1:]
	}
	t.pending = append(t.pending, conn)
	t.running.Go(func() { t.receive(conn) })
}

// receive sees an incoming connection from its beginning to its end.
func (t *Transport) receive(raw net.Conn) {
	conn, h, err := t.welcome(raw)
	t.mu.Lock()
	t.pending = slices.DeleteFunc(t.pending, func(other net.Conn) bool { return other == raw })
	t.mu.Unlock()
	if err == nil {
		err = t.read(conn, h.from)
	}
	_ = raw.Close() // Why it ends is known already.
	if conn != nil {
		t.release(conn, h.from, h.lane)
	}
	if t.ctx.Err() == nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		host, _, _ := net.SplitHostPort(raw.RemoteAddr().String())
		level := slog.LevelWarn
		if conn != nil && passes(err) {
			level = slog.LevelInfo // A peer that was killed, say; who dials it hears of it, too.
		}
		t.log.log(level, "incoming connection ended", host+"\x00"+reason(err),
			"remote", raw.RemoteAddr().String(), "peer", uint64(h.from), "reason", err.Error())
	}
}

// welcome makes the acceptor's side of the handshake. The hello returned is what the
// other end says of itself, also when it is refused.
func (t *Transport) welcome(raw net.Conn) (*connection, hello, error) {
	ctx, cancel := context.WithTimeoutCause(t.ctx, t.options.HandshakeTimeout, errHandshakeTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
	conn := &connection{Conn: raw, raw: raw, done: make(chan struct{})}
	h, verdict, err := t.examine(ctx, conn)
	if verdict == statusNone {
		return nil, hello{}, because(ctx, err)
	}
	if verdict == statusOK && !t.adopt(conn, h.from, h.lane) {
		verdict, err = statusBusy, fmt.Errorf("%w: %v", errRefused, statusBusy)
	}
	answer := t.hello(h.from, h.lane, verdict)
	_, writeErr := conn.Write(answer.encode())
	if verdict != statusOK {
		return nil, h, err
	}
	if writeErr == nil {
		t.meet(h.from, h.incarnation)
		t.learn(h.from, h.address)
	}
	return conn, h, writeErr
}

// examine reads the dialler's hello and returns the verdict, statusNone if there is
// nothing to answer. Unless the verdict is statusOK the error says why.
func (t *Transport) examine(ctx context.Context, conn *connection) (hello, status, error) {
	proves := func(wire.NodeID) bool { return true }
	if o := t.options.TLS; o != nil {
		secure, err := o.accepted(ctx, conn.raw)
		if err != nil {
			return hello{}, statusNone, err
		}
		conn.Conn = secure
		proves = func(node wire.NodeID) bool { return o.proves(secure, node) }
	}
	h, err := readHello(conn)
	if errors.Is(err, errVersion) {
		return h, statusVersion, err
	}
	if err != nil {
		return h, statusNone, err
	}
	verdict := t.judge(h)
	if verdict == statusOK && !proves(h.from) {
		verdict = statusNotProven
	}
	if verdict != statusOK {
		err = fmt.Errorf("%w: %v: cluster %v, from node %d, for node %d, lane %d", errRefused, verdict, h.cluster, h.from, h.to, h.lane)
	}
	return h, verdict, err
}

// adopt makes the connection the one that delivers the messages of one lane of the
// peer, after the earlier one, if there is one, has delivered its last. It returns
// false if too many nodes are connected.
func (t *Transport) adopt(conn *connection, peer wire.NodeID, kind laneKind) bool {
	t.mu.Lock()
	earlier := t.inbound[kind][peer]
	if t.closed || (earlier == nil && len(t.inbound[kind]) >= inboundMax) {
		t.mu.Unlock()
		return false
	}
	t.inbound[kind][peer] = conn
	t.mu.Unlock()
	if earlier != nil {
		_ = earlier.Close() // It is of no use any more.
		<-earlier.done
	}
	if p := t.peer(peer); p != nil {
		p.isBack() // No need to wait for the next attempt.
	}
	return true
}

// learnedMax bounds the peers that are known because they connected.
const learnedMax = 256

// learn makes a node that connected a peer, if it was none, so that it can be
// answered; see raft.Transport.
func (t *Transport) learn(id wire.NodeID, address string) {
	if address != "" && t.peer(id) == nil && len(*t.peers.Load()) < learnedMax {
		t.Connect(id, address)
	}
}

// release says that nothing more of an adopted connection is delivered.
func (t *Transport) release(conn *connection, peer wire.NodeID, kind laneKind) {
	t.mu.Lock()
	if t.inbound[kind][peer] == conn {
		delete(t.inbound[kind], peer)
	}
	t.mu.Unlock()
	close(conn.done)
}

// read delivers what arrives until the connection ends.
func (t *Transport) read(conn net.Conn, peer wire.NodeID) error {
	frames := newFrameReader(conn, t.options.FrameBytesMax)
	for {
		batch, err := frames.next()
		if err != nil {
			return err
		}
		t.deliver(peer, batch)
	}
}
