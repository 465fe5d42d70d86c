// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

func TestHelloRoundTrip(t *testing.T) {
	want := hello{
		version: wire.Version, status: statusBusy, lane: laneBulk, cluster: testCluster,
		from: 1 << 60, to: 1<<61 + 1, incarnation: 1<<62 + 2,
	}
	encoded := want.encode()
	got, err := readHello(iotest.OneByteReader(bytes.NewReader(encoded)))
	if err != nil || got != want || len(encoded) != helloBytes {
		t.Fatalf("got %+v, error %v", got, err)
	}
	for i := range encoded {
		damaged := bytes.Clone(encoded)
		damaged[i] ^= 4
		if _, err := readHello(bytes.NewReader(damaged)); err == nil {
			t.Errorf("byte %d was damaged, and nobody noticed", i)
		}
		if _, err := readHello(bytes.NewReader(encoded[:i])); err == nil {
			t.Errorf("a hello of %d bytes was taken", i)
		}
	}
}

// TestHelloPinned fails when the layout of the handshake changes, which the nodes
// of other versions would not understand.
func TestHelloPinned(t *testing.T) {
	h := hello{version: 1, status: 2, lane: 8, cluster: wire.ClusterID{3}, from: 4, to: 5, incarnation: 6, address: "a:7"}
	want := "balsaRFT\x01\x00\x00\x00\x02\x00\x00\x00\x08\x00\x00\x00\x03" + string(make([]byte, 15)) +
		"\x04\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00" +
		"\x03\x00a:7" + string(make([]byte, addressBytesMax-3))
	if got := h.encode(); string(got[:helloBytes-4]) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestHelloOfAnotherVersion(t *testing.T) {
	h := hello{version: wire.Version + 1}
	got, err := readHello(bytes.NewReader(h.encode()[:prologueBytes]))
	if !errors.Is(err, errVersion) || got.version != wire.Version+1 {
		t.Errorf("got %+v, error %v", got, err)
	}
}

// TestAcceptorRefuses sends hellos that are wrong and reads the answer.
func TestAcceptorRefuses(t *testing.T) {
	b := startNode(t, testOptions(2))
	good := hello{version: wire.Version, lane: laneMain, cluster: testCluster, from: 9, to: 2}
	for name, test := range map[string]struct {
		change func(*hello)
		want   status
	}{
		"cluster":   {func(h *hello) { h.cluster[0]++ }, statusWrongCluster},
		"version":   {func(h *hello) { h.version++ }, statusVersion},
		"version 0": {func(h *hello) { h.version = 0 }, statusVersion},
		"node":      {func(h *hello) { h.to = 3 }, statusWrongNode},
		"from none": {func(h *hello) { h.from = 0 }, statusWrongNode},
		"self":      {func(h *hello) { h.from = 2 }, statusSelf},
		"no lane":   {func(h *hello) { h.lane = 0 }, statusWrongLane},
		"lane":      {func(h *hello) { h.lane = laneBulk + 1 }, statusWrongLane},
	} {
		t.Run(name, func(t *testing.T) {
			h := good
			test.change(&h)
			conn := dialStranger(t, b)
			conn.write(append(h.encode()[:helloBytes:helloBytes], frameOf(heartbeat(1))...))
			answer, err := readHello(conn)
			if err != nil || answer.status != test.want || answer.from != 2 || answer.cluster != testCluster || answer.incarnation != 102 {
				t.Errorf("answer %+v, error %v", answer, err)
			}
			b.lines.await(t, "incoming connection ended", "remote=127.0.0.1:")
		})
	}
	conn := dialStranger(t, b)
	if answer := conn.greet(t, 2); answer.status != statusOK || answer.to != 9 {
		t.Errorf("answer %+v", answer)
	}
	conn.write(frameOf(heartbeat(77)))
	if d := b.receive(t); termOf(d.batch[0]) != 77 {
		t.Errorf("delivered from a refused connection: %v", d)
	}
}

// TestBothSidesLogRefusal connects nodes that must not talk.
func TestBothSidesLogRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		other          func(*Options)
		dials, accepts string
	}{
		"cluster": {func(o *Options) { o.Cluster[0]++ }, "different clusters: the peer's is 02", "different clusters: cluster 01"},
		"node":    {func(o *Options) { o.Node = 3 }, "another node than expected: it is node 3", "from node 1, for node 2"},
		"self":    {func(o *Options) { o.Node = 1 }, "it is node 1", "both ends have the same node ID"},
	} {
		t.Run(name, func(t *testing.T) {
			options := testOptions(2)
			test.other(&options)
			a, b := startNode(t, testOptions(1)), startNode(t, options)
			a.Connect(2, b.Addr().String())
			a.lines.await(t, "no connection to peer", "peer=2", test.dials)
			b.lines.await(t, "incoming connection ended", test.accepts)
			a.awaitUnreachable(t, 2)
			if a.Send(2, heartbeat(1)) {
				t.Error("message was taken")
			}
		})
	}
}

