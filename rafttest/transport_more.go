// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// sendAll sends many times from a goroutine of its own, and fails unless all of the calls return.
func (r *transportRig) sendAll(to raft.NodeID, times int, message wire.Envelope) (taken int) {
	r.t.Helper()
	err := r.within("one of many calls of Send", func() error {
		for range times {
			if r.Send(to, message) {
				taken++
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatalf("to node %d: %v", to, err)
	}
	return taken
}

func transportDeadPeer(t testing.TB, s *Transport) {
	open := s.Cluster(t)
	dead := s.open(t, open, 3)
	address := dead.address
	dead.close()
	a, b := s.open(t, open, 1), s.open(t, open, 2)
	a.Connect(2, b.address)
	a.Connect(3, address)
	a.sendAll(3, 10_000, dataMessage(1, 100))
	a.await("node 3 is reported unreachable", func() { a.Send(3, numberedMessage(1, 1)) }, func() bool { return a.unreachable[3] > 0 })
	b.await("a message for another peer", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return len(b.received[1]) > 0 })
	b.close()
	a.await("node 2 is reported unreachable", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return a.unreachable[2] > 0 })
	a.sendAll(2, 10_000, dataMessage(1, 100))
}

func transportSlowPeer(t testing.TB, s *Transport) {
	open := s.Cluster(t)
	a, slow, quick := s.open(t, open, 1), s.open(t, open, 2), s.open(t, open, 3)
	a.Connect(2, slow.address)
	a.Connect(3, quick.address)
	hold := make(chan struct{})
	slow.mu.Lock()
	slow.hold = hold
	slow.mu.Unlock()
	slow.await("a message that the peer does not get done with", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return slow.inside > 0 })
	const size = 256 << 10
	times := s.QueueBytesMax/size + 1
	if taken := a.sendAll(2, times, dataMessage(1, size)); taken == times {
		t.Errorf("%d messages of %d bytes were taken for a peer that takes nothing", taken, size)
	}
	quick.await("messages for another peer", func() { a.Send(3, numberedMessage(1, 1)) }, func() bool { return len(quick.received[1]) > 10 })
}

func transportMove(t testing.TB, s *Transport) {
	open := s.Cluster(t)
	a := s.open(t, open, 1)
	for range 3 {
		b := s.open(t, open, 2)
		a.Connect(2, b.address)
		b.Connect(1, a.address)
		b.await("messages at the new address", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return len(b.received[1]) > 10 })
		before := len(a.take(2))
		a.await("messages from the new address", func() { b.Send(1, numberedMessage(1, 1)) }, func() bool { return len(a.received[2]) > before+10 })
		b.close()
	}
}

func transportClusters(t testing.TB, s *Transport) {
	ours, theirs := s.Cluster(t), s.Cluster(t)
	a, b := s.open(t, ours, 1), s.open(t, ours, 2)
	stranger, impostor := s.open(t, theirs, 3), s.open(t, theirs, 2)
	a.Connect(2, b.address)
	for _, foreign := range []*transportRig{stranger, impostor} {
		foreign.Connect(1, a.address)
		foreign.Connect(2, b.address)
	}
	a.Connect(3, stranger.address)
	for n := range 10 {
		b.await("messages within the cluster", func() {
			a.Send(2, numberedMessage(1, 1))
			a.Send(3, numberedMessage(1, 1))
			stranger.Send(1, numberedMessage(1, 1))
			stranger.Send(2, numberedMessage(1, 1))
			impostor.Send(1, numberedMessage(1, 1))
		}, func() bool { return len(b.received[1]) > 20*(n+1) })
	}
	if len(a.take(3))+len(a.take(2))+len(b.take(3)) > 0 {
		t.Error("messages from another cluster were delivered")
	}
	if len(stranger.take(1))+len(impostor.take(1)) > 0 {
		t.Error("messages were delivered to another cluster")
	}
}

func transportClose(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	hold := make(chan struct{})
	b.mu.Lock()
	b.hold = hold
	b.mu.Unlock()
	b.await("a callback runs", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return b.inside > 0 })
	ended := make(chan error, 1)
	go func() { ended <- b.Close() }()
	select {
	case <-ended:
		t.Fatal("Close has returned while a callback runs")
	case <-time.After(50 * time.Millisecond): // Long enough for one that doesn't wait.
	}
	b.mu.Lock()
	b.hold = nil
	b.mu.Unlock()
	close(hold)
	if err := b.within("Close", func() error { return <-ended }); err != nil {
		t.Fatalf("close: %v", err)
	}
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	a.await("node 2 is reported unreachable", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return a.unreachable[2] > 0 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.late > 0 || b.inside > 0 {
		t.Errorf("%d callbacks after Close", b.late+b.inside)
	}
}

// transportLeaks closes transports in all kinds of states and looks for goroutines
// that are left.
func transportLeaks(t testing.TB, s *Transport) {
	before := goroutines()
	open := s.Cluster(t)
	a, b, idle, dead := s.open(t, open, 1), s.open(t, open, 2), s.open(t, open, 3), s.open(t, open, 4)
	dead.close()
	for peer, r := range map[raft.NodeID]*transportRig{2: b, 3: idle, 4: dead} {
		a.Connect(peer, r.address)
	}
	b.Connect(1, a.address)
	b.await("messages", func() {
		a.Send(2, numberedMessage(1, 1))
		b.Send(1, numberedMessage(1, 1))
		a.Send(4, numberedMessage(1, 1))
	},
		func() bool { return len(b.received[1]) > 10 })
	b.await("a bulk message", func() { a.Send(2, bulkMessage(1, 10_000)); a.Send(4, bulkMessage(1, 10_000)) },
		func() bool { return slices.ContainsFunc(b.received[1], isBulk) })
	a.sendAll(2, 100, dataMessage(1, 10_000))
	a.sendAll(2, 100, bulkMessage(1, 10_000))
	a.close()
	b.close()
	idle.close()
	deadline := time.After(s.Patience)
	for { // The last instructions of a goroutine follow its last effect.
		var left []string
		for id, stack := range goroutines() {
			if before[id] == "" {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("goroutines are left:\n%s", strings.Join(left, "\n"))
		}
	}
}

// goroutines returns the stacks of all goroutines by their names, such as "goroutine 17".
func goroutines() map[string]string {
	buf := make([]byte, 4<<20)
	found := map[string]string{}
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		name, _, _ := strings.Cut(stack, " [")
		found[name] = stack
	}
	return found
}
