// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"encoding/binary"
	"fmt"
	"runtime"
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

// reusesMemory uses the memory of the first data that were delivered for something else, whenever
// something is sent: on the goroutine that looks at what was delivered. Where messages are
// delivered it would be a data race, which the race detector finds before the suite does. So that
// something is sent after the first data have arrived, what follows them waits for a moment.
func reusesMemory(dataOf func(e *wire.Envelope) []byte) func(testing.TB, *brokenTransport) {
	var mu sync.Mutex
	var first []byte // of all nodes together
	var isUnderWay bool
	uses := uint64(0)
	return func(_ testing.TB, b *brokenTransport) {
		first, isUnderWay = nil, false
		b.delivering = func(from raft.NodeID, batch []wire.Envelope) {
			mu.Lock()
			if first == nil {
				first = dataOf(&batch[0])
			}
			mu.Unlock()
			b.deliver(from, batch)
		}
		b.sending = func(to raft.NodeID, e wire.Envelope) bool {
			mu.Lock()
			defer mu.Unlock()
			for until := time.Now().Add(time.Second); isUnderWay && first == nil && time.Now().Before(until); {
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
			}
			if first != nil {
				uses++
				binary.LittleEndian.PutUint64(first, uses)
			}
			taken := b.Transport.Send(to, e)
			isUnderWay = isUnderWay || taken && dataOf(&e) != nil
			return taken
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
	expectFault(t, suite, transportDemands, f.by, f.says)
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
	expectFault(t, suite, transportDemands, "clusters are apart", "")
}
