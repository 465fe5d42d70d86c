// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"fmt"
	"hash/crc32"
	"strings"
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

func TestReceiversDiskFails(t *testing.T) {
	for _, op := range []string{"Begin", "Write", "Publish"} {
		w, leader, m, meta := pair(t, 1, 20)
		m.store.fails[op] = -1
		for range 100 {
			leader.snap.Offer(m.id, 1, 1, 0)
			w.run(second/10, nil)
		}
		if n := len(m.troubles); n < 3 || n > 5 || !strings.Contains(m.troubles[0], op+": injected") {
			t.Errorf("%s: %d troubles in ten seconds: %q", op, n, m.troubles)
		}
		m.store.fails[op] = 0
		if !leader.offerTo(m, 60*second) {
			t.Fatalf("%s: nothing is received", op)
		}
		m.expectSame(meta)
		m.expectQuiet()
	}
}

// TestAFailedReadIsNoDamage has the sender's disk fail a few reads: the transfer goes on with the same
// snapshot, which stays.
func TestAFailedReadIsNoDamage(t *testing.T) {
	const failures = 5
	_, leader, m, meta := pair(t, 1, 20)
	leader.store.fails["ReadAt"] = failures
	if !leader.offerTo(m, 60*second) || m.received[0].ID != meta.ID {
		t.Fatalf("received %+v: %v", m.received, m.troubles)
	}
	m.expectSame(meta)
	m.expectTrouble()
	if len(leader.troubles) != failures || !strings.Contains(leader.troubles[0], "cannot be sent: "+ErrUnreadable.Error()) {
		t.Errorf("troubles %q", leader.troubles)
	}
	leader.troubles = nil
	if c := leader.snap.Status().Counters; c.Damaged != 0 {
		t.Errorf("counters %+v", c)
	}
	leader.expectListed(meta.Last.Index)
}

// TestAPlaceThatCannotBeRead is as good as damaged, after a while.
func TestAPlaceThatCannotBeRead(t *testing.T) {
	_, leader, m, meta := pair(t, 1, 20)
	leader.store.fails["ReadAt"] = readFailuresMax
	if !leader.offerTo(m, 120*second) {
		t.Fatalf("nothing is received: %v", m.troubles)
	}
	if m.received[0].ID == meta.ID || leader.snap.Status().Damaged != 1 {
		t.Errorf("received %+v, status %+v", m.received[0], leader.snap.Status())
	}
	m.expectSame(m.received[0])
}

// TestDamageAtTheSender is found while sending: the member gets another snapshot.
func TestDamageAtTheSender(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 20)
	leader.store.damage(meta.ID, 10*chunk)
	if !leader.offerTo(m, 60*second) {
		t.Fatalf("nothing is received: %v", m.troubles)
	}
	if m.received[0].ID == meta.ID {
		t.Error("the damaged one is received")
	}
	m.expectSame(m.received[0])
	m.expectTrouble("interrupted after 10000 bytes")
	leader.expectTrouble("cannot be sent: "+ErrDamaged.Error(), "taking another one")
	w.run(2*stall, nil)
	leader.takeOne()
	if len(leader.store.published) != 1 {
		t.Errorf("%d are stored", len(leader.store.published))
	}
}

// TestContradictions makes the transfer begin anew, from nothing.
func TestContradictions(t *testing.T) {
	tests := []struct {
		name  string
		chunk func(meta *wire.SnapshotMeta, held uint64) *wire.SnapshotChunk
	}{
		{"an end before what is held", func(meta *wire.SnapshotMeta, held uint64) *wire.SnapshotChunk {
			return &wire.SnapshotChunk{ID: meta.ID, Offset: held - 1, Status: wire.ChunkEnd, Checksum: meta.Checksum}
		}},
		{"an end too early", func(meta *wire.SnapshotMeta, held uint64) *wire.SnapshotChunk {
			return &wire.SnapshotChunk{ID: meta.ID, Offset: held, Status: wire.ChunkEnd, Checksum: meta.Checksum}
		}},
	}
	for _, test := range tests {
		w, leader, m, meta := pair(t, 1, 20)
		w.hold(leader, m, 10*chunk)
		m.snap.mu.Lock()
		m.snap.chunks = nil
		m.snap.mu.Unlock()
		m.snap.Deliver(leader.id, test.chunk(&meta, m.snap.Status().Fetching.Bytes))
		w.settle()
		m.expectTrouble(errContradiction.Error())
		if m.store.unfinished != nil {
			t.Errorf("%s: it is kept", test.name)
		}
		if !leader.offerTo(m, stall) {
			t.Fatalf("%s: nothing is received", test.name)
		}
		m.expectSame(meta)
	}
}

