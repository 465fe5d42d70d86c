// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

func snapNewGroup(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	r.models.group(1)
	r.models.group(math.MaxUint64)
	r.verify("before anything is written")
	if n, err := r.store.ReadAt(1, 5, make([]byte, 10), 0); err == nil || err == io.EOF || n != 0 {
		t.Errorf("a read of a snapshot that is not there: %d bytes, error %v", n, err)
	}
	r.must(r.store.Delete(1, 5))
	r.must(r.store.Abandon(1))
	r.refuse("a Write without Begin", r.store.Write(1, 5, 0, []byte("x")))
	r.refuse("a Publish without Begin", r.store.Publish(1, 5, 0, 0))
	r.verify("afterwards")
}

func snapRoundTrip(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	const k = 1 << 10
	for i, length := range []int{
		0, 1, 511, 512, 513, 4*k - 1, 4 * k, 4*k + 1, 64 * k, 256*k - 1, 256 * k, 256*k + 1, 512 * k, 700_000, 1 << 20,
	} {
		meta := snapshotOf(raft.Index(i + 1))
		for _, piece := range []int{max(length/7, 1), 1 << 20} {
			meta.ID++
			r.take(1, meta, bytesOf(meta.ID, length), piece)
			r.verify("%d bytes in pieces of %d", length, piece)
			for _, p := range r.models.group(1).published {
				r.must(r.store.Delete(1, p.meta.ID))
			}
			r.models.group(1).published = nil
		}
	}
	const huge = math.MaxUint64
	large := raft.SnapshotMeta{
		ID: huge, Last: raft.LogID{Term: huge, Index: huge}, MembershipAt: huge, Command: raft.LogID{Term: huge, Index: huge}, Version: math.MaxUint32,
		Membership: wire.Membership{
			Voters: []wire.NodeID{1, huge}, Outgoing: []wire.NodeID{1, 2}, Learners: []wire.NodeID{3},
			Members: []wire.Member{{ID: 1}, {ID: 2, Address: "b"}, {ID: 3, Address: "c"}, {ID: huge, Address: "z"}},
		},
	}
	r.take(huge, large, bytesOf(1, 1000), 100)
	r.verify("large numbers, and a joint membership")
}

func snapInvisible(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	r.take(1, snapshotOf(5), bytesOf(5, 3000), 1000)
	meta := snapshotOf(9)
	look := func(when string) {
		t.Helper()
		r.verify("%s", when)
		if n, err := r.store.ReadAt(1, meta.ID, make([]byte, 10), 0); err == nil || err == io.EOF || n != 0 {
			t.Errorf("%s: %d bytes were read, error %v", when, n, err)
		}
	}
	r.begin(1, meta)
	look("begun")
	r.write(1, bytesOf(9, 600_000), 100_000)
	look("written")
	r.must(r.store.Delete(1, meta.ID))
	look("deleted, though there is nothing to delete")
	r.publish(1)
	r.verify("published")
}

func snapSizes(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	known := snapshotOf(1)
	data := bytesOf(known.ID, 5000)
	known.Size, known.Checksum = uint64(len(data)), checksum(data)
	r.take(1, known, data, 1000)
	r.verify("known from the start")
	unknown := snapshotOf(2)
	r.take(1, unknown, data, 1000)
	r.verify("known at the end")
	later := snapshotOf(3)
	r.begin(1, later)
	r.write(1, data[:2000], 1000)
	later.Size, later.Checksum = known.Size, known.Checksum
	held := r.begin(1, later)
	r.write(1, data[held:], 1000)
	r.publish(1)
	r.verify("known in between")
}

