// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"io"
	"testing"

	"github.com/balsa-raft/raft"
)

func snapDamage(t testing.TB, s *SnapshotStore) {
	if s.Damage == nil {
		t.Skip("there is no Damage")
	}
	for _, length := range []int{1, 3000, 900_000} {
		for _, offset := range []int{0, length / 2, length - 1} {
			snapDamageAt(t, s, length, offset)
		}
	}
}

func snapDamageAt(t testing.TB, s *SnapshotStore, length, offset int) {
	r := newSnapRig(t, s)
	good, bad := snapshotOf(1), snapshotOf(2)
	data := bytesOf(bad.ID, length)
	r.take(1, good, bytesOf(good.ID, length), length)
	r.take(1, bad, data, length)
	r.take(2, bad, data, length)
	s.Damage(t, r.store, 1, bad.ID, uint64(offset))
	// The store may have noticed already, by itself. If not, it must now.
	buf := make([]byte, length)
	n, err := r.store.ReadAt(1, bad.ID, buf, 0)
	if err == nil || err == io.EOF {
		t.Fatalf("byte %d of %d is damaged: %d bytes were read, error %v", offset, length, n, err)
	}
	if n > offset || !bytes.Equal(buf[:n], data[:n]) {
		t.Fatalf("byte %d of %d is damaged, and %d bytes were returned", offset, length, n)
	}
	r.models.group(1).delete(bad.ID)
	r.verify("byte %d of %d is damaged, and a read has found that", offset, length)
	if n, err := r.store.ReadAt(1, bad.ID, buf, 0); err == nil || err == io.EOF || n > offset {
		t.Fatalf("the second time %d bytes were read, error %v", n, err)
	}
	r.must(r.store.Delete(1, bad.ID))
	r.requireGone(1, bad.ID)
	r.take(1, bad, data, length)
	r.verify("made once more")
	if s.Reopen != nil {
		r.reopen()
		r.verify("reopened")
	}
	r.close()
}

// requireGone checks that nothing is kept of a damaged snapshot that was deleted, and that the same one in
// another group has nothing to do with it.
func (r *snapRig) requireGone(group raft.GroupID, id raft.SnapshotID) {
	r.t.Helper()
	if r.suite.Keeps == nil {
		return
	}
	if r.suite.Keeps(r.t, r.store, group, id) {
		r.t.Fatal("a damaged snapshot is kept, though it was deleted")
	}
	if !r.suite.Keeps(r.t, r.store, group+1, id) {
		r.t.Fatal("deleting a damaged snapshot has deleted that of another group")
	}
}

// snapDamageFoundByOpen deletes a damaged snapshot that the store may have found when it was opened.
func snapDamageFoundByOpen(t testing.TB, s *SnapshotStore) {
	if s.Damage == nil || s.Reopen == nil {
		t.Skip("there is no Damage, or no Reopen")
	}
	r := newSnapRig(t, s)
	good, bad := snapshotOf(1), snapshotOf(2)
	r.take(1, good, bytesOf(good.ID, 3000), 3000)
	for group := raft.GroupID(1); group <= 2; group++ {
		r.take(group, bad, bytesOf(bad.ID, 3000), 3000)
	}
	s.Damage(t, r.store, 1, bad.ID, 1000)
	r.reopen()
	r.must(r.store.Delete(1, bad.ID))
	r.models.group(1).delete(bad.ID)
	r.verify("deleted, being damaged")
	r.requireGone(1, bad.ID)
	r.reopen()
	r.verify("reopened after that")
	r.requireGone(1, bad.ID)
}

// snapFailedReads reads while the disk does not.
func snapFailedReads(t testing.TB, s *SnapshotStore) {
	if s.FailReads == nil {
		t.Skip("there is no FailReads")
	}
	r := newSnapRig(t, s)
	first, second := snapshotOf(1), snapshotOf(2)
	r.take(1, first, bytesOf(first.ID, 700_000), 100_000)
	r.take(1, second, bytesOf(second.ID, 700_000), 100_000)
	r.must(r.models.group(1).published[0].read(r.store, 1, 0, 1000)) // One of them may be open now.
	for range 2 {
		s.FailReads(t, r.store, true)
		for _, meta := range []raft.SnapshotMeta{first, second} {
			if n, err := r.store.ReadAt(1, meta.ID, make([]byte, 700_000), 0); err == nil || err == io.EOF {
				t.Fatalf("the disk fails, and %d bytes are read, error %v", n, err)
			}
		}
		list, err := r.store.List(1)
		if err != nil || len(list) != 2 {
			t.Fatalf("reads have failed, and %d snapshots are listed, error %v", len(list), err)
		}
		s.FailReads(t, r.store, false)
		r.verify("the disk reads again")
	}
}
