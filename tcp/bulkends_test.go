// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// cutConn breaks in the middle of a write, once so many bytes have been written.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Write(data []byte) (int, error) {
	if c.left -= len(data); c.left > 0 {
		return c.Conn.Write(data)
	}
	n, _ := c.Conn.Write(data[:len(data)+c.left])
	_ = c.Close()
	return n, errors.New("cut")
}

// TestBulkConnectionBreaks cuts bulk connections in the middle of frames. The main one
// stays, and what is sent afterwards arrives.
func TestBulkConnectionBreaks(t *testing.T) {
	options := testOptions(1)
	var dials atomic.Int32
	options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if n := dials.Add(1); err == nil && n >= 2 && n <= 4 { // The first is the main one.
			return &cutConn{Conn: conn, left: helloBytes + 300_000}, nil
		}
		return conn, err
	}
	a, b := startNode(t, options), startNode(t, testOptions(2))
	a.connect(t, b)
	a.send(t, 2, heartbeat(1))
	last, number := -1, 0
	for deadline := time.Now().Add(patience); dials.Load() < 5 || last < 0; {
		if number++; time.Now().After(deadline) {
			t.Fatalf("dialled %d times only", dials.Load())
		}
		a.Send(2, chunk(number, 100_000))
		a.send(t, 2, heartbeat(wire.Term(number)))
		for len(b.deliveries) > 0 {
			for _, e := range b.receive(t).batch {
				if !wire.IsBulk(e.Message) {
					continue
				}
				if got := numberOf(e); got <= last {
					t.Fatalf("message %d came after %d", got, last)
				} else if dials.Load() == 5 {
					last = got
				}
			}
		}
		pause()
	}
	b.lines.await(t, "incoming connection ended", "peer=1", "unexpected EOF")
	_ = a.Close()
	close(a.lines)
	for line := range a.lines {
		if strings.Contains(line, laneMain.noConnection()) || strings.Contains(line, laneMain.connected()) {
			t.Errorf("the main connection was affected: %s", line)
		}
	}
	if len(a.unreachable) > 0 {
		t.Error("the peer was reported unreachable")
	}
}

// TestBulkCannotConnect refuses the bulk connection for a while.
func TestBulkCannotConnect(t *testing.T) {
	options := testOptions(1)
	var dials atomic.Int32
	options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if n := dials.Add(1); n >= 2 && n <= 5 {
			return nil, errors.New("no more of them")
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	a, b := startNode(t, options), startNode(t, testOptions(2))
	a.connect(t, b)
	refused := 0
	for deadline := time.Now().Add(patience); dials.Load() < 5; pause() {
		if !a.Send(2, chunk(1, 1000)) {
			refused++
		}
		if time.Now().After(deadline) {
			t.Fatalf("dialled %d times only", dials.Load())
		}
	}
	if refused == 0 {
		t.Error("between two attempts bulk messages are kept")
	}
	b.awaitBulkFrom(t, a) // What is sent before the fifth has failed is lost.
	a.lines.await(t, laneBulk.noConnection(), "level=INFO", "no more of them")
	if len(a.unreachable) > 0 {
		t.Error("the peer was reported unreachable")
	}
}

// sizedConn notes its send buffer.
type sizedConn struct {
	*net.TCPConn
	sizes chan int
}

func (c *sizedConn) SetWriteBuffer(bytes int) error {
	c.sizes <- bytes
	return c.TCPConn.SetWriteBuffer(bytes)
}

// TestBulkSocketIsSmall checks that the buffer of the bulk connection is set, and no other.
func TestBulkSocketIsSmall(t *testing.T) {
	options := testOptions(1)
	options.BulkSocketBytes = 12345
	sizes := make(chan int, 10)
	options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &sizedConn{conn.(*net.TCPConn), sizes}, nil
	}
	a, b := startNode(t, options), startNode(t, testOptions(2))
	a.connect(t, b)
	if len(sizes) > 0 {
		t.Error("the main connection's buffer was set")
	}
	a.send(t, 2, chunk(1, 1<<20))
	b.receiveChunk(t)
	if len(sizes) != 1 || <-sizes != 12345 {
		t.Error("the bulk connection's buffer was not set")
	}
}