func snapWrongEnd(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	good := snapshotOf(1)
	r.take(1, good, bytesOf(good.ID, 5000), 1000)
	data := bytesOf(2, 300_000)
	size, sum := uint64(len(data)), checksum(data)
	for _, end := range []struct {
		what string
		size uint64
		sum  uint32
	}{
		{"a byte too few", size - 1, sum}, {"a byte too many", size + 1, sum}, {"another checksum", size, sum ^ 1},
		{"nothing", 0, 0}, {"the checksum of a part", size, checksum(data[:len(data)-1])},
	} {
		meta := snapshotOf(2)
		if held := r.begin(1, meta); held != 0 {
			t.Fatalf("%s: Begin has %d bytes of a snapshot that is abandoned", end.what, held)
		}
		r.write(1, data, 100_000)
		r.refuse("Publish of "+end.what, r.store.Publish(1, meta.ID, end.size, end.sum))
		r.models.group(1).unfinished = nil
		r.verify("after Publish of %s", end.what)
		r.refuse("a Write after that", r.store.Write(1, meta.ID, size, []byte("x")))
		r.refuse("another Publish after that", r.store.Publish(1, meta.ID, size, sum))
		r.verify("after another Publish")
	}
	r.take(1, snapshotOf(2), data, 50_000)
	r.verify("in the end")
}

func snapExternal(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	for index := raft.Index(1); index <= 3; index++ {
		meta := snapshotOf(index)
		meta.External = true
		r.take(1, meta, nil, 1)
		r.verify("external snapshot %d", index)
	}
	r.must(r.store.Delete(1, snapshotOf(1).ID))
	r.models.group(1).delete(snapshotOf(1).ID)
	r.take(1, snapshotOf(4), bytesOf(4, 100), 50)
	r.verify("one that is not, too")
}

func snapOffsets(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	meta := snapshotOf(1)
	data := bytesOf(meta.ID, 300_000)
	r.begin(1, meta)
	r.refuse("a Write behind the beginning", r.store.Write(1, meta.ID, 1, data[:10]))
	r.write(1, data[:100_000], 30_000)
	for _, offset := range []uint64{0, 50_000, 99_999, 100_001, 1 << 40, math.MaxUint64} {
		r.refuse("a Write elsewhere than at the end", r.store.Write(1, meta.ID, offset, data[:10]))
	}
	r.refuse("a Write to another snapshot", r.store.Write(1, meta.ID+1, 100_000, data[:10]))
	r.refuse("a Write to another group", r.store.Write(2, meta.ID, 100_000, data[:10]))
	r.refuse("a Publish of another snapshot", r.store.Publish(1, meta.ID+1, 100_000, checksum(data[:100_000])))
	r.must(r.store.Write(1, meta.ID, 100_000, nil))
	r.write(1, data[100_000:], 70_000)
	r.publish(1)
	r.verify("after Writes in wrong places")
	r.refuse("a Write to what is published", r.store.Write(1, meta.ID, 300_000, data[:10]))
	r.refuse("a second Publish", r.store.Publish(1, meta.ID, 300_000, checksum(data)))
	r.verify("after it was written to, though it is published")
}

func snapResume(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	meta := snapshotOf(1)
	data := bytesOf(meta.ID, 5<<20)
	random := rand.New(rand.NewPCG(1, 1))
	held := r.begin(1, meta)
	for range 12 {
		written := min(held+1+random.IntN(2<<20), len(data))
		r.write(1, data[held:written], 90_000)
		if held = r.begin(1, meta); held < written-1<<20 {
			t.Fatalf("%d bytes were written, and Begin has %d", written, held)
		}
	}
	r.write(1, data[held:], 90_000)
	r.publish(1)
	r.verify("after many Begins")
}