func TestMoreThanWasOffered(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 20)
	meta.Size = 10 * chunk
	m.snap.Offered(leader.id, meta)
	w.run(second, nil)
	m.expectTrouble(errContradiction.Error())
	meta.Size, meta.Checksum = 20*chunk+17, 1
	w.run(second, nil)
	m.snap.Offered(leader.id, meta)
	w.run(second, nil)
	m.expectTrouble(errContradiction.Error())
	if len(m.received) != 0 || m.store.unfinished != nil {
		t.Error("it is kept")
	}
}

// TestForeignChunks changes nothing.
func TestForeignChunks(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 40)
	w.hold(leader, m, 10*chunk)
	held := m.snap.Status().Fetching.Bytes
	good := func() *wire.SnapshotChunk {
		return &wire.SnapshotChunk{ID: meta.ID, Offset: held, Status: wire.ChunkGone}
	}
	for i, change := range []func(c *wire.SnapshotChunk) (from wire.NodeID){
		func(c *wire.SnapshotChunk) wire.NodeID { return 3 },
		func(c *wire.SnapshotChunk) wire.NodeID { c.ID++; return 1 },
		func(c *wire.SnapshotChunk) wire.NodeID { c.Offset -= chunk; return 1 },
		func(c *wire.SnapshotChunk) wire.NodeID { c.Offset += chunk; return 1 },
		func(c *wire.SnapshotChunk) wire.NodeID { c.Status = 9; return 1 },
		func(c *wire.SnapshotChunk) wire.NodeID { c.Status = wire.ChunkData; return 1 },
		func(c *wire.SnapshotChunk) wire.NodeID {
			c.Status, c.Data = wire.ChunkData, make([]byte, 10*chunk)
			c.Checksum = crc32.Checksum(c.Data, castagnoli)
			return 1
		},
	} {
		c := good()
		from := change(c)
		dropped := m.snap.Status().Dropped
		m.snap.Deliver(from, c)
		w.settle()
		if s := m.snap.Status(); !s.Fetching.Active || s.Fetching.Bytes != held || i != 4 && s.Dropped != dropped+1 {
			t.Errorf("case %d: status %+v", i, s)
		}
	}
	if m.snap.Deliver(1, &wire.Heartbeat{}) {
		t.Error("a heartbeat is taken in")
	}
	w.run(stall, nil)
	m.expectSame(meta)
}

func TestInboxIsBounded(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(0)
	taken := 0
	for range 100 {
		if m.snap.Deliver(9, &wire.SnapshotChunk{ID: 1, Status: wire.ChunkGone}) {
			taken++
		}
	}
	if s := m.snap.Status(); taken != 8 || s.Dropped != 92 {
		t.Errorf("%d chunks are taken in, %d dropped", taken, s.Dropped)
	}
	w.settle()
	if s := m.snap.Status(); s.Dropped != 100 {
		t.Errorf("%d dropped", s.Dropped)
	}
	m.expectQuiet()
	count := map[string]int{}
	for from := range 100 {
		for at := range 20 {
			fetch := &wire.SnapshotFetch{ID: 1, Offset: uint64(at / 2), Length: uint32(at)} // Every second one twice.
			if m.snap.Deliver(wire.NodeID(from), fetch) {
				count[fmt.Sprint(from)]++
				count["all"]++
			}
		}
	}
	if count["0"] != 8 || count["all"] != requestsMax {
		t.Errorf("fetches taken in: %v", count)
	}
	w.settle()
	m.expectQuiet()
	if n := m.sent[wire.KindSnapshotChunk]; n != requestsMax {
		t.Errorf("%d answers", n)
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

// TestAGoodCopyReplacesADamagedOne of the same ID, and is not deleted in its place.
func TestAGoodCopyReplacesADamagedOne(t *testing.T) {
	w, leader, m, meta := pair(t, 1, 3)
	if !leader.offerTo(m, stall) {
		t.Fatal("nothing is received")
	}
	m.store.damage(meta.ID, 5)
	m.captureErr = errInjected // It has no state to take another one of.
	m.snap.Damaged(meta.ID)
	w.settle()
	if !leader.offerTo(m, stall) {
		t.Fatalf("nothing is received then: %v", m.troubles)
	}
	m.snap.Restored(meta)
	w.run(stall, nil)
	m.expectSame(meta)
	m.expectListed(1)
	if len(m.store.published) != 1 {
		t.Errorf("%d are stored", len(m.store.published))
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

// TestSuccessEndsTheBackOff of failures before it.
func TestSuccessEndsTheBackOff(t *testing.T) {
	w, leader, m, _ := pair(t, 1, 3)
	m.store.fails["Begin"] = 3
	if !leader.offerTo(m, 60*second) {
		t.Fatalf("nothing is received: %v", m.troubles)
	}
	m.expectTrouble("trying again in 1s", "trying again in 2s", "trying again in 4s")
	w.run(2*stall, nil)
	leader.takeOne()
	m.store.fails["Begin"] = 1
	if !leader.offerTo(m, 60*second) {
		t.Fatalf("nothing is received: %v", m.troubles)
	}
	m.expectTrouble("trying again in 1s")
}
