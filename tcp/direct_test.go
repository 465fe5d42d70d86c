// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// TestContactedNodeAnswers: a node that was told of nobody can answer who contacts it.
func TestContactedNodeAnswers(t *testing.T) {
	a, b := startNode(t, testOptions(1)), startNode(t, testOptions(2))
	if b.Send(1, heartbeat(1)) {
		t.Fatal("a message for a node that nobody has spoken of was taken")
	}
	a.connect(t, b)
	a.send(t, 2, heartbeat(7))
	if d := b.receive(t); d.from != 1 || termOf(d.batch[0]) != 7 {
		t.Fatalf("received %+v", d)
	}
	b.awaitConnected(t)
	b.send(t, 1, heartbeat(8))
	if d := a.receive(t); d.from != 2 || termOf(d.batch[0]) != 8 {
		t.Errorf("received %+v", d)
	}
}

// TestDirectWritesKeepOrder fills the socket of a receiver that is slow to begin, so
// that messages are written by their sender, in part by it, and by the connection's
// goroutine. Nothing may be lost, repeated or reordered.
func TestDirectWritesKeepOrder(t *testing.T) {
	const count = 4000
	a, b := startNode(t, testOptions(1)), listenNode(t, testOptions(2))
	begin := make(chan struct{})
	got := make(chan wire.Term, count)
	deliver := func(_ wire.NodeID, batch []wire.Envelope) {
		<-begin
		for _, e := range batch {
			got <- e.Message.(*wire.AppendEntries).Term
		}
	}
	if err := b.Start(deliver, func(wire.NodeID) {}); err != nil {
		t.Fatal(err)
	}
	a.connect(t, b)
	for i := range count {
		data := make([]byte, []int{10, 3000, 20_000, 50_000}[i%4])
		a.send(t, 2, wire.Envelope{Group: 1, Message: &wire.AppendEntries{
			Term: wire.Term(i + 1), Entries: []wire.Entry{{Index: 1, Term: 1, Kind: wire.EntryCommand, Data: data}},
		}})
		if i == count/2 {
			close(begin)
		}
	}
	for i := range count {
		if term := <-got; term != wire.Term(i+1) {
			t.Fatalf("message %d came as number %d", term, i+1)
		}
	}
}

// TestStaleWriter: who became the writer of a connection that has ended since neither
// writes to the next one nor makes its goroutine do so.
func TestStaleWriter(t *testing.T) {
	l := newLane(1000)
	l.setOpen(true)
	_, stale := l.put(heartbeat(1), 10)
	l.setOpen(false)
	l.setOpen(true)
	if stale == 0 || l.isWriter(stale) {
		t.Fatal("the writer of an earlier connection is taken for that of this one")
	}
	if l.handOver(stale); len(l.ready) != 0 || l.accept() {
		t.Error("a stale writer handed over what it does not have")
	}
	_, claim := l.put(heartbeat(2), 10)
	if _, second := l.put(heartbeat(3), 10); claim == 0 || second != 0 {
		t.Errorf("claims %d and %d, want one writer", claim, second)
	}
	l.handOver(claim)
	if !l.accept() || l.accept() {
		t.Error("the writer's part is not handed over exactly once")
	}
	if taken := l.take(nil); len(taken) != 2 {
		t.Errorf("%d messages taken", len(taken))
	}
	if l.take(nil) != nil {
		t.Error("took from an empty lane")
	}
	if _, claim := l.put(heartbeat(4), 10); claim == 0 {
		t.Error("after everything was taken there is no writer any more")
	}
}
