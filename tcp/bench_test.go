// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// benchPair returns a sender that is connected, and counts what arrives.
func benchPair(b *testing.B, tls bool) (sender *node, arrived *atomic.Int64, signal chan struct{}) {
	b.Helper()
	first, second := testOptions(1), testOptions(2)
	if tls {
		ca := newAuthority(b)
		first.TLS, second.TLS = ca.node(b, 1), ca.node(b, 2)
	}
	second.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	receiver, err := Listen(second)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = receiver.Close() })
	arrived, signal = new(atomic.Int64), make(chan struct{}, 1)
	deliver := func(_ wire.NodeID, batch []wire.Envelope) {
		arrived.Add(int64(len(batch)))
		select {
		case signal <- struct{}{}:
		default:
		}
	}
	if err := receiver.Start(deliver, func(wire.NodeID) {}); err != nil {
		b.Fatal(err)
	}
	sender = startNode(b, first)
	sender.Connect(2, receiver.Addr().String())
	sender.awaitConnected(b)
	return sender, arrived, signal
}

// BenchmarkSend measures messages one way, from Send to deliver.
func BenchmarkSend(b *testing.B) {
	for _, tls := range []bool{false, true} {
		for _, size := range []int{0, 128, 64 << 10} {
			b.Run(fmt.Sprintf("tls=%v/bytes=%d", tls, size), func(b *testing.B) { benchSend(b, tls, size) })
		}
	}
}

func benchSend(b *testing.B, tls bool, size int) {
	envelope := heartbeat(1)
	if size > 0 {
		entry := wire.Entry{Index: 1, Term: 1, Kind: wire.EntryCommand, Data: make([]byte, size)}
		envelope.Message = &wire.AppendEntries{Term: 1, Entries: []wire.Entry{entry}}
	}
	sender, arrived, signal := benchPair(b, tls)
	b.SetBytes(int64(envelope.Size()))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for !sender.Send(2, envelope) {
			<-signal
		}
	}
	for arrived.Load() < int64(b.N) {
		<-signal
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkRoundTrip measures one message there and one back.
func BenchmarkRoundTrip(b *testing.B) {
	a, other := listenNode(b, testOptions(1)), listenNode(b, testOptions(2))
	back := make(chan struct{}, 1)
	echo := func(wire.NodeID, []wire.Envelope) { other.Send(1, heartbeat(2)) }
	if err := other.Start(echo, func(wire.NodeID) {}); err != nil {
		b.Fatal(err)
	}
	if err := a.Start(func(wire.NodeID, []wire.Envelope) { back <- struct{}{} }, func(wire.NodeID) {}); err != nil {
		b.Fatal(err)
	}
	a.connect(b, other)
	other.connect(b, a)
	a.send(b, 2, heartbeat(1))
	<-back
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if !a.Send(2, heartbeat(1)) {
			b.Fatal("message refused")
		}
		<-back
	}
}
