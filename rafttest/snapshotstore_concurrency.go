// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/balsa-raft/raft"
)

// snapConcurrency reads while others write: one snapshot stays all the time and must be
// readable, and whatever else is read must be what was written.
func snapConcurrency(t testing.TB, s *SnapshotStore) {
	r := newSnapRig(t, s)
	const rounds = 30
	groups := []raft.GroupID{1, 2}
	stable := snapshotOf(1000)
	for _, group := range groups {
		r.take(group, stable, bytesOf(stable.ID, 50_000), 50_000)
	}
	want := r.models.clone()
	readBeside(t, func(random *rand.Rand) error { return readSnapshots(r.store, random, want) }, func() error {
		errs := make([]error, len(groups))
		var writers sync.WaitGroup
		for i, group := range groups {
			writers.Go(func() { errs[i] = replaceSnapshots(r.store, group, rounds) })
		}
		writers.Wait()
		return errors.Join(errs...)
	})
	for _, m := range want {
		last := snapshotOf(rounds)
		m.unfinished = &snapData{last, bytesOf(last.ID, 30_000)}
		m.publish()
	}
	r.models = want
	r.verify("after all of it")
}

func replaceSnapshots(store raft.SnapshotStore, group raft.GroupID, rounds raft.Index) error {
	for round := raft.Index(1); round <= rounds; round++ {
		if err := replaceSnapshot(store, group, round); err != nil {
			return fmt.Errorf("group %d, round %d: %w", group, round, err)
		}
	}
	return nil
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
