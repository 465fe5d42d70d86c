// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/balsa-raft/raft"
)

func snapshotRestores(t testing.TB, s *Snapshotter) {
	for seed := range uint64(3) {
		machine := s.after(t, s.history(seed), 10)
		fresh := s.New(t)
		restore(t, fresh, snapshot(t, machine))
		s.expectDump(t, "restored to a new state machine", fresh, s.Dump(t, machine))
	}
}

func snapshotReplaces(t testing.TB, s *Snapshotter) {
	machine, used := s.after(t, s.history(1), 10), s.after(t, s.history(2), 10)
	for range 2 {
		restore(t, used, snapshot(t, machine))
		s.expectDump(t, "restored to a used state machine", used, s.Dump(t, machine))
	}
	restore(t, used, snapshot(t, used))
	s.expectDump(t, "restored from its own capture", used, s.Dump(t, machine))
}

// snapshotBytes comes to the same state by other batches, and by a snapshot on the way.
func snapshotBytes(t testing.TB, s *Snapshotter) {
	entries := s.history(1)
	want := snapshot(t, s.after(t, entries, len(entries)))
	resumed := s.New(t)
	restore(t, resumed, snapshot(t, s.after(t, entries[:len(entries)/2], 7)))
	applyAll(resumed, entries[len(entries)/2:], 3)
	for name, machine := range map[string]raft.Snapshotter{
		"applied one by one": s.after(t, entries, 1), "applied in pairs": s.after(t, entries, 2), "restored on the way": resumed,
	} {
		for range 5 { // A map's iteration may well be the same a few times.
			if got := snapshot(t, machine); !bytes.Equal(got, want) {
				t.Fatalf("%s: equal states, and captures of %d and %d bytes that differ", name, len(got), len(want))
			}
		}
	}
}

func snapshotFuture(t testing.TB, s *Snapshotter) {
	for seed := range uint64(5) {
		entries := s.history(seed)
		cut := rand.New(rand.NewPCG(seed, 8)).IntN(len(entries))
		machine, resumed := s.after(t, entries[:cut], 10), s.after(t, s.history(seed+100), 10)
		restore(t, resumed, snapshot(t, machine))
		want, got := applyAll(machine, entries[cut:], 10), applyAll(resumed, entries[cut:], 10)
		if i := firstDifference(want, got, bytes.Equal); i >= 0 {
			t.Fatalf("the value of command %d is %.100q, and %.100q behind a restore", cut+i+1, at(want, i), at(got, i))
		}
		s.expectDump(t, "restored, and gone on", resumed, s.Dump(t, machine))
	}
}

func snapshotEmpty(t testing.TB, s *Snapshotter) {
	empty, used := s.New(t), s.after(t, s.history(1), 10)
	restore(t, used, snapshot(t, empty))
	s.expectDump(t, "restored to the empty state", used, s.Dump(t, empty))
}

// snapshotStable reads captures only after more has been applied, newest first.
func snapshotStable(t testing.TB, s *Snapshotter) {
	machine := s.New(t)
	var captures []io.ReadCloser
	var states [][]byte
	for batch := range slices.Chunk(s.history(1), max(1, s.Commands/10)) {
		machine.Apply(batch)
		captures, states = append(captures, capture(t, machine)), append(states, s.Dump(t, machine))
	}
	for i, captured := range slices.Backward(captures) {
		fresh := s.New(t)
		restore(t, fresh, content(t, captured))
		s.expectDump(t, "captured before more was applied", fresh, states[i])
	}
}

func snapshotNeutral(t testing.TB, s *Snapshotter) {
	machine := s.New(t)
	var values [][]byte
	for batch := range slices.Chunk(s.history(1), 5) {
		captured := capture(t, machine)
		values = append(values, applyAll(machine, batch, 3)...)
		content(t, captured)
	}
	plain := s.New(t)
	want := applyAll(plain, s.history(1), 3)
	if i := firstDifference(want, values, bytes.Equal); i >= 0 {
		t.Fatalf("the value of command %d is %.100q, and %.100q with captures", i+1, at(want, i), at(values, i))
	}
	s.expectDump(t, "with captures all the time", machine, s.Dump(t, plain))
}

// snapshotConcurrent gives the race detector something to see.
func snapshotConcurrent(t testing.TB, s *Snapshotter) {
	machine := s.New(t)
	var readers sync.WaitGroup
	defer readers.Wait()
	for batch := range slices.Chunk(s.history(2), max(1, s.Commands/20)) {
		machine.Apply(batch)
		want := snapshot(t, machine)
		captured := capture(t, machine)
		readers.Go(func() {
			got, err := io.ReadAll(captured)
			if closed := captured.Close(); err != nil || closed != nil || !bytes.Equal(got, want) {
				t.Errorf("read beside Apply: %d bytes, %v, %v; want the %d bytes of before", len(got), err, closed, len(want))
			}
		})
	}
}

