// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// Transport says how to get at an implementation of raft.Transport. Cluster is required.
type Transport struct {
	// Cluster begins a new cluster, of which the suite has at most two at a time, and
	// returns how to open the transport of a node of it. Open returns a transport
	// that was not started, and the address to Connect to. It may be called again
	// for the same node when the earlier transport is closed, and then should give it another
	// address, if addresses matter. It reports what it cannot do with t.Fatal.
	Cluster func(t testing.TB) (open func(id raft.NodeID) (raft.Transport, string))
	// MessageBytesMax is the largest command that a message is tried with. Default
	// raft.CommandBytesLimit, which is what package raft may send.
	MessageBytesMax int
	// QueueBytesMax is how much may be taken for a peer that takes nothing, before Send
	// has to refuse. Default 256 MiB.
	QueueBytesMax int
	// Patience is how long the suite waits for what must happen. Default 20 s.
	Patience time.Duration

	_ struct{}
}

// TestTransport tests an implementation of raft.Transport against its contract, in
// subtests. It runs in real time, since there may be a real network: some seconds. Don't
// run anything in parallel: it looks for goroutines that are left. Run it with the race
// detector as well.
//
// A transport may lose messages, so the suite sends until enough of them arrive. As
// long as no peer was reported unreachable it must neither repeat nor reorder them. It
// must carry bulk messages, see wire.IsBulk, beside the others.
func TestTransport(t *testing.T, s Transport) {
	testDemands(t, s.withDefaults(), transportDemands)
}

var transportDemands = []demand[*Transport]{
	{"every message arrives as it was sent", transportMessages},
	{"messages keep their order", transportOrder},
	{"many senders", transportSenders},
	{"large messages", transportLarge},
	{"what was delivered does not change", transportMemory},
	{"unknown peers", transportUnknown},
	{"nothing for oneself", transportSelf},
	{"who is contacted can answer", transportAnswer},
	{"a peer that is not there", transportDeadPeer},
	{"a peer that takes nothing", transportSlowPeer},
	{"a peer that comes back elsewhere", transportMove},
	{"clusters are apart", transportClusters},
	{"bulk messages arrive as they were sent", transportBulk},
	{"bulk messages keep their order", transportBulkOrder},
	{"nothing waits behind bulk", transportBehindBulk},
	{"bulk waits behind nothing", transportBulkBehind},
	{"bulk for a peer that is not there", transportBulkDeadPeer},
	{"close waits for callbacks", transportClose},
	{"close leaves nothing", transportLeaks},
}

func (s Transport) withDefaults() *Transport {
	if s.MessageBytesMax == 0 {
		s.MessageBytesMax = raft.CommandBytesLimit
	}
	if s.QueueBytesMax == 0 {
		s.QueueBytesMax = 256 << 20
	}
	if s.Patience == 0 {
		s.Patience = 20 * time.Second
	}
	return &s
}

// transportRig is a transport under test and what came out of it.
type transportRig struct {
	raft.Transport
	t       testing.TB
	suite   *Transport
	id      raft.NodeID
	address string

	mu          sync.Mutex
	changed     chan struct{} // closed when something came
	received    map[raft.NodeID][]wire.Envelope
	unreachable map[raft.NodeID]int
	// hold, unless nil, is what deliver waits for; with batches that holds is true of, if it
	// is not nil.
	hold  chan struct{}
	holds func(e wire.Envelope) bool
	// inside counts the callbacks that run; late those that began after Close.
	inside, late int
	closed       bool
}

// open opens and starts a transport.
func (s *Transport) open(t testing.TB, open func(raft.NodeID) (raft.Transport, string), id raft.NodeID) *transportRig {
	t.Helper()
	r := &transportRig{
		t: t, suite: s, id: id, changed: make(chan struct{}),
		received: map[raft.NodeID][]wire.Envelope{}, unreachable: map[raft.NodeID]int{},
	}
	r.Transport, r.address = open(id)
	t.Cleanup(r.close)
	if err := r.Start(r.deliver, r.reportUnreachable); err != nil {
		t.Fatalf("start: %v", err)
	}
	return r
}

