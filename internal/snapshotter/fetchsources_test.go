// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func TestOffersWhileFetching(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 40)
	other := w.add(leader.stateBytes)
	other.applied.Index = 5
	newer := other.takeOne()
	w.hold(leader, m, 10*chunk)
	for range 20 { // Another one, by another leader, that has to wait.
		other.snap.Offer(m.id, 2, 1, 0)
		w.run(latency, nil)
	}
	w.run(stall, func() bool { return len(m.received) > 0 })
	if len(m.received) != 1 || m.received[0].ID != meta.ID || m.snap.Status().Interrupted != 0 {
		t.Errorf("received %+v", m.received)
	}
	if !other.offerTo(m, stall) || m.received[1].ID != newer.ID {
		t.Errorf("then received %+v", m.received)
	}
	m.expectSame(newer)
}

// TestTwoSources goes on with a member that has the same snapshot, when the first one is gone.
func TestTwoSources(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 40)
	other := w.add(leader.stateBytes)
	if !leader.offerTo(other, stall) {
		t.Fatal("no second source")
	}
	w.hold(leader, m, 20*chunk)
	leader.crash(0)
	if !other.offerTo(m, second) {
		t.Fatalf("nothing is received: %v", m.troubles)
	}
	m.expectSame(meta)
	if s := m.snap.Status(); m.store.written != meta.Size || s.Interrupted != 0 {
		t.Errorf("%d bytes written, status %+v", m.store.written, s)
	}
}

func TestASourceWithoutIt(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 40)
	other := w.add(leader.stateBytes)
	w.hold(leader, m, 20*chunk)
	m.snap.Offered(other.id, meta) // It does not have it.
	w.run(second, nil)
	m.expectTrouble("from member 3 interrupted")
	m.expectQuiet()
	if !leader.offerTo(m, second) || m.store.written != meta.Size {
		t.Errorf("%d bytes written, %v", m.store.written, m.troubles)
	}
}

// TestASourceThatNeverHasIt must not be asked at every offer.
func TestASourceThatNeverHasIt(t *testing.T) {
	w := newWorld(t, 1)
	w.add(0)
	m := w.add(0)
	for range 600 { // A minute.
		m.snap.Offered(1, wire.SnapshotMeta{ID: 8, Last: wire.LogID{Term: 1, Index: 1}, Size: 10 * chunk})
		w.run(second/10, nil)
	}
	if n := len(m.troubles); n < 4 || n > 7 {
		t.Errorf("%d attempts in a minute", n)
	}
}

func TestOfferedAgain(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 3)
	leader.offerTo(m, stall)
	calls := m.store.calls["Begin"]
	m.snap.Offered(leader.id, meta)
	m.snap.Offered(leader.id, meta) // Both at once are one.
	w.settle()
	if len(m.received) != 2 || m.received[1].ID != meta.ID || m.store.calls["Begin"] != calls {
		t.Errorf("received %+v", m.received)
	}
	m.snap.Offered(leader.id, wire.SnapshotMeta{ID: 99, External: true})
	w.settle()
	if s := m.snap.Status(); m.store.calls["Begin"] != calls || s.Dropped != 1 {
		t.Error("a snapshot without data is fetched")
	}
}

func TestFetchingEndsTaking(t *testing.T) {
	for _, captured := range []bool{false, true} {
		w, leader, m, meta := pair(t, 1, 10)
		m.apply(1)
		var r, late results
		m.snap.Take(r.done)
		m.snap.Step()
		if captured {
			w.now += latency
			w.fire()
			m.snap.Step()
			if m.open != 1 {
				t.Fatal("nothing is being taken")
			}
		}
		m.snap.Offered(leader.id, meta)
		m.snap.Step()
		m.snap.Take(late.done)
		m.snap.Step()
		if len(r.errs) != 1 || r.errs[0] != ErrFetching || len(late.errs) != 1 || late.errs[0] != ErrFetching {
			t.Errorf("captured %v: Take ended with %v and %v", captured, r.errs, late.errs)
		}
		w.run(stall, nil)
		m.expectQuiet()
		if len(m.received) != 1 || len(m.taken) != 0 {
			t.Errorf("captured %v: received %v, taken %v", captured, m.received, m.taken)
		}
		m.expectSame(meta)
		m.takeOne()
	}
}

func TestThePolicyWaitsWhileFetching(t *testing.T) {
	w, leader, m, _ := pair(t, 1, 40)
	m.snap.cfg.Policy.Entries = 1
	w.hold(leader, m, 10*chunk)
	m.apply(10)
	w.settle()
	if m.captures != 0 {
		t.Error("a snapshot is taken meanwhile")
	}
	w.run(stall, nil)
	if len(m.received) != 1 || len(m.taken) != 1 {
		t.Errorf("received %v, taken %v", indexes(m.received), indexes(m.taken))
	}
}

// TestARepeatedFetchIsAnsweredOnce holds while the first one waits.
func TestARepeatedFetchIsAnsweredOnce(t *testing.T) {
	w, leader, _, meta := pair(t, 1, 3)
	first := leader.snap.Deliver(9, &wire.SnapshotFetch{ID: meta.ID, Offset: chunk, Length: chunk})
	again := leader.snap.Deliver(9, &wire.SnapshotFetch{ID: meta.ID, Offset: chunk, Length: chunk})
	other := leader.snap.Deliver(8, &wire.SnapshotFetch{ID: meta.ID, Offset: chunk, Length: chunk})
	w.settle()
	later := leader.snap.Deliver(9, &wire.SnapshotFetch{ID: meta.ID, Offset: chunk, Length: chunk})
	w.settle()
	if !first || again || !other || !later || leader.sent[wire.KindSnapshotChunk] != 3 {
		t.Errorf("taken in %v, %v, %v, %v, %d answers", first, again, other, later, leader.sent[wire.KindSnapshotChunk])
	}
}

// TestSnapshotsWithoutDataAreNotOffered, though the state machine of before has left one.
func TestSnapshotsWithoutDataAreNotOffered(t *testing.T) {
	w := newWorld(t, 1)
	leader, m := w.add(chunk, func(c *Config) { c.Durable = true }), w.add(chunk)
	leader.takeOne()
	leader.crash(0)
	leader.cfg.Durable = false
	leader.start()
	leader.apply(1)
	if !leader.offerTo(m, stall) {
		t.Fatalf("nothing is received: %v", leader.troubles)
	}
	if m.received[0].External || m.received[0].Last.Index != 2 {
		t.Errorf("received %+v", m.received[0])
	}
	m.expectSame(m.received[0])
}
