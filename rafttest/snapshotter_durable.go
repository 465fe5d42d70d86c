// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
)

// DurableStateMachine says how to get at an implementation of raft.DurableStateMachine. All
// fields but Commands are required.
type DurableStateMachine struct {
	// New returns an empty disk. The suite has many at a time.
	New func(t testing.TB) Disk
	// Command returns a command for a state machine to apply; see StateMachine.
	Command func(random *rand.Rand) []byte
	// Dump returns all of the state, in such a way that equal states give equal dumps.
	Dump func(t testing.TB, machine raft.StateMachine) []byte
	// Commands is how many commands are applied in a row. Default 500.
	Commands int

	_ struct{}
}

// Disk is where one durable state machine keeps its state.
type Disk struct {
	// Open opens the state machine that is on the disk, or a new one on an empty disk.
	Open func() (raft.DurableStateMachine, error)
	// Close closes it, for Open to open it again.
	Close func(machine raft.DurableStateMachine) error
	// Crash returns a disk with what would be left if the machine that is open lost its power
	// now, as unfavourable as it can be: nothing that has not been synced. The open one goes on. Where
	// that cannot be had, it is a copy of the files as they are.
	Crash func() Disk
}

// TestDurableStateMachine tests an implementation of raft.DurableStateMachine against what its contract
// adds to that of raft.Snapshotter, in subtests: that the LogID of the last command is in the state,
// whatever a crash leaves of it, that Sync makes all of it durable, and that a restore happens as a
// whole. What it has to do as a Snapshotter is for TestSnapshotter.
func TestDurableStateMachine(t *testing.T, s DurableStateMachine) {
	testDemands(t, s.withDefaults(), durableDemands)
}

var durableDemands = []demand[*DurableStateMachine]{
	{"a new one has applied nothing", durableNew},
	{"it knows what it has applied", durableApplied},
	{"it is closed and opened again", durableReopens},
	{"what has been synced survives a crash", durableSynced},
	{"a crash leaves a whole state", durableCrash},
	{"the log goes on behind a crash", durableGoesOn},
	{"a capture holds what was applied", durableCapture},
	{"a restore and a Sync survive a crash", durableRestoreSynced},
	{"a crash leaves the state before or after a restore", durableRestoreCrash},
	{"a failed restore leaves a whole state", durableRestoreFails},
}

func (s DurableStateMachine) withDefaults() *DurableStateMachine {
	if s.Commands == 0 {
		s.Commands = 500
	}
	return &s
}

// history returns commands of several terms, with indexes that skip.
func (s *DurableStateMachine) history(seed uint64) []raft.Entry {
	entries := (&StateMachine{Command: s.Command, Commands: s.Commands}).history(seed)
	for i := range entries {
		entries[i].Term += raft.Term(i / 100)
		entries[i].Index += raft.Index(i / 7)
	}
	return entries
}

func lastOf(entries []raft.Entry) raft.LogID {
	if len(entries) == 0 {
		return raft.LogID{}
	}
	last := entries[len(entries)-1]
	return raft.LogID{Term: last.Term, Index: last.Index}
}

// open opens what is on a disk, and closes it with the test.
func (s *DurableStateMachine) open(t testing.TB, disk Disk) (machine raft.DurableStateMachine, applied raft.LogID) {
	t.Helper()
	machine, applied = s.openOnce(t, disk)
	t.Cleanup(func() {
		if err := disk.Close(machine); err != nil {
			t.Errorf("it cannot be closed: %v", err)
		}
	})
	return machine, applied
}

// openOnce opens what is on a disk for the caller to close.
func (s *DurableStateMachine) openOnce(t testing.TB, disk Disk) (machine raft.DurableStateMachine, applied raft.LogID) {
	t.Helper()
	machine, err := disk.Open()
	if err != nil {
		t.Fatalf("it cannot be opened: %v", err)
	}
	applied, err = machine.LastApplied()
	if err != nil {
		t.Fatalf("it does not say what was applied: %v", err)
	}
	return machine, applied
}

// expected returns the state behind the entries up to one.
func (s *DurableStateMachine) expected(t testing.TB, entries []raft.Entry, applied raft.LogID) []byte {
	t.Helper()
	n := 0
	for n < len(entries) && entries[n].Index <= applied.Index {
		n++
	}
	if lastOf(entries[:n]) != applied {
		t.Fatalf("%v was the last command applied, and there is no such command", applied)
	}
	machine, _ := s.open(t, s.New(t))
	applyAll(machine, entries[:n], 50)
	return s.Dump(t, machine)
}

// check opens a disk and checks that the state on it is the one behind what was applied.
func (s *DurableStateMachine) check(t testing.TB, what string, disk Disk, entries []raft.Entry) (raft.DurableStateMachine, raft.LogID) {
	t.Helper()
	machine, applied := s.open(t, disk)
	if got, want := s.Dump(t, machine), s.expected(t, entries, applied); !bytes.Equal(got, want) {
		t.Fatalf("%s: %v was the last command applied, and the state is %.300q, want %.300q", what, applied, got, want)
	}
	return machine, applied
}

func (s *DurableStateMachine) sync(t testing.TB, machine raft.DurableStateMachine) {
	t.Helper()
	if err := machine.Sync(); err != nil {
		t.Fatalf("it cannot be synced: %v", err)
	}
}