func snapshotOutlives(t testing.TB, s *Snapshotter) {
	machine, other := s.after(t, s.history(1), 10), s.after(t, s.history(2), 10)
	want := snapshot(t, machine)
	captured := capture(t, machine)
	var start [1]byte
	n, err := captured.Read(start[:])
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("a capture cannot be read: %v", err)
	}
	restore(t, machine, snapshot(t, other))
	applyAll(machine, s.more(3), 10)
	if got := append(start[:n:n], content(t, captured)...); !bytes.Equal(got, want) {
		t.Fatalf("a capture has become %d other bytes by a restore, want the %d of before", len(got), len(want))
	}
}

// snapshotClosed closes captures that have not been read to the end, or at all.
func snapshotClosed(t testing.TB, s *Snapshotter) {
	machine := s.after(t, s.history(1), 10)
	want := snapshot(t, machine)
	for n := range 4 {
		captured := capture(t, machine)
		if _, err := io.CopyN(io.Discard, captured, int64(n*len(want)/4)); err != nil {
			t.Fatalf("a capture cannot be read: %v", err)
		}
		if err := captured.Close(); err != nil {
			t.Fatalf("a capture cannot be closed after %d of %d bytes: %v", n*len(want)/4, len(want), err)
		}
	}
	if got := snapshot(t, machine); !bytes.Equal(got, want) {
		t.Fatal("the state has changed by captures that were closed early")
	}
}

var errPlanted = errors.New("rafttest: planted error")

func snapshotErrors(t testing.TB, s *Snapshotter) {
	data := snapshot(t, s.after(t, s.history(1), 10))
	for _, n := range []int{0, 1, len(data) / 2, len(data) - 1, len(data)} {
		machine := s.after(t, s.history(2), 10)
		reader := io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(errPlanted))
		if err := machine.Restore(reader); !errors.Is(err, errPlanted) {
			t.Fatalf("the reader fails after %d of %d bytes, and Restore returns %v", n, len(data), err)
		}
		restore(t, machine, data)
	}
}

// snapshotEarlyEnd gives prefixes of a capture that has been cut. A prefix may be a snapshot as
// well, but then it is one of a state that it gives back.
func snapshotEarlyEnd(t testing.TB, s *Snapshotter) {
	data := snapshot(t, s.after(t, s.history(1), 10))
	for part := range 10 {
		n := part * len(data) / 10
		machine := s.New(t)
		if machine.Restore(bytes.NewReader(data[:n])) != nil {
			continue
		}
		if got := snapshot(t, machine); !bytes.Equal(got, data[:n]) {
			t.Fatalf("%d of %d bytes are restored without an error, to a state of %d bytes", n, len(data), len(got))
		}
	}
}

func snapshotRetries(t testing.TB, s *Snapshotter) {
	first, second := s.after(t, s.history(1), 10), s.after(t, s.history(2), 10)
	data, cut := snapshot(t, second), snapshot(t, first)
	for _, part := range []int{1, 2, 3} {
		machine := s.after(t, s.history(3), 10)
		reader := io.MultiReader(bytes.NewReader(cut[:part*len(cut)/4]), iotest.ErrReader(errPlanted))
		if machine.Restore(reader) == nil {
			t.Fatal("the reader fails, and Restore does not")
		}
		restore(t, machine, data)
		s.expectDump(t, "restored after a restore that failed", machine, s.Dump(t, second))
		entries := s.more(4)
		applyAll(machine, entries, 10)
		reference := s.New(t)
		restore(t, reference, data)
		applyAll(reference, entries, 10)
		s.expectDump(t, "restored after a restore that failed, and gone on", machine, s.Dump(t, reference))
	}
}

func snapshotReaders(t testing.TB, s *Snapshotter) {
	machine := s.after(t, s.history(1), 10)
	want := snapshot(t, machine)
	captured := capture(t, machine)
	defer captured.Close()
	if err := iotest.TestReader(captured, want); err != nil {
		t.Fatalf("a capture is no proper reader: %v", err)
	}
	for name, cut := range map[string]func(io.Reader) io.Reader{
		"byte by byte": iotest.OneByteReader, "in halves": iotest.HalfReader, "with the end's error": iotest.DataErrReader,
	} {
		fresh := s.New(t)
		if err := fresh.Restore(cut(bytes.NewReader(want))); err != nil {
			t.Fatalf("a reader that reads %s is not restored: %v", name, err)
		}
		s.expectDump(t, "read "+name, fresh, s.Dump(t, machine))
	}
}
