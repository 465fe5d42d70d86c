// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
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

// snapConcurrency reads while others write: one snapshot stays all the time and must be
// readable, and whatever else is read must be what was written.
func snapConcurrency(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	const rounds = 30
	stable := snapshotOf(1000)
	for group := raft.GroupID(1); group <= 2; group++ {
		r.take(group, stable, bytesOf(stable.ID, 50_000), 50_000)
	}
	want := r.models.clone()
	var readers, writers sync.WaitGroup
	var ended atomic.Bool
	errs := make(chan error, 5)
	for reader := range uint64(3) {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(reader, 2))
			for !ended.Load() {
				if err := readSnapshots(r.store, random, want); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for group := raft.GroupID(1); group <= 2; group++ {
		writers.Go(func() {
			for round := raft.Index(1); round <= rounds; round++ {
				if err := replaceSnapshot(r.store, group, round); err != nil {
					errs <- fmt.Errorf("group %d, round %d: %w", group, round, err)
					return
				}
			}
		})
	}
	writers.Wait()
	ended.Store(true)
	readers.Wait()
	select {
	case err := <-errs:
		t.Fatalf("while others write: %v", err)
	default:
	}
	for _, m := range want {
		last := snapshotOf(rounds)
		m.unfinished = &snapData{last, bytesOf(last.ID, 30_000)}
		m.publish()
	}
	r.models = want
	r.verify("after all of it")
}

// replaceSnapshot publishes a snapshot and deletes the one before.
func replaceSnapshot(store raft.SnapshotStore, group raft.GroupID, round raft.Index) error {
	meta := snapshotOf(round)
	data := bytesOf(meta.ID, 30_000)
	if _, err := store.Begin(group, meta); err != nil {
		return err
	}
	for offset := 0; offset < len(data); offset += 10_000 {
		if err := store.Write(group, meta.ID, uint64(offset), data[offset:offset+10_000]); err != nil {
			return err
		}
	}
	if err := store.Publish(group, meta.ID, uint64(len(data)), checksum(data)); err != nil {
		return err
	}
	if round == 1 {
		return nil
	}
	return store.Delete(group, snapshotOf(round-1).ID)
}

func readSnapshots(store raft.SnapshotStore, random *rand.Rand, stable snapModels) error {
	group := raft.GroupID(1 + random.IntN(2))
	list, err := store.List(group)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	stays := stable[group].published[0]
	if len(list) == 0 || !equalSnapshots(list[0], stays.meta) {
		return fmt.Errorf("the snapshot that stays is not the first of %d in the list", len(list))
	}
	if err := stays.read(store, group, random.IntN(50_000), random.IntN(50_000)); err != nil {
		return fmt.Errorf("the snapshot that stays: %w", err)
	}
	other := list[len(list)-1]
	data := bytesOf(other.ID, int(other.Size))
	offset := random.IntN(len(data))
	buf := make([]byte, 1+random.IntN(20_000))
	n, err := store.ReadAt(group, other.ID, buf, uint64(offset)) // It may be deleted by now.
	if (err == nil || err == io.EOF) && n != min(len(buf), len(data)-offset) || !bytes.HasPrefix(data[offset:], buf[:n]) {
		return fmt.Errorf("%d bytes of snapshot %v at %d are not what was written, error %v", n, other.ID, offset, err)
	}
	return nil
}

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

// snapStep makes a random step in a random group.
func (r *snapRig) snapStep(random *rand.Rand) {
	r.t.Helper()
	group := raft.GroupID(1 + random.IntN(3))
	m := r.models.group(group)
	u := m.unfinished
	switch roll := random.IntN(20); {
	case u == nil || roll == 0:
		meta := snapshotOf(raft.Index(1 + random.IntN(1000)))
		if !slices.ContainsFunc(m.published, func(p snapData) bool { return p.meta.ID == meta.ID }) {
			r.begin(group, meta)
		}
	case roll < 4:
		r.begin(group, u.meta)
	case roll < 12:
		all := bytesOf(u.meta.ID, len(u.data)+1+random.IntN(30_000))
		r.write(group, all[len(u.data):], 1+random.IntN(20_000)+len(all)/100)
	case roll < 15:
		r.publish(group)
	case roll == 15:
		r.refuse("a wrong checksum", r.store.Publish(group, u.meta.ID, uint64(len(u.data)), checksum(u.data)+1))
		m.unfinished = nil
	case roll == 16:
		r.must(r.store.Abandon(group))
		m.unfinished = nil
	case len(m.published) > 0:
		id := m.published[random.IntN(len(m.published))].meta.ID
		r.must(r.store.Delete(group, id))
		m.delete(id)
	}
}

func snapRandom(t testing.TB, s *SnapshotStore) {
	for seed := range uint64(3) {
		r := newSnapRig(t, s)
		random := rand.New(rand.NewPCG(seed, 3))
		for step := range 200 {
			r.snapStep(random)
			if step%10 == 9 {
				r.verify("seed %d, step %d", seed, step)
			}
			if step%40 == 39 && s.Reopen != nil {
				r.reopen()
				r.verify("seed %d, reopened after step %d", seed, step)
				r.resumeAll()
			}
		}
		r.close()
	}
}

// resumeAll goes on with all unfinished snapshots, as after a restart.
func (r *snapRig) resumeAll() {
	r.t.Helper()
	for group, m := range r.models {
		if m.unfinished != nil {
			r.begin(group, m.unfinished.meta)
		}
	}
}

func snapReopen(t testing.TB, s *SnapshotStore) {
	if s.Reopen == nil {
		t.Skip("there is no Reopen")
	}
	r := newSnapRig(t, s)
	r.reopen()
	r.models.group(1)
	r.verify("reopened empty")
	r.take(1, snapshotOf(1), bytesOf(1, 700_000), 100_000)
	meta := snapshotOf(2)
	data := bytesOf(meta.ID, 3<<20)
	for range 5 {
		held := r.begin(1, meta)
		r.write(1, data[held:min(held+1<<20, len(data))], 70_000)
		r.reopen()
		r.verify("reopened in the middle")
	}
	r.refuse("a Write that no Begin went before", r.store.Write(1, meta.ID, 0, data))
	r.take(1, meta, data, 1<<20)
	r.must(r.store.Delete(1, snapshotOf(1).ID))
	r.models.group(1).delete(snapshotOf(1).ID)
	r.reopen()
	r.verify("reopened after Publish and Delete")
}

func snapCrash(t testing.TB, s *SnapshotStore) {
	if s.Crash == nil {
		t.Skip("there is no Crash")
	}
	r := newSnapRig(t, s)
	random := rand.New(rand.NewPCG(1, 4))
	for step := range 150 {
		r.snapStep(random)
		if step%3 == 0 {
			old := r.store
			r.store = s.Crash(t, old)
			if err := old.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			r.verify("after a crash behind step %d", step)
			r.resumeAll()
		}
	}
}

// snapCrashAnywhere crashes while snapshots are written, published and deleted: what is left
// must be what some number of these steps made, at least those that had returned.
func snapCrashAnywhere(t testing.TB, s *SnapshotStore) {
	if s.Crash == nil {
		t.Skip("there is no Crash")
	}
	r := newSnapRig(t, s)
	const rounds = 25
	states, models := []snapModels{{1: {}}}, snapModels{1: {}}
	for round := raft.Index(1); round <= rounds; round++ {
		meta := snapshotOf(round)
		models.group(1).unfinished = &snapData{meta, bytesOf(meta.ID, 30_000)}
		models.group(1).publish()
		states = append(states, models.clone())
		if round > 1 {
			models.group(1).delete(snapshotOf(round - 1).ID)
			states = append(states, models.clone())
		}
	}
	var begun, done atomic.Int64
	errs := make(chan error, 1)
	go func() {
		for round := raft.Index(1); round <= rounds; round++ {
			begun.Store(int64(round))
			if err := replaceSnapshot(r.store, 1, round); err != nil {
				errs <- err
				return
			}
			done.Store(int64(round))
		}
		errs <- nil
	}()
	stateAfter := func(rounds int64) int { return max(int(2*rounds)-1, 0) }
	for done.Load() < rounds && len(errs) == 0 {
		least := stateAfter(done.Load())
		crashed := s.Crash(t, r.store)
		most := stateAfter(begun.Load())
		if err := findSnapState(crashed, states[least:most+1]); err != nil {
			t.Errorf("a crash after %d to %d steps: %v", least, most, err)
		}
		if err := crashed.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
}

// findSnapState looks for a state that a store is in.
func findSnapState(store raft.SnapshotStore, states []snapModels) error {
	var err error
	for _, models := range states {
		if err = models.verify(store); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the store holds none of the %d states it may; the last one differs: %w", len(states), err)
}
