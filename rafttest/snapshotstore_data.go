// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"testing"

	"github.com/balsa-raft/raft"
)

func snapStays(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	meta := snapshotOf(1)
	r.take(1, meta, bytesOf(meta.ID, 3000), 1000)
	// Whether this is an error is the store's choice; what is published stays.
	if _, err := r.store.Begin(1, meta); err == nil {
		r.verify("begun again")
		_ = r.store.Write(1, meta.ID, 0, []byte("other data"))
		r.verify("begun again and written to")
		r.must(r.store.Abandon(1))
	}
	r.verify("after another Begin")
}

func snapArguments(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	meta := snapshotOf(1)
	given := cloneSnapshotMeta(meta)
	r.begin(1, given)
	scribble(&given)
	data := bytesOf(meta.ID, 400_000)
	u := r.models.group(1).unfinished
	u.meta = meta
	for len(u.data) < len(data) {
		piece := bytes.Clone(data[len(u.data):min(len(u.data)+30_000, len(data))])
		r.must(r.store.Write(1, meta.ID, uint64(len(u.data)), piece))
		u.data = append(u.data, piece...)
		if !bytes.Equal(u.data, data[:len(u.data)]) {
			t.Fatal("Write changed what it was given")
		}
		clear(piece) // All of it is the caller's again.
	}
	r.publish(1)
	r.verify("after the caller has used its memory for something else")
	list, err := r.store.List(1)
	r.must(err)
	for i := range list {
		scribble(&list[i])
	}
	r.verify("after the caller has changed what List returned")
}

func scribble(meta *raft.SnapshotMeta) {
	clear(meta.Membership.Voters)
	for i := range meta.Membership.Members {
		meta.Membership.Members[i].Address = "elsewhere"
	}
	meta.Last.Index += 77
}

func snapLarge(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	meta := snapshotOf(1)
	r.take(1, meta, bytesOf(meta.ID, 20<<20+12345), 256<<10)
	r.verify("20 MiB")
}
