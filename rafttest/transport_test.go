// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// brokenTransport is a good transport, some of whose methods are replaced.
type brokenTransport struct {
	*mem.Transport
	id          raft.NodeID
	closed      atomic.Bool
	mu          sync.Mutex
	peers       map[raft.NodeID]string
	deliver     func(from raft.NodeID, batch []wire.Envelope)
	unreachable func(peer raft.NodeID)

	// What is broken.
	delivering func(from raft.NodeID, batch []wire.Envelope)
	reporting  func(peer raft.NodeID)
	starting   func()
	connecting func(peer raft.NodeID, address string)
	sending    func(to raft.NodeID, e wire.Envelope) bool
	closing    func() error
}

func (b *brokenTransport) Start(deliver func(raft.NodeID, []wire.Envelope), unreachable func(raft.NodeID)) error {
	b.deliver, b.unreachable = deliver, unreachable
	if b.delivering != nil {
		deliver = b.delivering
	}
	if b.reporting != nil {
		unreachable = b.reporting
	}
	if b.starting != nil {
		b.starting()
	}
	return b.Transport.Start(deliver, unreachable)
}

func (b *brokenTransport) Connect(peer raft.NodeID, address string) {
	b.mu.Lock()
	if b.peers[peer] == "" {
		b.peers[peer] = address
	}
	b.mu.Unlock()
	if b.connecting != nil {
		b.connecting(peer, address)
		return
	}
	b.Transport.Connect(peer, address)
}

// first returns the first address that was said of a peer.
func (b *brokenTransport) first(peer raft.NodeID) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.peers[peer]
}

func (b *brokenTransport) Send(to raft.NodeID, e wire.Envelope) bool {
	if b.sending != nil {
		return b.sending(to, e)
	}
	return b.Transport.Send(to, e)
}

func (b *brokenTransport) Close() error {
	b.closed.Store(true)
	if b.closing != nil {
		return b.closing()
	}
	return b.Transport.Close()
}

// eachMessage changes every message on its way in.
func eachMessage(change func(e *wire.Envelope)) func(testing.TB, *brokenTransport) {
	return func(_ testing.TB, b *brokenTransport) {
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			for i := range batch {
				change(&batch[i])
			}
			b.deliver(from, batch)
		}
	}
}

// firstData returns the data of the first entry of a message, nil if there is none.
func firstData(e *wire.Envelope) *[]byte {
	if m, ok := e.Message.(*wire.AppendEntries); ok && len(m.Entries) > 0 {
		return &m.Entries[0].Data
	}
	return new([]byte)
}

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
	{"memory is used again", "what was delivered does not change", "message", func(_ testing.TB, b *brokenTransport) {
		buffer, used := make([]byte, 1<<16), 0
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			for i := range batch {
				data := firstData(&batch[i])
				if used+len(*data) > len(buffer) {
					used = 0
				}
				copied := buffer[used : used+copy(buffer[used:], *data)]
				used += len(copied)
				*data = copied
			}
			b.deliver(from, batch)
		}
	}},
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

func TestTransportFindsPlantedFaults(t *testing.T) {
	for _, fault := range transportFaults {
		t.Run(fault.name, func(t *testing.T) { fault.expect(t, 10*time.Second) })
	}
	for _, fault := range transportStalls {
		t.Run(fault.name, func(t *testing.T) { fault.expect(t, 200*time.Millisecond) })
	}
}

// expect runs the case that has to find the fault.
func (f *transportFault) expect(t *testing.T, patience time.Duration) {
	t.Helper()
	suite := Transport{
		QueueBytesMax: 128 << 20, Patience: patience,
		Cluster: func(testing.TB) func(id raft.NodeID) (raft.Transport, string) {
			network, opened := mem.NewNetwork(1), 0
			return func(id raft.NodeID) (raft.Transport, string) {
				b := &brokenTransport{Transport: network.Transport(id), id: id, peers: map[raft.NodeID]string{}}
				f.plant(t, b)
				opened++
				return b, fmt.Sprintf("node-%d-%d", id, opened)
			}
		},
	}.withDefaults()
	expectFailure(t, observe(t, func(t testing.TB) { transportCaseNamed(t, f.by).run(t, &suite) }), f.says)
}

func transportCaseNamed(t testing.TB, name string) transportCase {
	i := slices.IndexFunc(transportCases, func(c transportCase) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("there is no case %q", name)
	}
	return transportCases[i]
}

// TestTransportFindsOneNetworkForAll has clusters that share a network.
func TestTransportFindsOneNetworkForAll(t *testing.T) {
	network := mem.NewNetwork(1)
	suite := Transport{
		Patience: 200 * time.Millisecond,
		Cluster: func(testing.TB) func(id raft.NodeID) (raft.Transport, string) {
			return func(id raft.NodeID) (raft.Transport, string) { return network.Transport(id), "" }
		},
	}.withDefaults()
	expectFailure(t, observe(t, func(t testing.TB) { transportCaseNamed(t, "clusters are apart").run(t, &suite) }), "")
}
