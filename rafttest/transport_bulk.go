// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// bulkBytes is the size of the bulk messages that fill a lane.
const bulkBytes = 256 << 10

// isBulk reports whether a message is for the bulk lane.
func isBulk(e wire.Envelope) bool { return wire.IsBulk(e.Message) }

// bulkMessage returns a bulk message that carries a number, and bytes that follow from it.
func bulkMessage(number, size int) wire.Envelope {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(number + i + i>>8*number)
	}
	return wire.Envelope{Group: 1, Message: &wire.SnapshotChunk{
		ID: 1, Offset: uint64(number), Status: wire.ChunkData, Checksum: uint32(number), Data: data,
	}}
}

// bulkOf returns the bulk messages among others.
func bulkOf(messages []wire.Envelope) []wire.Envelope {
	return slices.DeleteFunc(messages, func(e wire.Envelope) bool { return !isBulk(e) })
}

func transportBulk(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	for i, size := range []int{1, 1000, bulkBytes, 1 << 20} {
		message := bulkMessage(i+1, size)
		want := encoded(message)
		arrived := func(e wire.Envelope) bool { return encoded(e) == want }
		b.await(fmt.Sprintf("a bulk message of %d bytes", size), func() { a.Send(2, message) },
			func() bool { return slices.ContainsFunc(b.received[1], arrived) })
		if encoded(message) != want {
			t.Errorf("Send changed a bulk message of %d bytes", size)
		}
	}
}

// bulkMessages is how many bulk messages must arrive in order.
const bulkMessages = 1000

func transportBulkOrder(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	sent := 0
	b.await(fmt.Sprint(bulkMessages, " bulk messages"), func() {
		for range 20 {
			sent++
			a.Send(2, bulkMessage(sent, 100+sent%5000))
			a.Send(2, numberedMessage(1, sent))
		}
	}, func() bool {
		return len(b.received[1]) >= 2*bulkMessages && len(bulkOf(slices.Clone(b.received[1]))) >= bulkMessages
	})
	all := b.take(1)
	last := 0
	for _, e := range bulkOf(slices.Clone(all)) {
		m := e.Message.(*wire.SnapshotChunk)
		if int(m.Offset) <= last || int(m.Offset) > sent {
			t.Fatalf("bulk message %d of at most %d came after %d", m.Offset, sent, last)
		}
		last = int(m.Offset)
		if encoded(e) != encoded(bulkMessage(last, len(m.Data))) {
			t.Fatalf("bulk message %d is not what was sent", last)
		}
	}
	if a.unreachables()+b.unreachables() == 0 {
		checkAscending(t, slices.DeleteFunc(all, isBulk), sent)
	}
}

// stuck opens two nodes, of which the second gets done with none of the messages that
// holds is true of, and fills its lane with such a message.
func (s *Transport) stuck(t testing.TB, holds func(wire.Envelope) bool, message wire.Envelope) (a, b *transportRig) {
	t.Helper()
	a, b = s.pair(t)
	b.mu.Lock()
	b.hold, b.holds = make(chan struct{}), holds
	b.mu.Unlock()
	b.await("a message that the peer does not get done with", func() { a.Send(2, message) }, func() bool { return b.inside > 0 })
	if !a.fill(2, message, s.QueueBytesMax/message.Size()+1) {
		t.Errorf("more than %d bytes were taken for a peer that takes nothing", s.QueueBytesMax)
	}
	return a, b
}

// fill sends until the message is refused, and returns false if it is not, so many times.
func (r *transportRig) fill(to raft.NodeID, message wire.Envelope, times int) (full bool) {
	r.t.Helper()
	err := r.within("one of many calls of Send", func() error {
		for n := 0; n < times && !full; n++ {
			full = !r.Send(to, message)
		}
		return nil
	})
	if err != nil {
		r.t.Fatalf("to node %d: %v", to, err)
	}
	return full
}

// besides is how many messages have to get past a lane that is stuck.
const besides = 100

func transportBehindBulk(t testing.TB, s *Transport) {
	a, b := s.stuck(t, isBulk, bulkMessage(1, bulkBytes))
	number := 0
	b.await("messages beside bulk", func() { number++; a.Send(2, numberedMessage(1, number)) },
		func() bool { return len(b.received[1]) >= besides })
	if a.unreachables() > 0 {
		t.Error("the peer was reported unreachable, because of bulk")
	}
	checkAscending(t, b.take(1), number)
	b.mu.Lock()
	close(b.hold)
	b.hold = nil
	b.mu.Unlock()
	b.await("bulk that is not held any more", func() { a.Send(2, bulkMessage(1, bulkBytes)) },
		func() bool { return slices.ContainsFunc(b.received[1], isBulk) })
}

func transportBulkBehind(t testing.TB, s *Transport) {
	a, b := s.stuck(t, func(e wire.Envelope) bool { return !isBulk(e) }, dataMessage(1, bulkBytes))
	b.await("bulk beside messages", func() { a.Send(2, bulkMessage(1, 1000)) }, func() bool { return len(b.received[1]) >= besides })
}

func transportBulkDeadPeer(t testing.TB, s *Transport) {
	open := s.Cluster(t)
	dead := s.open(t, open, 2)
	address := dead.address
	dead.close()
	a := s.open(t, open, 1)
	a.Connect(2, address)
	a.sendAll(2, 10_000, bulkMessage(1, 10_000))
	again := s.open(t, open, 2)
	a.Connect(2, again.address)
	again.await("bulk for the peer that came back", func() { a.Send(2, bulkMessage(1, 1000)) },
		func() bool { return slices.ContainsFunc(again.received[1], isBulk) })
}
