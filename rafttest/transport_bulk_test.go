// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// oneAtATime has one call of deliver wait for the other, as if there were one lane.
func oneAtATime(_ testing.TB, b *brokenTransport) {
	var lane sync.Mutex
	b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
		lane.Lock()
		defer lane.Unlock()
		b.deliver(from, batch)
	}
}

// eachBulk changes every bulk message on its way in.
func eachBulk(change func(m *wire.SnapshotChunk)) func(testing.TB, *brokenTransport) {
	return eachMessage(func(e *wire.Envelope) {
		if m, ok := e.Message.(*wire.SnapshotChunk); ok {
			change(m)
		}
	})
}

var bulkFaults = []transportFault{
	{"bulk changes places", "bulk messages keep their order", "came after", func(_ testing.TB, b *brokenTransport) {
		var held []wire.Envelope
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			if !isBulk(batch[0]) {
				b.deliver(from, batch)
			} else if held == nil {
				held = slices.Clone(batch)
			} else {
				b.deliver(from, append(batch, held...))
				held = nil
			}
		}
	}},
	{"bulk comes twice", "bulk messages keep their order", "came after", func(_ testing.TB, b *brokenTransport) {
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			if isBulk(batch[0]) {
				b.deliver(from, slices.Clone(batch))
			}
			b.deliver(from, batch)
		}
	}},
	{"bulk disturbs the order of others", "bulk messages keep their order", "came after", func(_ testing.TB, b *brokenTransport) {
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			if !isBulk(batch[0]) {
				slices.Reverse(batch)
			}
			b.deliver(from, batch)
		}
	}},
	{"bulk is damaged", "bulk messages keep their order", "is not what was sent", eachBulk(func(m *wire.SnapshotChunk) {
		if m.Offset == 500 {
			m.Data[50]++
		}
	})},
	{"bulk memory is used again", "bulk messages keep their order", "bulk message 1 is not what was sent",
		reusesMemory(func(e *wire.Envelope) []byte {
			if m, ok := e.Message.(*wire.SnapshotChunk); ok {
				return m.Data
			}
			return nil
		})},
	{"the bulk queue is endless", "nothing waits behind bulk", "were taken", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return b.Transport.Send(to, e) || isBulk(e) }
	}},
	{"a full bulk lane is a broken connection", "nothing waits behind bulk", "because of bulk", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			taken := b.Transport.Send(to, e)
			if !taken && isBulk(e) {
				b.unreachable(to)
			}
			return taken
		}
	}},
	{"bulk for unknown peers is fine", "unknown peers", "was taken", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return b.Transport.Send(to, e) || isBulk(e) }
	}},
	{"bulk for oneself is fine", "nothing for oneself", "for the node itself", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return b.Transport.Send(to, e) || isBulk(e) }
	}},
}

// laneFaults show in nothing happening, after a lane was filled, which takes its time.
var laneFaults = []transportFault{
	{"one lane for all", "nothing waits behind bulk", "messages beside bulk", oneAtATime},
	{"one lane for all, the other way", "bulk waits behind nothing", "bulk beside messages", oneAtATime},
}

// bulkStalls are faults that show in nothing happening.
var bulkStalls = []transportFault{
	{"bulk is lost", "bulk messages arrive as they were sent", "a bulk message of 1 bytes", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool { return isBulk(e) || b.Transport.Send(to, e) }
	}},
	{"bulk is cut", "bulk messages arrive as they were sent", "a bulk message of 1048576 bytes", eachBulk(func(m *wire.SnapshotChunk) {
		m.Data = m.Data[:min(len(m.Data), bulkBytes)]
	})},
	{"an end of bulk is lost", "every message arrives as it was sent", "SnapshotChunk", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			m, ok := e.Message.(*wire.SnapshotChunk)
			return ok && m.Status == wire.ChunkEnd || b.Transport.Send(to, e)
		}
	}},
	{"Send waits for bulk", "bulk for a peer that is not there", "Send has not returned", func(_ testing.TB, b *brokenTransport) {
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			for !b.Transport.Send(to, e) && isBulk(e) && !b.closed.Load() {
				runtime.Gosched()
			}
			return true
		}
	}},
	{"bulk gives up for ever", "bulk for a peer that is not there", "came back", func(_ testing.TB, b *brokenTransport) {
		failed := false
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			taken := !(failed && isBulk(e)) && b.Transport.Send(to, e)
			failed = failed || !taken
			return taken
		}
	}},
}

func TestTransportFindsPlantedBulkFaults(t *testing.T) {
	for _, fault := range bulkFaults {
		t.Run(fault.name, func(t *testing.T) { fault.expect(t, 10*time.Second) })
	}
	for _, fault := range laneFaults {
		t.Run(fault.name, func(t *testing.T) { fault.expect(t, 2*time.Second) })
	}
	for _, fault := range bulkStalls {
		t.Run(fault.name, func(t *testing.T) { fault.expect(t, 200*time.Millisecond) })
	}
}
