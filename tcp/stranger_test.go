// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// stranger is a bare connection to a node.
type stranger struct{ net.Conn }

func dialStranger(t testing.TB, to *node) stranger {
	t.Helper()
	conn, err := net.Dial("tcp", to.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return stranger{conn}
}

// write writes what the other end may or may not read to the end.
func (s stranger) write(data []byte) { _, _ = s.Write(data) }

// greet makes the handshake as node 9 would, for the main lane, and returns the answer.
func (s stranger) greet(t testing.TB, to wire.NodeID) hello {
	t.Helper()
	return s.greetFor(t, to, laneMain)
}

func (s stranger) greetFor(t testing.TB, to wire.NodeID, kind laneKind) hello {
	t.Helper()
	h := hello{version: wire.Version, lane: kind, cluster: testCluster, from: 9, to: to}
	s.write(h.encode())
	answer, err := readHello(s)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// awaitEnd waits until the other end closes, without having sent anything more.
func (s stranger) awaitEnd(t testing.TB) {
	t.Helper()
	n, err := io.Copy(io.Discard, s)
	if timeout, ok := err.(net.Error); n > 0 || (ok && timeout.Timeout()) {
		t.Fatalf("got %d bytes, error %v; want the end", n, err)
	}
}

// frameOf returns one frame with the messages.
func frameOf(messages ...wire.Envelope) []byte {
	frame, _, _ := appendFrame(nil, messages, FrameBytesMaxDefault)
	return frame
}
