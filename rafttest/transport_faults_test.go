// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"runtime"
	"slices"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// transportFault is a fault, the case of the suite that has to find it, and what it says.
type transportFault struct {
	name, by, says string
	plant          func(t testing.TB, b *brokenTransport)
}

var transportFaults = []transportFault{
	{"neighbours change places", "messages keep their order", "came after", func(_ testing.TB, b *brokenTransport) {
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			slices.Reverse(batch)
			b.deliver(from, batch)
		}
	}},
	{"everything twice", "messages keep their order", "came after", func(_ testing.TB, b *brokenTransport) {
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			again := slices.Clone(batch)
			b.deliver(from, batch)
			b.deliver(from, again)
		}
	}},
	{"senders in disorder", "many senders", "came after", func(_ testing.TB, b *brokenTransport) {
		var held wire.Envelope
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			for i := range batch {
				if from == 1 && held.Message != nil {
					batch[i], held = held, batch[i]
				} else if from == 1 && numberOf(batch[i]) == 5 {
					held = batch[i]
				}
			}
			b.deliver(from, batch)
		}
	}},
	{"an invented message", "every message arrives as it was sent", "nobody sent it", func(_ testing.TB, b *brokenTransport) {
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) { b.deliver(from, append(batch, numberedMessage(9, 9))) }
	}},
	{"Send changes messages", "every message arrives as it was sent", "Send changed", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			taken := b.Transport.Send(to, e)
			if m, ok := e.Message.(*wire.Heartbeat); ok && taken {
				m.Round++
			}
			return taken
		}
	}},
	{"memory is used again", "what was delivered does not change", "message 1 has changed",
		reusesMemory(func(e *wire.Envelope) []byte { return *firstData(e) })},
	{"unknown peers are fine", "unknown peers", "was taken", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return b.Transport.Send(to, e) || true }
	}},
	{"messages to oneself", "nothing for oneself", "for the node itself", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			if to == b.id {
				b.deliver(to, []wire.Envelope{e})
				return true
			}
			return b.Transport.Send(to, e)
		}
	}},
	{"the queue is endless", "a peer that takes nothing", "were taken", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return b.Transport.Send(to, e) || true }
	}},
	{"Close does not wait", "close waits for callbacks", "while a callback runs", func(_ testing.TB, b *brokenTransport) {
		b.closing = func() error {
			go func() { _ = b.Transport.Close() }()
			return nil
		}
	}},
}

// transportStalls are faults that show in nothing happening.
var transportStalls = []transportFault{
	{"a wrong sender", "every message arrives as it was sent", "not within", func(_ testing.TB, b *brokenTransport) {
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) { b.deliver(from+1, batch) }
	}},
	{"it soon loses everything", "messages keep their order", "5000 messages", func(_ testing.TB, b *brokenTransport) {
		n := 0
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			if n += len(batch); n < 1000 {
				b.deliver(from, batch)
			}
		}
	}},
	{"groups are lost", "every message arrives as it was sent", "not within", eachMessage(func(e *wire.Envelope) { e.Group = 1 })},
	{"a field is lost", "every message arrives as it was sent", "AppendReply", eachMessage(func(e *wire.Envelope) {
		if m, ok := e.Message.(*wire.AppendReply); ok {
			m.Rejected = false
		}
	})},
	{"large messages are refused", "large messages", "not within", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return e.Message.Size() < 1<<20 && b.Transport.Send(to, e) }
	}},
	{"large messages are cut", "large messages", "not within", eachMessage(func(e *wire.Envelope) {
		data := firstData(e)
		*data = (*data)[:min(len(*data), 1<<20)]
	})},
	{"only who was announced can be answered", "who is contacted can answer", "the answer", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return b.first(to) != "" && b.Transport.Send(to, e) }
	}},
	{"nobody is unreachable", "a peer that is not there", "reported unreachable", func(_ testing.TB, b *brokenTransport) {
		b.reporting = func(raft.NodeID) {}
	}},
	{"Send waits for who is not there", "a peer that is not there", "Send has not returned", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			for !b.Transport.Send(to, e) && !b.closed.Load() {
				runtime.Gosched()
			}
			return true
		}
	}},
	{"Send waits for who is slow", "a peer that takes nothing", "Send has not returned", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			for !b.Transport.Send(to, e) && !b.closed.Load() {
				runtime.Gosched()
			}
			return true
		}
	}},
	{"the first address is for ever", "a peer that comes back elsewhere", "new address", func(_ testing.TB, b *brokenTransport) {
		moved := map[raft.NodeID]bool{}
		b.connecting = func(peer raft.NodeID, address string) {
			moved[peer] = b.first(peer) != address
			b.Transport.Connect(peer, address)
		}
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return !moved[to] && b.Transport.Send(to, e) }
	}},
	{"Close does not end", "close waits for callbacks", "Close has not returned", func(t testing.TB, b *brokenTransport) {
		never := make(chan struct{})
		t.Cleanup(func() { close(never) })
		b.closing = func() error {
			err := b.Transport.Close()
			<-never
			return err
		}
	}},
	{"a goroutine is left", "close leaves nothing", "goroutines", func(t testing.TB, b *brokenTransport) {
		never := make(chan struct{})
		t.Cleanup(func() { close(never) })
		b.starting = func() { go func() { <-never }() }
	}},
}
