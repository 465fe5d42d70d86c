// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// pair is a leader with a state of so many chunks, and a member that wants it.
func pair(t testing.TB, seed uint64, chunks int) (w *world, leader, m *member, meta wire.SnapshotMeta) {
	w = newWorld(t, seed)
	leader, m = w.add(chunks*chunk+17), w.add(0)
	m.stateBytes = leader.stateBytes
	return w, leader, m, leader.takeOne()
}

// hold runs until the member has fetched so much, and offers once.
func (w *world) hold(leader, m *member, bytes uint64) {
	w.t.Helper()
	leader.snap.Offer(m.id, 1, 1, 0)
	if !w.run(stall, func() bool { return m.snap.Status().Fetching.Bytes >= bytes }) {
		w.t.Fatalf("the transfer does not come to %d bytes: %+v", bytes, m.snap.Status())
	}
}

func TestFetch(t *testing.T) {
	for _, size := range []int{0, 1, chunk, chunk + 1, 4 * chunk, 20*chunk + 3} {
		w := newWorld(t, 1)
		leader, m := w.add(size), w.add(size)
		meta := leader.takeOne()
		start := w.now
		leader.snap.Offer(m.id, 4, 5, 1)
		if !w.run(stall, func() bool { return len(m.received) > 0 }) {
			t.Fatalf("%d bytes: nothing is received", size)
		}
		if m.received[0].ID != meta.ID || m.received[0].Size != uint64(size) || m.received[0].Checksum != meta.Checksum {
			t.Errorf("%d bytes: received %+v, want %+v", size, m.received[0], meta)
		}
		m.expectSame(meta)
		w.settle()
		m.expectQuiet()
		leader.expectQuiet()
		asked := (size+chunk-1)/chunk + 1
		if size == 0 {
			asked = 4 // It does not know, and asks for a window.
		}
		if n := m.sent[wire.KindSnapshotFetch]; n != asked {
			t.Errorf("%d bytes: %d fetches, want %d", size, n, asked)
		}
		// Four are under way at a time: each round trip is two latencies.
		if rounds := (w.now - start - latency) / (2 * latency); int(rounds) > asked/4+1 {
			t.Errorf("%d bytes: %d round trips for %d fetches", size, rounds, asked)
		}
		s, l := m.snap.Status(), leader.snap.Status()
		if s.Received != 1 || s.BytesIn != uint64(size) || s.Dropped+s.Interrupted+s.Resumed != 0 || l.Sent != 1 || l.BytesOut != uint64(size) || l.Offered != 1 {
			t.Errorf("%d bytes: status %+v and %+v", size, s, l)
		}
	}
}

func TestProgressIsVisible(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 10)
	w.hold(leader, m, 5*chunk)
	f := m.snap.Status().Fetching
	if !f.Active || f.From != 1 || f.ID != meta.ID || f.Index != 1 || f.Bytes < 5*chunk || f.Size != meta.Size {
		t.Errorf("fetching %+v", f)
	}
	serving := leader.snap.Status().Serving
	if len(serving) != 1 || serving[0].To != 2 || serving[0].ID != meta.ID || serving[0].Index != 1 ||
		serving[0].Offset < f.Bytes || serving[0].Size != meta.Size || serving[0].Live {
		t.Errorf("serving %+v", serving)
	}
	w.run(stall, nil)
	if s := leader.snap.Status().Serving; len(s) != 0 {
		t.Errorf("serving %+v after the end", s)
	}
}

// TestNetworkFaults has everything happen to messages, several times each.
func TestNetworkFaults(t *testing.T) {
	for name, set := range map[string]func(w *world){
		"loss":      func(w *world) { w.loss = 0.2 },
		"duplicate": func(w *world) { w.duplicate = 0.5 },
		"reorder":   func(w *world) { w.reorder = 0.5 },
		"damage":    func(w *world) { w.damage = 0.2 },
		"all": func(w *world) {
			w.loss, w.duplicate, w.reorder, w.damage = 0.1, 0.2, 0.2, 0.1
		},
	} {
		for seed := range uint64(20) {
			w, leader, m, meta := pair(t, seed, 30)
			set(w)
			if !leader.offerTo(m, 600*second) {
				t.Fatalf("%s, seed %d: nothing is received: %+v %v", name, seed, m.snap.Status(), m.troubles)
			}
			m.expectSame(meta)
			if written := m.store.written; written != meta.Size {
				t.Errorf("%s, seed %d: %d bytes written of %d", name, seed, written, meta.Size)
			}
			w.run(2*stall, nil)
			m.expectQuiet()
			leader.expectQuiet()
		}
	}
}

