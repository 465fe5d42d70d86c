// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/balsa-raft/raft"
)

func durableNew(t testing.TB, s *DurableStateMachine) {
	disk := s.New(t)
	for range 2 {
		machine, applied := s.openOnce(t, disk)
		if applied != (raft.LogID{}) {
			t.Errorf("a new one says that %v has been applied", applied)
		}
		s.sync(t, machine)
		if err := disk.Close(machine); err != nil {
			t.Fatalf("it cannot be closed: %v", err)
		}
	}
}

func durableApplied(t testing.TB, s *DurableStateMachine) {
	machine, _ := s.open(t, s.New(t))
	for batch := range slices.Chunk(s.history(1), 20) {
		machine.Apply(batch)
		if applied, err := machine.LastApplied(); err != nil || applied != lastOf(batch) {
			t.Fatalf("it says that %v was the last command applied, %v; want %v", applied, err, lastOf(batch))
		}
	}
}

func durableReopens(t testing.TB, s *DurableStateMachine) {
	disk, entries := s.New(t), s.history(1)
	for batch := range slices.Chunk(entries, len(entries)/3) {
		machine, _ := s.openOnce(t, disk)
		applyAll(machine, batch, 10)
		s.sync(t, machine)
		want := s.Dump(t, machine)
		if err := disk.Close(machine); err != nil {
			t.Fatalf("it cannot be closed: %v", err)
		}
		machine, applied := s.openOnce(t, disk)
		if got := s.Dump(t, machine); applied != lastOf(batch) || !bytes.Equal(got, want) {
			t.Fatalf("opened again, %v was the last command, and the state is %.300q; want %v and %.300q", applied, got, lastOf(batch), want)
		}
		if err := disk.Close(machine); err != nil {
			t.Fatalf("it cannot be closed: %v", err)
		}
	}
}

func durableSynced(t testing.TB, s *DurableStateMachine) {
	disk, entries := s.New(t), s.history(1)
	machine, _ := s.open(t, disk)
	for i := 0; i+50 <= len(entries); i += 50 {
		applyAll(machine, entries[i:i+25], 5)
		s.sync(t, machine)
		crashed := disk.Crash()
		applyAll(machine, entries[i+25:i+50], 5)
		if _, applied := s.check(t, "crashed behind a Sync", crashed, entries); applied != lastOf(entries[:i+25]) {
			t.Fatalf("%v was the last command in front of a Sync, and behind it and a crash %v", lastOf(entries[:i+25]), applied)
		}
	}
}

// durableCrash crashes without any Sync, and with some.
func durableCrash(t testing.TB, s *DurableStateMachine) {
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 9))
		disk, entries := s.New(t), s.history(seed)
		machine, _ := s.open(t, disk)
		synced := raft.LogID{}
		for batch := range slices.Chunk(entries, max(1, len(entries)/12)) {
			applyAll(machine, batch, 1+random.IntN(20))
			if seed > 0 && random.IntN(3) == 0 {
				s.sync(t, machine)
				synced = lastOf(batch)
			}
			if _, applied := s.check(t, "crashed", disk.Crash(), entries); applied.Index < synced.Index {
				t.Fatalf("%v had been synced, and %v is left of it by a crash", synced, applied)
			}
		}
	}
}

func durableGoesOn(t testing.TB, s *DurableStateMachine) {
	disk, entries := s.New(t), s.history(1)
	machine, _ := s.open(t, disk)
	for range 5 {
		machine.Apply(entries[:len(entries)/10])
		s.sync(t, machine)
		disk = disk.Crash()
		machine, _ = s.check(t, "crashed", disk, s.history(1))
		entries = entries[len(entries)/10:]
	}
	applyAll(machine, entries, 10)
	if got, want := s.Dump(t, machine), s.expected(t, s.history(1), lastOf(entries)); !bytes.Equal(got, want) {
		t.Fatalf("behind crashes the log leads to %.300q, want %.300q", got, want)
	}
}

func durableCapture(t testing.TB, s *DurableStateMachine) {
	machine, _ := s.open(t, s.New(t))
	entries := s.history(1)
	applyAll(machine, entries, 10)
	other, _ := s.open(t, s.New(t))
	applyAll(other, s.history(2)[:3], 10)
	restore(t, other, snapshot(t, machine))
	if applied, err := other.LastApplied(); err != nil || applied != lastOf(entries) {
		t.Fatalf("%v was the last command applied, and behind a restore %v, %v", lastOf(entries), applied, err)
	}
}

// restoring applies half of a history to a disk, and returns the other state that it is to be restored to.
func (s *DurableStateMachine) restoring(t testing.TB) (disk Disk, machine raft.DurableStateMachine, data []byte) {
	t.Helper()
	entries := s.history(1)
	ahead, _ := s.open(t, s.New(t))
	applyAll(ahead, entries, 10)
	disk = s.New(t)
	machine, _ = s.open(t, disk)
	applyAll(machine, entries[:len(entries)/2], 10)
	s.sync(t, machine)
	return disk, machine, snapshot(t, ahead)
}

func durableRestoreSynced(t testing.TB, s *DurableStateMachine) {
	disk, machine, data := s.restoring(t)
	restore(t, machine, data)
	s.sync(t, machine)
	want := lastOf(s.history(1))
	if _, applied := s.check(t, "crashed behind a restore", disk.Crash(), s.history(1)); applied != want {
		t.Fatalf("%v is left by a crash behind a restore of %v and a Sync", applied, want)
	}
}

// durableRestoreCrash crashes while the snapshot is read, and when it has been.
func durableRestoreCrash(t testing.TB, s *DurableStateMachine) {
	disk, machine, data := s.restoring(t)
	var crashed []Disk
	reader := &watchedReader{data: data, chunk: len(data)/8 + 1, watch: func() { crashed = append(crashed, disk.Crash()) }}
	if err := machine.Restore(reader); err != nil {
		t.Fatalf("what was captured is not restored: %v", err)
	}
	crashed = append(crashed, disk.Crash())
	entries := s.history(1)
	before, after := lastOf(entries[:len(entries)/2]), lastOf(entries)
	for i, disk := range crashed {
		if _, applied := s.check(t, "crashed in a restore", disk, entries); applied != before && applied != after {
			t.Fatalf("crash %d of %d in a restore leaves %v, want %v or %v", i+1, len(crashed), applied, before, after)
		}
	}
}

func durableRestoreFails(t testing.TB, s *DurableStateMachine) {
	disk, machine, data := s.restoring(t)
	entries := s.history(1)
	for part := range 4 {
		reader := io.MultiReader(bytes.NewReader(data[:part*len(data)/4]), iotest.ErrReader(errPlanted))
		if err := machine.Restore(reader); !errors.Is(err, errPlanted) {
			t.Fatalf("the reader fails, and Restore returns %v", err)
		}
		_, applied := s.check(t, "crashed behind a restore that failed", disk.Crash(), entries)
		if before := lastOf(entries[:len(entries)/2]); applied != before && applied != (raft.LogID{}) {
			t.Fatalf("a restore that failed leaves %v, want %v or nothing", applied, before)
		}
	}
	restore(t, machine, data)
	s.sync(t, machine)
	s.check(t, "restored behind restores that failed", disk.Crash(), entries)
}

// watchedReader calls watch whenever it is read.
type watchedReader struct {
	data  []byte
	chunk int
	watch func()
}

func (w *watchedReader) Read(p []byte) (n int, err error) {
	w.watch()
	if len(w.data) == 0 {
		return 0, io.EOF
	}
	n = copy(p[:min(len(p), w.chunk)], w.data)
	w.data = w.data[n:]
	return n, nil
}
