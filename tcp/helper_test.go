// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

var testCluster = wire.ClusterID{1, 2, 3}

// lines is a log that tests read line by line.
type lines chan string

func newLines() lines { return make(chan string, 1<<14) }

func (l lines) Write(line []byte) (int, error) {
	select {
	case l <- string(line):
	default: // A full log is a test's own fault; it will wait in vain and say so.
	}
	return len(line), nil
}

// await returns the next line that has all the parts.
func (l lines) await(t testing.TB, parts ...string) string {
	t.Helper()
	return l.awaitWithout(t, "", parts...)
}

// awaitWithout does so, and no line before it may have the unwanted part, unless that is empty.
func (l lines) awaitWithout(t testing.TB, unwanted string, parts ...string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line := <-l:
			if unwanted != "" && strings.Contains(line, unwanted) {
				t.Errorf("logged: %s", line)
			}
			found := 0
			for _, part := range parts {
				if strings.Contains(line, part) {
					found++
				}
			}
			if found == len(parts) {
				return line
			}
		case <-timeout:
			t.Fatalf("no line with %q", parts)
		}
	}
}

// delivery is one call of deliver.
type delivery struct {
	from  wire.NodeID
	batch []wire.Envelope
}

// node is a transport and all that came out of it.
type node struct {
	*Transport
	lines       lines
	deliveries  chan delivery
	unreachable chan wire.NodeID
}

// testOptions are options for a node on a free port, with short times.
func testOptions(id wire.NodeID) Options {
	return Options{
		Address: "127.0.0.1:0", Node: id, Cluster: testCluster, Incarnation: wire.Incarnation(100 + id),
		BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond,
	}
}

func startNode(t testing.TB, options Options) *node {
	t.Helper()
	n := listenNode(t, options)
	n.start(t)
	return n
}

func listenNode(t testing.TB, options Options) *node {
	t.Helper()
	n := &node{lines: newLines(), deliveries: make(chan delivery, 1<<14), unreachable: make(chan wire.NodeID, 1<<14)}
	options.Logger = slog.New(slog.NewTextHandler(n.lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	transport, err := Listen(options)
	if err != nil {
		t.Fatal(err)
	}
	n.Transport = transport
	t.Cleanup(func() { _ = transport.Close() })
	return n
}

func (n *node) start(t testing.TB) {
	t.Helper()
	deliver := func(from wire.NodeID, batch []wire.Envelope) { n.deliveries <- delivery{from, batch} }
	unreachable := func(peer wire.NodeID) {
		select {
		case n.unreachable <- peer:
		default: // Nobody looks: the test is about something else.
		}
	}
	if err := n.Start(deliver, unreachable); err != nil {
		t.Fatal(err)
	}
}

// connect connects to another node and waits until messages can be sent.
func (n *node) connect(t testing.TB, to *node) {
	t.Helper()
	n.Connect(to.options.Node, to.Addr().String())
	n.awaitConnected(t)
}

// awaitConnected waits for the next connection that is made, until it takes messages.
func (n *node) awaitConnected(t testing.TB) {
	t.Helper()
	n.lines.await(t, "connected to peer")
}

// send sends, as soon as the lane takes it.
func (n *node) send(t testing.TB, to wire.NodeID, envelope wire.Envelope) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !n.Send(to, envelope) {
		if time.Now().After(deadline) {
			t.Fatal("message refused for too long")
		}
		pause()
	}
}

// pause lets other goroutines run before something is tried again.
func pause() { runtime.Gosched() }

// receive returns the next call of deliver.
func (n *node) receive(t testing.TB) delivery {
	t.Helper()
	select {
	case d := <-n.deliveries:
		return d
	case <-time.After(patience):
		t.Fatal("nothing was delivered")
		return delivery{}
	}
}

func (n *node) awaitUnreachable(t testing.TB, peer wire.NodeID) {
	t.Helper()
	select {
	case got := <-n.unreachable:
		if got != peer {
			t.Fatalf("node %d is unreachable, want %d", got, peer)
		}
	case <-time.After(patience):
		t.Fatal("no peer is unreachable")
	}
}

func heartbeat(term wire.Term) wire.Envelope {
	return wire.Envelope{Group: 1, Message: &wire.Heartbeat{Term: term}}
}

// chunk returns a bulk message that carries a number.
func chunk(number, size int) wire.Envelope {
	return wire.Envelope{Group: 1, Message: &wire.SnapshotChunk{
		ID: 1, Offset: uint64(number), Status: wire.ChunkData, Data: make([]byte, size),
	}}
}

// numberOf returns a bulk message's number.
func numberOf(e wire.Envelope) int { return int(e.Message.(*wire.SnapshotChunk).Offset) }

func termOf(e wire.Envelope) wire.Term { return e.Message.(*wire.Heartbeat).Term }

// failDial is a Dial that always fails.
func failDial(context.Context, string, string) (net.Conn, error) {
	return nil, fmt.Errorf("dialling is not allowed here")
}