// TestDiallerRefuses has an acceptor answer what it must not.
func TestDiallerRefuses(t *testing.T) {
	good := hello{version: wire.Version, status: statusOK, lane: laneMain, cluster: testCluster, from: 2, to: 1}
	for name, test := range map[string]struct {
		change func(*hello)
		want   string
	}{
		"version":   {func(h *hello) { h.version = 7 }, "protocol version is not supported: 7"},
		"cluster":   {func(h *hello) { h.cluster[0]++ }, "different clusters"},
		"node":      {func(h *hello) { h.from = 5 }, "it is node 5"},
		"no status": {func(h *hello) { h.status = statusNone }, "no status"},
		"busy":      {func(h *hello) { h.status = statusBusy }, "too many nodes"},
		"unknown":   {func(h *hello) { h.status = 99 }, "status 99"},
		"lane":      {func(h *hello) { h.lane = laneBulk }, "no such lane"},
	} {
		t.Run(name, func(t *testing.T) {
			h := good
			test.change(&h)
			a := startNode(t, testOptions(1))
			a.Connect(2, answering(t, h.encode()))
			a.lines.await(t, "no connection to peer", test.want)
		})
	}
	t.Run("garbage", func(t *testing.T) {
		a := startNode(t, testOptions(1))
		a.Connect(2, answering(t, []byte("HTTP/1.1 400 Bad Request\r\n\r\n")))
		a.lines.await(t, "no connection to peer", "not the Raft protocol")
	})
	t.Run("speaks afterwards", func(t *testing.T) {
		a := startNode(t, testOptions(1))
		a.Connect(2, answering(t, append(good.encode(), 0)))
		a.lines.await(t, "no connection to peer", "for receiving")
	})
}

// answering listens, and gives everyone who says hello that answer.
func answering(t *testing.T, answer []byte) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = readHello(conn)
			_, _ = conn.Write(answer)
			defer conn.Close()
		}
	}()
	return listener.Addr().String()
}

// prologue is how a hello of this version begins.
func prologue() []byte { return binary.LittleEndian.AppendUint32([]byte(magic), wire.Version) }

func TestHandshakeHasADeadline(t *testing.T) {
	options := testOptions(1)
	options.HandshakeTimeout = 10 * time.Millisecond
	a := startNode(t, options)
	for _, start := range []string{"", "balsaR", string(prologue()) + "abc"} {
		conn := dialStranger(t, a)
		conn.write([]byte(start))
		conn.awaitEnd(t)
	}
	a.lines.await(t, "incoming connection ended", "handshake took too long")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	a.Connect(2, silent.Addr().String())
	a.lines.await(t, "no connection to peer", "handshake took too long")
}

func TestConnectionsWithoutHandshakeAreBounded(t *testing.T) {
	a := startNode(t, testOptions(1))
	oldest := dialStranger(t, a)
	for range pendingMax {
		dialStranger(t, a)
	}
	oldest.awaitEnd(t)
	a.lines.await(t, "too many connections without handshake")
	honest := dialStranger(t, a)
	if answer := honest.greet(t, 1); answer.status != statusOK {
		t.Errorf("answer %+v", answer)
	}
}

func TestNodesConnectedAreBounded(t *testing.T) {
	a := startNode(t, testOptions(1))
	a.mu.Lock()
	for id := range wire.NodeID(inboundMax) {
		a.inbound[laneMain][1000+id] = &connection{Conn: new(net.TCPConn), raw: new(net.TCPConn)}
	}
	a.mu.Unlock()
	if answer := dialStranger(t, a).greet(t, 1); answer.status != statusBusy {
		t.Errorf("answer %+v", answer)
	}
	if answer := dialStranger(t, a).greetFor(t, 1, laneBulk); answer.status != statusOK {
		t.Errorf("the other lane's answer %+v", answer)
	}
}

func TestWarnsOfAnotherIncarnation(t *testing.T) {
	a, b := startNode(t, testOptions(1)), startNode(t, testOptions(2))
	a.connect(t, b)
	address := b.Addr().String()
	_ = b.Close()
	options := testOptions(2)
	options.Address, options.Incarnation = address, 999
	b = startNode(t, options)
	a.lines.await(t, "another data folder", "peer=2", "incarnation=999", "before=102")

	for _, incarnation := range []wire.Incarnation{5, 0, 5, 6} {
		h := hello{version: wire.Version, lane: laneMain, cluster: testCluster, from: 9, to: 2, incarnation: incarnation}
		conn := dialStranger(t, b)
		conn.write(h.encode())
		if _, err := readHello(conn); err != nil {
			t.Fatal(err)
		}
	}
	b.lines.await(t, "another data folder", "peer=9", "incarnation=6", "before=5")
}

// scripted is a listener whose Accept fails a few times first.
type scripted struct {
	net.Listener
	failures int // only Accept's goroutine uses it
}

func (s *scripted) Accept() (net.Conn, error) {
	if s.failures--; s.failures >= 0 {
		return nil, errors.New("too many open files")
	}
	return s.Listener.Accept()
}

func TestAcceptSurvivesErrors(t *testing.T) {
	a := listenNode(t, testOptions(1))
	a.listener = &scripted{Listener: a.listener, failures: 5}
	a.start(t)
	if answer := dialStranger(t, a).greet(t, 1); answer.status != statusOK {
		t.Errorf("answer %+v", answer)
	}
	a.lines.await(t, "cannot accept", "too many open files")
}

func FuzzReadHello(f *testing.F) {
	h := hello{version: wire.Version, lane: laneMain, cluster: testCluster, from: 1, to: 2, incarnation: 3}
	f.Add(h.encode())
	f.Add([]byte(magic))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		h, err := readHello(r)
		if read := len(data) - r.Len(); read > helloBytes {
			t.Fatalf("read %d bytes", read)
		}
		if err == nil && !bytes.HasPrefix(data, h.encode()) {
			t.Fatalf("decoded as %+v", h)
		}
		if errors.Is(err, io.EOF) && len(data) > prologueBytes {
			t.Fatalf("a hello cut short is no clean end: %v", err)
		}
	})
}
