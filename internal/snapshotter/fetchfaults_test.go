// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

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
