// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// receiveChunk returns the next bulk message.
func (n *node) receiveChunk(t testing.TB) wire.Envelope {
	t.Helper()
	for {
		for _, e := range n.receive(t).batch {
			if wire.IsBulk(e.Message) {
				return e
			}
		}
	}
}

// awaitBulkFrom has another node send in bulk until something arrives.
func (n *node) awaitBulkFrom(t testing.TB, from *node) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(n.deliveries) == 0; pause() {
		from.Send(n.options.Node, chunk(1, 1000))
		if time.Now().After(deadline) {
			t.Fatal("no bulk message has arrived")
		}
	}
}

// inboundOn returns how many incoming connections there are for a lane.
func (n *node) inboundOn(kind laneKind) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.inbound[kind])
}

// bulkOptions are those of two nodes, in plain or with TLS.
func bulkOptions(t testing.TB, secure bool) (first, second Options) {
	first, second = testOptions(1), testOptions(2)
	if secure {
		ca := newAuthority(t)
		first.TLS, second.TLS = ca.node(t, 1), ca.node(t, 2)
	}
	return first, second
}

// TestBulkComesAndGoes checks that the bulk connection is made for the first message,
// which is not lost, ends when it is idle, and is made again; and that nobody is
// troubled by it.
func TestBulkComesAndGoes(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			first, second := bulkOptions(t, secure)
			first.BulkIdleTimeout = 30 * time.Millisecond
			a, b := startNode(t, first), startNode(t, second)
			a.connect(t, b)
			a.send(t, 2, heartbeat(1))
			b.receive(t)
			if n := b.inboundOn(laneBulk); n != 0 {
				t.Fatalf("%d bulk connections, and nothing was sent in bulk", n)
			}
			for round := range 3 {
				for number := range 5 {
					a.send(t, 2, chunk(10*round+number, 256<<10))
				}
				for number := range 5 {
					if got := numberOf(b.receiveChunk(t)); got != 10*round+number {
						t.Fatalf("round %d: message %d came as number %d", round, got, number)
					}
				}
				a.lines.awaitWithout(t, "level=WARN", "bulk lane is disconnected", errIdle.Error())
			}
			if len(a.unreachable) > 0 {
				t.Error("the peer was reported unreachable")
			}
			_ = b.Close()
			close(b.lines)
			for line := range b.lines {
				if strings.Contains(line, "level=WARN") {
					t.Errorf("logged: %s", line)
				}
			}
		})
	}
}

// sendOneByOne sends so many bulk messages to another node, each when the one before has arrived.
func (n *node) sendOneByOne(t testing.TB, to *node, count int) {
	t.Helper()
	for number := range count {
		n.send(t, to.options.Node, chunk(number, 1000))
		if got := numberOf(to.receiveChunk(t)); got != number {
			t.Fatalf("got %d, want %d", got, number)
		}
	}
}

// TestIdleBulkConnectionStaysInUse sends with pauses that are shorter than the time-out.
func TestIdleBulkConnectionStaysInUse(t *testing.T) {
	options := testOptions(1)
	options.BulkIdleTimeout = time.Hour
	a, b := startNode(t, options), startNode(t, testOptions(2))
	a.connect(t, b)
	a.sendOneByOne(t, b, 20)
	_ = a.Close()
	close(a.lines)
	connections := 0
	for line := range a.lines {
		if strings.Contains(line, laneBulk.connected()) {
			connections++
		}
	}
	if connections != 1 {
		t.Errorf("%d bulk connections were made", connections)
	}
}

// TestBulkSurvivesIdleEnds sends one message after the other has arrived, over connections
// that end as soon as they are idle. None is lost, whenever it comes.
func TestBulkSurvivesIdleEnds(t *testing.T) {
	options := testOptions(1)
	options.BulkIdleTimeout = time.Nanosecond
	a, b := startNode(t, options), startNode(t, testOptions(2))
	a.connect(t, b)
	a.sendOneByOne(t, b, 500)
}

