// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// slowDial returns a Dial whose connections carry at most that many bytes a millisecond,
// each for itself, and buffer little.
func slowDial(t *testing.T, bytesPerMillisecond int) func(context.Context, string, string) (net.Conn, error) {
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		far, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, middle := net.Pipe()
		running.Go(func() { // Ends with the connection.
			defer far.Close()
			defer middle.Close()
			carrySlowly(far, middle, bytesPerMillisecond)
		})
		running.Go(func() {
			defer middle.Close()
			_, _ = io.Copy(middle, far)
		})
		return near, nil
	}
}

func carrySlowly(to io.Writer, from io.Reader, bytesPerMillisecond int) {
	const each = 5 * time.Millisecond
	tick := time.NewTicker(each)
	defer tick.Stop()
	buf := make([]byte, bytesPerMillisecond*int(each/time.Millisecond))
	for {
		n, err := from.Read(buf)
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil {
			return
		}
		<-tick.C
	}
}

// pings sends heartbeats one after the other, each when the one before has arrived, and
// returns how long they took, sorted.
func pings(t testing.TB, a, b *node, count int) []time.Duration {
	t.Helper()
	var took []time.Duration
	for term := range wire.Term(count) {
		began := time.Now()
		a.send(t, 2, heartbeat(term+1))
		for arrived := false; !arrived; {
			for _, e := range b.receive(t).batch {
				arrived = arrived || (e.Message.Kind() == wire.KindHeartbeat && termOf(e) == term+1)
			}
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

func percentile(sorted []time.Duration, percent float64) time.Duration {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*percent/100))]
}

// TestPingsBesideBulkOnASlowPath has paths of 2 MiB a second for each connection, and
// a full bulk lane: 8 MiB, or four seconds. On the same connection a ping would
// take as long.
func TestPingsBesideBulkOnASlowPath(t *testing.T) {
	options := testOptions(1)
	options.Dial = slowDial(t, 2<<10)
	a, b := startNode(t, options), startNode(t, testOptions(2))
	t.Cleanup(func() { _ = a.Close() }) // Before the path is waited for.
	a.connect(t, b)
	a.send(t, 2, chunk(0, 256<<10))
	for a.Send(2, chunk(0, 256<<10)) {
	}
	took := pings(t, a, b, 40)
	t.Logf("pings: p50 %v, p99 %v, the longest %v", percentile(took, 50), percentile(took, 99), percentile(took, 100))
	if median := percentile(took, 50); median > 300*time.Millisecond {
		t.Errorf("a ping takes %v beside bulk", median)
	}
	if a.Send(2, chunk(0, BulkLaneBytesMaxDefault-1000)) {
		t.Error("the bulk lane was not full for all that time")
	}
}

// BenchmarkPingBesideBulk measures how long a small message takes from Send to deliver, one
// each millisecond, while bulk flows in 256 KiB chunks as fast as it can: on lanes of
// their own, and on one lane, where the chunks are messages like any other. The window
// is how many bytes were sent at a time that have not arrived; zero is no bulk at all.
func BenchmarkPingBesideBulk(b *testing.B) {
	ordinary := func(size int) wire.Envelope {
		return wire.Envelope{Group: 1, Message: &wire.ForwardProposals{Commands: [][]byte{make([]byte, size)}}}
	}
	for _, window := range []int{0, 1 << 20, 4 << 20} {
		for name, message := range map[string]wire.Envelope{"own": chunk(1, 256<<10), "shared": ordinary(256 << 10)} {
			if window > 0 || name == "own" {
				b.Run(fmt.Sprintf("window=%d/lane=%s", window, name), func(b *testing.B) { benchPing(b, message, window) })
			}
		}
	}
}

func benchPing(b *testing.B, message wire.Envelope, window int) {
	sender, receiver := listenNode(b, testOptions(1)), listenNode(b, testOptions(2))
	arrived, back, room := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1<<12)
	carried := 0
	deliver := func(_ wire.NodeID, batch []wire.Envelope) {
		for _, e := range batch {
			if e.Message.Kind() == wire.KindHeartbeat {
				arrived <- struct{}{}
			} else {
				room <- struct{}{}
			}
		}
	}
	if err := receiver.Start(deliver, func(wire.NodeID) {}); err != nil {
		b.Fatal(err)
	}
	sender.start(b)
	sender.connect(b, receiver)
	quit := make(chan struct{})
	go func() {
		defer close(back)
		for n := 0; window > 0; n++ {
			if n*message.Size() >= window {
				select {
				case <-room:
				case <-quit:
					return
				}
			}
			for !sender.Send(2, message) {
				pause()
			}
			carried += message.Size()
		}
	}()
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	began := time.Now()
	for range b.N {
		at := time.Now()
		sender.send(b, 2, heartbeat(1))
		<-arrived
		took = append(took, time.Since(at))
		<-time.After(time.Millisecond)
	}
	elapsed := time.Since(began)
	close(quit)
	<-back
	slices.Sort(took)
	for _, percent := range []float64{50, 99, 100} {
		b.ReportMetric(float64(percentile(took, percent).Microseconds()), fmt.Sprintf("p%.0f-us", percent))
	}
	b.ReportMetric(float64(carried)/elapsed.Seconds()/(1<<20), "MiB/s")
}