func snapOneUnfinished(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	first, second := snapshotOf(1), snapshotOf(2)
	r.begin(1, first)
	r.write(1, bytesOf(first.ID, 2<<20), 1<<20)
	r.begin(1, second)
	r.refuse("a Write to a snapshot in whose place another was begun", r.store.Write(1, first.ID, 2<<20, []byte("x")))
	r.refuse("its Publish", r.store.Publish(1, first.ID, 2<<20, checksum(bytesOf(first.ID, 2<<20))))
	r.write(1, bytesOf(second.ID, 2<<20), 1<<20)
	if held := r.begin(1, first); held != 0 {
		t.Fatalf("Begin has %d bytes of a snapshot in whose place another was begun", held)
	}
	r.write(1, bytesOf(first.ID, 1000), 1000)
	r.publish(1)
	if held := r.begin(1, second); held != 0 {
		t.Fatalf("Begin has %d bytes of a snapshot in whose place another was begun", held)
	}
	r.verify("in the end")
}

func snapAbandon(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	r.take(1, snapshotOf(1), bytesOf(1, 1000), 1000)
	meta := snapshotOf(2)
	r.begin(1, meta)
	r.write(1, bytesOf(meta.ID, 2<<20), 1<<20)
	r.must(r.store.Abandon(2)) // Another group's.
	r.write(1, []byte("more"), 4)
	r.must(r.store.Abandon(1))
	r.must(r.store.Abandon(1))
	r.models.group(1).unfinished = nil
	r.refuse("a Write to what is abandoned", r.store.Write(1, meta.ID, 2<<20+4, []byte("x")))
	r.refuse("a Publish of what is abandoned", r.store.Publish(1, meta.ID, 2<<20+4, 0))
	r.verify("abandoned")
	r.take(1, meta, bytesOf(meta.ID, 3000), 1000) // Which fails if anything is left.
	r.verify("begun anew")
}

func snapOrder(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	for _, index := range rand.New(rand.NewPCG(1, 1)).Perm(12) {
		meta := snapshotOf(raft.Index(index + 1))
		meta.ID = raft.SnapshotID(1 + index*7%12) // Neither age nor ID tells the order.
		r.take(1, meta, bytesOf(meta.ID, 100), 100)
		r.verify("with that of index %d", meta.Last.Index)
	}
}

func snapDelete(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	for index := raft.Index(1); index <= 4; index++ {
		r.take(1, snapshotOf(index), bytesOf(raft.SnapshotID(index), 2000), 2000)
		r.take(2, snapshotOf(index), bytesOf(raft.SnapshotID(index+10), 2000), 2000)
	}
	unfinished := snapshotOf(9)
	r.begin(1, unfinished)
	r.write(1, bytesOf(9, 2000), 2000)
	for _, index := range []raft.Index{2, 4, 1, 3} {
		id := snapshotOf(index).ID
		r.must(r.store.Delete(1, id))
		r.models.group(1).delete(id)
		r.verify("without that of index %d", index)
		if n, err := r.store.ReadAt(1, id, make([]byte, 10), 0); err == nil || err == io.EOF || n != 0 {
			t.Errorf("a read of a snapshot that was deleted: %d bytes, error %v", n, err)
		}
		r.must(r.store.Delete(1, id))
		r.verify("deleted twice")
	}
	r.publish(1)
	r.verify("what was unfinished meanwhile")
	r.take(1, snapshotOf(2), bytesOf(2, 500), 500)
	r.verify("the same ID once more")
}

func snapGroups(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	var groups []raft.GroupID
	for g := raft.GroupID(1); g <= 30; g++ {
		groups = append(groups, g, g<<33) // All of the number counts.
	}
	meta := snapshotOf(1) // The same ID everywhere.
	for i, group := range groups {
		r.begin(group, meta)
		r.write(group, bytesOf(raft.SnapshotID(i), 1000+i), 600)
	}
	for i, group := range groups {
		if i%3 == 0 {
			r.must(r.store.Abandon(group))
			r.models.group(group).unfinished = nil
		} else {
			r.publish(group)
		}
	}
	r.verify("all of them")
	for i, group := range groups {
		if i%3 == 1 {
			r.must(r.store.Delete(group, meta.ID))
			r.models.group(group).delete(meta.ID)
		}
	}
	r.verify("deleted in some")
}