// pair opens nodes 1 and 2 of a new cluster, which know of each other.
func (s *Transport) pair(t testing.TB) (a, b *transportRig) {
	t.Helper()
	open := s.Cluster(t)
	a, b = s.open(t, open, 1), s.open(t, open, 2)
	a.Connect(2, b.address)
	b.Connect(1, a.address)
	return a, b
}

func (r *transportRig) deliver(from raft.NodeID, batch []wire.Envelope) {
	r.mu.Lock()
	r.inside++
	hold := r.hold
	if r.holds != nil && !slices.ContainsFunc(batch, r.holds) {
		hold = nil
	}
	r.enter()
	r.mu.Unlock()
	if hold != nil {
		<-hold
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received[from] = append(r.received[from], batch...)
	clear(batch) // The batch is the callee's.
	r.inside--
	r.enter()
}

func (r *transportRig) reportUnreachable(peer raft.NodeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unreachable[peer]++
	r.enter()
}

// enter tells whoever waits that something has changed. The mutex is held.
func (r *transportRig) enter() {
	if r.closed {
		r.late++
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// close lets go of what is held, and closes the transport, which must not take for ever.
func (r *transportRig) close() {
	r.mu.Lock()
	if r.hold != nil {
		close(r.hold)
		r.hold = nil
	}
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return
	}
	if err := r.within("Close", func() error { return r.Close() }); err != nil {
		r.t.Errorf("close: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.inside != 0 {
		r.t.Errorf("node %d: %d callbacks run after Close", r.id, r.inside)
	}
}

// within calls something that must return in time.
func (r *transportRig) within(what string, call func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- call() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(r.suite.Patience):
		return fmt.Errorf("%s has not returned after %v", what, r.suite.Patience)
	}
}

// await waits until a condition holds, which is called with the mutex held. Attempt, unless nil, is
// called again and again while it does not.
func (r *transportRig) await(what string, attempt func(), condition func() bool) {
	r.t.Helper()
	deadline := time.After(r.suite.Patience)
	for {
		r.mu.Lock()
		holds, changed := condition(), r.changed
		r.mu.Unlock()
		if holds {
			return
		}
		if attempt != nil {
			attempt()
		}
		select {
		case <-changed:
		case <-time.After(time.Millisecond):
		case <-deadline:
			r.t.Fatalf("not within %v: %s", r.suite.Patience, what)
		}
	}
}

// take returns what was received from a peer so far.
func (r *transportRig) take(from raft.NodeID) []wire.Envelope {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]wire.Envelope(nil), r.received[from]...)
}

// unreachables returns how often any peer was reported.
func (r *transportRig) unreachables() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := 0
	for _, n := range r.unreachable {
		sum += n
	}
	return sum
}

// numberedMessage returns a small message that carries a number.
func numberedMessage(group raft.GroupID, number int) wire.Envelope {
	return wire.Envelope{Group: group, Message: &wire.Heartbeat{Term: 1, Round: wire.Round(number)}}
}

// numberOf returns a message's number, -1 if it has none.
func numberOf(e wire.Envelope) int {
	if m, ok := e.Message.(*wire.Heartbeat); ok {
		return int(m.Round)
	}
	return -1
}

// dataMessage returns a message with a command of some size, whose bytes follow from a seed.
func dataMessage(seed, size int) wire.Envelope {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(seed + i + i>>8*seed)
	}
	return wire.Envelope{Group: 1, Message: &wire.AppendEntries{
		Term: 1, Epoch: wire.Epoch(seed), Entries: []wire.Entry{{Index: 1, Term: 1, Kind: wire.EntryCommand, Data: data}},
	}}
}

// encoded is what a message comes down to: two are equal if this is.
func encoded(e wire.Envelope) string { return string(wire.AppendEnvelope(nil, e)) }