// TestResume breaks a transfer off in the middle, in every way, and counts what is written again.
func TestResume(t *testing.T) {
	tests := []struct {
		name    string
		disturb func(w *world, leader, m *member)
		again   uint64 // bytes fetched twice, at most
		resumed uint64 // by the member's last life
	}{
		{"the receiver restarts", func(w *world, leader, m *member) { m.crash(0); m.start() }, 0, 1},
		{"the receiver loses a little", func(w *world, leader, m *member) { m.crash(2*chunk + 3); m.start() }, 2*chunk + 3, 1},
		{"the sender restarts", func(w *world, leader, m *member) { leader.crash(0); leader.start() }, 0, 0},
		{"both restart", func(w *world, leader, m *member) { leader.crash(0); leader.start(); m.crash(0); m.start() }, 0, 1},
		{"a short cut", func(w *world, leader, m *member) {
			w.loss = 1
			w.run(stall/2, nil)
			w.loss = 0
		}, 0, 0},
		{"a long cut", func(w *world, leader, m *member) {
			w.loss = 1
			w.run(3*stall, nil)
			w.loss = 0
		}, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, leader, m, meta := pair(t, 1, 40)
			w.hold(leader, m, 20*chunk)
			test.disturb(w, leader, m)
			if !leader.offerTo(m, 3*stall) {
				t.Fatalf("nothing is received: %v", m.troubles)
			}
			m.expectSame(meta)
			if again := m.store.written - meta.Size; again > test.again {
				t.Errorf("%d bytes were fetched twice", again)
			}
			if s := m.snap.Status(); s.Resumed != test.resumed {
				t.Errorf("resumed %d times, want %d", s.Resumed, test.resumed)
			}
		})
	}
}

func TestTheSameIsOfferedToWhoIsFetching(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 40)
	w.hold(leader, m, 20*chunk)
	m.crash(0)
	newer := leader.takeOne()
	m.start()
	if !leader.offerTo(m, stall) || m.received[0].ID != meta.ID || m.store.written != meta.Size {
		t.Errorf("received %+v, %d bytes written", m.received, m.store.written)
	}
	// One that covers too little is not offered again.
	leader.snap.Offer(m.id, 1, 1, 2)
	w.run(second, nil)
	if m.offers[len(m.offers)-1].ID != newer.ID {
		t.Errorf("offered %+v", m.offers[len(m.offers)-1])
	}
}

func TestStall(t *testing.T) {
	w, leader, m, _ := pair(t, 1, 40)
	w.hold(leader, m, 20*chunk)
	leader.crash(0)
	fetches, start := m.sent[wire.KindSnapshotFetch], w.now
	if !w.run(2*stall, func() bool { return !m.snap.Status().Fetching.Active }) || w.now-start < stall-second || w.now-start > stall+second {
		t.Errorf("the transfer ends after %d s", (w.now-start)/second)
	}
	if n := m.sent[wire.KindSnapshotFetch] - fetches; n < 8 || n > 10 {
		t.Errorf("asked %d times", n)
	}
	m.expectTrouble("going on with the next offer: " + errStalled.Error())
	m.expectQuiet()
	if m.store.unfinished == nil || len(m.store.unfinished.data) < 20*chunk || m.snap.Status().Interrupted != 1 {
		t.Error("what was held is gone")
	}
}

// TestSlowIsNotStalled lets one chunk through in nine seconds.
func TestSlowIsNotStalled(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 40)
	next := int64(0)
	w.spoil = func(_, _ wire.NodeID, message wire.Message) bool {
		if c, ok := message.(*wire.SnapshotChunk); !ok || c.Status != wire.ChunkData {
			return false
		}
		if w.now < next {
			return true
		}
		next = w.now + 9*second
		return false
	}
	leader.snap.Offer(m.id, 1, 1, 0)
	if !w.run(500*second, func() bool { return len(m.received) > 0 }) || w.now < 1000*second+300*second {
		t.Fatalf("not received after %d s: %v", w.now/second-1000, m.troubles)
	}
	m.expectSame(meta)
	m.expectTrouble()
}