// TestBulkIsNotDialledForNothing sends nothing in bulk, while connections come and go.
func TestBulkIsNotDialledForNothing(t *testing.T) {
	options := testOptions(1)
	var dials atomic.Int32
	options.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	a := startNode(t, options)
	for round := range 3 {
		b := startNode(t, testOptions(2))
		a.connect(t, b)
		a.send(t, 2, heartbeat(1))
		b.receive(t)
		a.Connect(2, "")
		a.awaitUnreachable(t, 2)
		if n := int(dials.Load()); n != round+1 {
			t.Fatalf("dialled %d times for %d connections", n, round+1)
		}
	}
}

// TestBulkMovesWithTheAddress has a bulk connection, and a message, when the peer moves.
func TestBulkMovesWithTheAddress(t *testing.T) {
	a := startNode(t, testOptions(1))
	for range 5 {
		b := startNode(t, testOptions(2))
		a.connect(t, b)
		b.awaitBulkFrom(t, a) // The first may be lost with the connection to the old address.
	}
}

// TestLanesAreReplacedOneByOne has a stranger that connects for each lane, twice.
func TestLanesAreReplacedOneByOne(t *testing.T) {
	b := startNode(t, testOptions(2))
	connect := func(kind laneKind) stranger {
		conn := dialStranger(t, b)
		if answer := conn.greetFor(t, 2, kind); answer.status != statusOK || answer.lane != kind {
			t.Fatalf("answer %+v", answer)
		}
		return conn
	}
	main, bulk := connect(laneMain), connect(laneBulk)
	newBulk := connect(laneBulk)
	bulk.awaitEnd(t)
	main.write(frameOf(heartbeat(1)))
	b.receive(t)
	newMain := connect(laneMain)
	main.awaitEnd(t)
	for _, conn := range []stranger{newBulk, newMain} {
		conn.write(frameOf(chunk(1, 10)))
		b.receive(t)
	}
	if b.inboundOn(laneMain) != 1 || b.inboundOn(laneBulk) != 1 {
		t.Errorf("%d and %d connections", b.inboundOn(laneMain), b.inboundOn(laneBulk))
	}
}

// TestBulkGarbage sends what is no frame on a bulk connection. The main one stays.
func TestBulkGarbage(t *testing.T) {
	whole := frameOf(chunk(1, 1000))
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)-1]++
	for name, test := range map[string]struct {
		bytes []byte
		cut   bool
		want  string
	}{
		"no frame":  {make([]byte, 5000), false, "malformed frame"},
		"oversized": {rawHeader(1<<32-1, 0), false, "the most is 67108864"},
		"damaged":   {damaged, false, "checksum does not match"},
		"a hello":   {(&hello{version: wire.Version}).encode(), false, "checksum does not match"},
		"cut":       {whole[:len(whole)-1], true, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startNode(t, testOptions(2))
			main, bulk := dialStranger(t, b), dialStranger(t, b)
			main.greet(t, 2)
			bulk.greetFor(t, 2, laneBulk)
			bulk.write(test.bytes)
			if test.cut {
				_ = bulk.Close()
			} else {
				bulk.awaitEnd(t)
			}
			b.lines.await(t, "incoming connection ended", test.want, "peer=9")
			main.write(frameOf(heartbeat(1)))
			if d := b.receive(t); termOf(d.batch[0]) != 1 {
				t.Errorf("delivered %v", d)
			}
			again := dialStranger(t, b)
			again.greetFor(t, 2, laneBulk)
			again.write(whole)
			b.receiveChunk(t)
		})
	}
}
