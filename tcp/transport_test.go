// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

func TestExchangeInOrder(t *testing.T) {
	const messages = 20_000
	a, b := startNode(t, testOptions(1)), startNode(t, testOptions(2))
	a.connect(t, b)
	b.connect(t, a)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for term := range wire.Term(messages) {
			for !b.Send(1, heartbeat(term)) {
				pause()
			}
		}
	}()
	for term := range wire.Term(messages) {
		a.send(t, 2, heartbeat(term))
	}
	for _, end := range []struct {
		to   *node
		from wire.NodeID
	}{{b, 1}, {a, 2}} {
		next := wire.Term(0)
		for next < messages {
			d := end.to.receive(t)
			if d.from != end.from {
				t.Fatalf("from %d, want %d", d.from, end.from)
			}
			for _, envelope := range d.batch {
				if envelope.Group != 1 || termOf(envelope) != next {
					t.Fatalf("got message %d in group %d, want %d", termOf(envelope), envelope.Group, next)
				}
				next++
			}
		}
	}
	<-sent
}

func TestLargeMessages(t *testing.T) {
	options := testOptions(2)
	options.FrameBytesMax = 5 << 20
	a, b := startNode(t, testOptions(1)), startNode(t, options)
	a.connect(t, b)
	large := func(size int) wire.Envelope {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i % 251)
		}
		entry := wire.Entry{Index: 1, Term: 1, Kind: wire.EntryCommand, Data: data}
		return wire.Envelope{Group: 3, Message: &wire.AppendEntries{Term: 1, Entries: []wire.Entry{entry}}}
	}
	sizes := []int{frameBytesGoal, 0, readBufferBytes, 5<<20 - 200, 100}
	for _, size := range sizes {
		a.send(t, 2, large(size))
	}
	var got []wire.Envelope
	for len(got) < len(sizes) {
		got = append(got, b.receive(t).batch...)
	}
	for i, size := range sizes {
		data := got[i].Message.(*wire.AppendEntries).Entries[0].Data
		want := large(size).Message.(*wire.AppendEntries).Entries[0].Data
		if !bytes.Equal(data, want) {
			t.Errorf("message %d of %d bytes is damaged, it has %d", i, size, len(data))
		}
	}
}

func TestMessageLargerThanAFrameIsRefused(t *testing.T) {
	options := testOptions(1)
	options.FrameBytesMax = 1000
	a, b := startNode(t, options), startNode(t, testOptions(2))
	a.connect(t, b)
	command := wire.Envelope{Group: 1, Message: &wire.ForwardProposals{Commands: [][]byte{make([]byte, 1000)}}}
	if a.Send(2, command) {
		t.Error("message was taken")
	}
	a.lines.await(t, "too large")
}

func TestRefusedWithoutConnection(t *testing.T) {
	options := testOptions(1)
	options.Dial = failDial
	a := startNode(t, options)
	a.Connect(1, a.Addr().String())
	a.Connect(2, "nowhere")
	for _, to := range []wire.NodeID{1, 2, 3} {
		if a.Send(to, heartbeat(1)) {
			t.Errorf("message to %d was taken", to)
		}
	}
	for range 5 {
		a.awaitUnreachable(t, 2)
	}
	_ = a.Close()
	close(a.lines)
	warnings := 0
	for line := range a.lines {
		warnings += strings.Count(line, "no connection to peer")
	}
	if warnings != 1 {
		t.Errorf("the same failure was logged %d times", warnings)
	}
}

func TestReconnectAfterRestart(t *testing.T) {
	a, b := startNode(t, testOptions(1)), startNode(t, testOptions(2))
	address := b.Addr().String()
	a.connect(t, b)
	for range 3 {
		_ = b.Close()
		a.awaitUnreachable(t, 2)
		options := testOptions(2)
		options.Address = address
		b = startNode(t, options)
		a.awaitConnected(t)
		a.send(t, 2, heartbeat(7))
		if d := b.receive(t); len(d.batch) != 1 || termOf(d.batch[0]) != 7 {
			t.Fatalf("got %v", d)
		}
		for len(a.unreachable) > 0 {
			<-a.unreachable
		}
	}
}

func TestIncomingConnectionEndsTheWait(t *testing.T) {
	options := testOptions(1)
	options.BackoffMin, options.BackoffMax = time.Hour, time.Hour
	a, b := startNode(t, options), listenNode(t, testOptions(2))
	address := b.Addr().String()
	_ = b.Close()
	a.Connect(2, address)
	a.awaitUnreachable(t, 2)
	options = testOptions(2)
	options.Address = address
	b = startNode(t, options)
	b.connect(t, a)
	a.awaitConnected(t)
}

