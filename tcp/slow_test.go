// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// deafPeer listens as node 2 does, accepts every hello, and never reads again.
func deafPeer(t *testing.T) (address string) {
	t.Helper()
	answer := hello{version: wire.Version, status: statusOK, lane: laneMain, cluster: testCluster, from: 2, to: 1}
	return answering(t, answer.encode())
}

func TestPeerThatNeverReads(t *testing.T) {
	options := testOptions(1)
	options.LaneBytesMax, options.WriteTimeout = 4<<20, time.Second
	a := startNode(t, options)
	a.Connect(2, deafPeer(t))
	a.awaitConnected(t)
	block := wire.Envelope{Group: 1, Message: &wire.ForwardProposals{Commands: [][]byte{make([]byte, 64<<10)}}}
	const sockets = 32 << 20 // more than the buffers of both sockets
	taken, refused := 0, 0
	for len(a.unreachable) == 0 {
		if a.Send(2, block) {
			taken += block.Size()
			continue
		}
		refused++
		pause()
	}
	if taken > options.LaneBytesMax+sockets || taken < options.LaneBytesMax/2 || refused == 0 {
		t.Errorf("took %d bytes, refused %d times", taken, refused)
	}
	a.awaitUnreachable(t, 2)
	a.lines.await(t, "level=WARN", "no connection to peer", "i/o timeout")
	a.awaitConnected(t)
	a.send(t, 2, block) // What waited was lost with the connection, so there is room.
}

// stuckConn is a connection whose writes hang, once it is told so, until it is closed.
type stuckConn struct {
	net.Conn
	stuck   atomic.Bool
	writing chan struct{} // gets one for each write that hangs
	closed  chan struct{}
	once    sync.Once
}

func (c *stuckConn) Write(data []byte) (int, error) {
	if !c.stuck.Load() {
		return c.Conn.Write(data)
	}
	c.writing <- struct{}{}
	<-c.closed
	return 0, net.ErrClosed
}

func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestCloseWithStuckPeer checks that Close does not wait for a write to end.
func TestCloseWithStuckPeer(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			first, second := testOptions(1), testOptions(2)
			if secure {
				ca := newAuthority(t)
				first.TLS, second.TLS = ca.node(t, 1), ca.node(t, 2)
			}
			stuck := &stuckConn{writing: make(chan struct{}, 10), closed: make(chan struct{})}
			first.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				stuck.Conn = conn
				return stuck, err
			}
			a, b := startNode(t, first), startNode(t, second)
			a.connect(t, b)
			stuck.stuck.Store(true)
			a.send(t, 2, heartbeat(1))
			<-stuck.writing
			if !a.Send(2, heartbeat(2)) {
				t.Error("the lane is open, but refuses")
			}
			closed := make(chan error, 1)
			go func() { closed <- a.Close() }()
			select {
			case err := <-closed:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Fatal("close hangs")
			}
		})
	}
}

func TestLane(t *testing.T) {
	l := newLane(100)
	put := func(size int) bool {
		taken, _ := l.put(heartbeat(1), size)
		return taken
	}
	if put(10) {
		t.Error("a closed lane took a message")
	}
	l.setOpen(true)
	for i, test := range []struct {
		size int
		want bool
	}{{200, true}, {1, false}} {
		if got := put(test.size); got != test.want {
			t.Errorf("%d: an empty lane takes everything, a full one nothing: %v", i, got)
		}
	}
	if taken := l.take(nil); len(taken) != 1 || put(1) {
		t.Error("what is taken must count until it is released")
	}
	l.release(200)
	for range 10 {
		if !put(10) {
			t.Error("refused below the bound")
		}
	}
	if put(1) {
		t.Error("took beyond the bound")
	}
	if l.setOpen(false); put(1) || len(l.take(nil)) > 0 {
		t.Error("closing did not empty the lane")
	}
}

func TestJournal(t *testing.T) {
	j, now := newJournal(nil), time.Unix(1000, 0)
	due := func(key string, wantMissed int, want bool) {
		t.Helper()
		if missed, got := j.isDue(key, now); got != want || missed != wantMissed {
			t.Errorf("%s: %v with %d missed, want %v with %d", key, got, missed, want, wantMissed)
		}
	}
	due("a", 0, true)
	due("a", 0, false)
	due("b", 1, true)
	now = now.Add(journalPeriod - 1)
	due("a", 0, false)
	now = now.Add(1)
	due("a", 1, true)
	for i := range journalKeysMax - 1 {
		due(string(rune(1000+i)), 0, true)
	}
	due("one too many", 0, false)
	now = now.Add(journalPeriod)
	due("one too many", 1, true)
}

func TestReasonHasNoPorts(t *testing.T) {
	options := testOptions(1)
	a := listenNode(t, options)
	address := a.Addr().String()
	_ = a.Close()
	if _, err := net.Dial("tcp", address); err == nil || reason(err) != "dial: connect: connection refused" {
		t.Errorf("reason is %q", reason(err))
	}
}