// TestBulkLaneIsBounded has a bulk connection that takes for ever to be made.
func TestBulkLaneIsBounded(t *testing.T) {
	options := testOptions(1)
	options.BulkLaneBytesMax = 1 << 20
	var dials atomic.Int32
	options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	a, b := startNode(t, options), startNode(t, testOptions(2))
	a.connect(t, b)
	message := chunk(1, 100_000)
	a.send(t, 2, message)
	taken := message.Size()
	for a.Send(2, message) {
		taken += message.Size()
	}
	if taken > options.BulkLaneBytesMax || taken+message.Size() <= options.BulkLaneBytesMax {
		t.Errorf("%d bytes are waiting, of at most %d", taken, options.BulkLaneBytesMax)
	}
}

// holding is a node whose deliver waits before it takes messages of one lane.
func holding(t *testing.T, options Options, bulk bool) (n *node, release func()) {
	t.Helper()
	n = listenNode(t, options)
	held := make(chan struct{})
	var once sync.Once
	release = func() { once.Do(func() { close(held) }) }
	t.Cleanup(release) // Before the node is closed.
	deliver := func(from wire.NodeID, batch []wire.Envelope) {
		if wire.IsBulk(batch[0].Message) == bulk {
			<-held
		}
		n.deliveries <- delivery{from, batch}
	}
	if err := n.Start(deliver, func(wire.NodeID) {}); err != nil {
		t.Fatal(err)
	}
	return n, release
}

// TestLanesDoNotWaitForEachOther has a peer that takes nothing on one lane.
func TestLanesDoNotWaitForEachOther(t *testing.T) {
	large := wire.Envelope{Group: 1, Message: &wire.ForwardProposals{Commands: [][]byte{make([]byte, 256<<10)}}}
	for name, test := range map[string]struct {
		bulk        bool
		stuck, free wire.Envelope
	}{
		"bulk is stuck": {true, chunk(1, 256<<10), heartbeat(7)},
		"main is stuck": {false, large, chunk(7, 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			options := testOptions(1)
			options.LaneBytesMax = 8 << 20
			a := startNode(t, options)
			b, release := holding(t, testOptions(2), test.bulk)
			a.connect(t, b)
			const sockets = 32 << 20 // more than the buffers of both sockets
			a.send(t, 2, test.stuck)
			for taken := 0; a.Send(2, test.stuck); taken += test.stuck.Size() {
				if taken > BulkLaneBytesMaxDefault+sockets {
					t.Fatal("the lane is endless")
				}
			}
			for range 200 { // One at a time: each has to get through before the next is sent.
				a.send(t, 2, test.free)
				if d := b.receive(t); len(d.batch) != 1 || wire.IsBulk(d.batch[0].Message) == test.bulk {
					t.Fatalf("%d messages delivered, the first a %v", len(d.batch), d.batch[0].Message.Kind())
				}
			}
			if len(a.unreachable) > 0 {
				t.Error("the peer was reported unreachable")
			}
			release()
			if d := b.receive(t); wire.IsBulk(d.batch[0].Message) != test.bulk {
				t.Errorf("a %v was delivered", d.batch[0].Message.Kind())
			}
		})
	}
}

// TestBulkKeepsOrder sends on both lanes, with an idle time-out that is always just over:
// a bulk connection takes the place of one that has not delivered all yet. Bulk may be
// lost then, but neither repeated nor reordered; nothing else is lost.
func TestBulkKeepsOrder(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			first, second := bulkOptions(t, secure)
			first.BulkIdleTimeout = time.Nanosecond
			a, b := startNode(t, first), startNode(t, second)
			a.connect(t, b)
			const messages = 300
			var sending sync.WaitGroup
			var enough atomic.Bool
			sending.Go(func() {
				for number := 1; !enough.Load(); number++ {
					for !a.Send(2, chunk(number, 10_000)) && !enough.Load() {
						pause()
					}
				}
			})
			for term := range wire.Term(messages) {
				a.send(t, 2, heartbeat(term))
			}
			next, arrived, last := wire.Term(0), 0, 0
			for next < messages || arrived < messages {
				for _, e := range b.receive(t).batch {
					if !wire.IsBulk(e.Message) {
						if termOf(e) != next {
							t.Errorf("got %d, want %d", termOf(e), next)
						}
						next++
						continue
					}
					if numberOf(e) <= last {
						t.Errorf("%d came after %d", numberOf(e), last)
					}
					last, arrived = numberOf(e), arrived+1
				}
			}
			enough.Store(true)
			sending.Wait()
			if len(a.unreachable) > 0 {
				t.Error("the peer was reported unreachable")
			}
		})
	}
}