func TestConnectWithAnotherAddress(t *testing.T) {
	a, b := startNode(t, testOptions(1)), startNode(t, testOptions(2))
	a.connect(t, b)
	moved := startNode(t, testOptions(2))
	a.connect(t, moved)
	a.awaitUnreachable(t, 2)
	a.send(t, 2, heartbeat(1))
	moved.receive(t)

	a.Connect(2, "")
	a.awaitUnreachable(t, 2)
	if a.Send(2, heartbeat(2)) {
		t.Error("message was taken for a peer without address")
	}
	a.connect(t, b)
	a.send(t, 2, heartbeat(3))
	if d := b.receive(t); termOf(d.batch[0]) != 3 {
		t.Errorf("got %v", d)
	}
}

func TestAddressIsResolvedAtEachConnect(t *testing.T) {
	b := startNode(t, testOptions(2))
	asked := make(chan string, 100)
	options := testOptions(1)
	options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		asked <- address
		return new(net.Dialer).DialContext(ctx, network, b.Addr().String())
	}
	a := startNode(t, options)
	a.Connect(2, "b.example:7")
	a.awaitConnected(t)
	startNode(t, options).Connect(2, "b.example:7") // Takes the place of a's connection, which a makes again.
	for range 3 {
		if address := <-asked; address != "b.example:7" {
			t.Errorf("dialled %s", address)
		}
	}
}

func TestNewerConnectionReplacesOlder(t *testing.T) {
	b := startNode(t, testOptions(2))
	older := dialStranger(t, b)
	older.greet(t, 2)
	older.write(frameOf(heartbeat(1)))
	b.receive(t)
	newer := dialStranger(t, b)
	newer.greet(t, 2)
	older.awaitEnd(t)
	newer.write(frameOf(heartbeat(2)))
	if d := b.receive(t); d.from != 9 || termOf(d.batch[0]) != 2 {
		t.Errorf("got %v", d)
	}
}

func TestListenErrors(t *testing.T) {
	a := listenNode(t, testOptions(1))
	options := testOptions(2)
	options.Address = a.Addr().String()
	if _, err := Listen(options); err == nil {
		t.Error("the same port twice")
	}
	for name, change := range map[string]func(*Options){
		"no address": func(o *Options) { o.Address = "" },
		"no node":    func(o *Options) { o.Node = 0 },
		"no cluster": func(o *Options) { o.Cluster = wire.ClusterID{} },
		"frame":      func(o *Options) { o.FrameBytesMax = -1 },
		"large":      func(o *Options) { o.FrameBytesMax = 1<<30 + 1 },
		"lane":       func(o *Options) { o.LaneBytesMax = -1 },
		"bulk lane":  func(o *Options) { o.BulkLaneBytesMax = -1 },
		"bulk buf":   func(o *Options) { o.BulkSocketBytes = -1 },
		"bulk idle":  func(o *Options) { o.BulkIdleTimeout = -1 },
		"dial":       func(o *Options) { o.DialTimeout = -1 },
		"handshake":  func(o *Options) { o.HandshakeTimeout = -1 },
		"write":      func(o *Options) { o.WriteTimeout = -1 },
		"back-off":   func(o *Options) { o.BackoffMin = 2 * o.BackoffMax },
		"TLS":        func(o *Options) { o.TLS = &TLSOptions{} },
	} {
		options := testOptions(1)
		change(&options)
		if _, err := Listen(options); !errors.Is(err, ErrInvalidOptions) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestStartAndCloseOnce(t *testing.T) {
	a := startNode(t, testOptions(1))
	if err := a.Start(nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("second start: %v", err)
	}
	for range 2 {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	a.Connect(2, "127.0.0.1:1")
	if a.Send(2, heartbeat(1)) {
		t.Error("a closed transport took a message")
	}
	b := listenNode(t, testOptions(2))
	_ = b.Close()
	if err := b.Start(nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
}

// TestCloseLeavesNothing closes transports in all kinds of states and looks for
// goroutines of this package that are left.
func TestCloseLeavesNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	a, b := startNode(t, testOptions(1)), startNode(t, testOptions(2))
	a.connect(t, b)
	b.connect(t, a)
	a.Connect(3, "127.0.0.1:1")               // refuses
	a.Connect(4, silent.Addr().String())      // never answers
	a.Connect(6, "")                          // has no address
	dialStranger(t, a)                        // says nothing
	dialStranger(t, a).greet(t, 1)            // says no more
	dialStranger(t, a).write([]byte("balsa")) // stops in between
	a.awaitUnreachable(t, 3)
	a.Connect(5, b.Addr().String()) // is another node
	a.send(t, 4, chunk(1, 1000))    // has one tried for bulk
	a.send(t, 2, chunk(1, 1000))    // has one made
	b.receive(t)
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{a, b} {
		if len(n.inbound[laneMain])+len(n.inbound[laneBulk])+len(n.pending) > 0 {
			t.Error("connections are left")
		}
	}
	deadline := time.Now().Add(patience) // The last instructions of a goroutine follow its last effect.
	for {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "tcp.(*Transport)") && !strings.Contains(stacks, "tcp.(*link)") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left:\n%s", stacks)
		}
		runtime.Gosched()
	}
}
