// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft"
)

// Snapshotter says how to get at an implementation of raft.Snapshotter. All fields but
// Commands are required.
type Snapshotter struct {
	// New returns a new state machine, which has applied nothing. The suite has many at
	// a time.
	New func(t testing.TB) raft.Snapshotter
	// Command returns a command for a state machine to apply; see StateMachine.
	Command func(random *rand.Rand) []byte
	// Dump returns all of the state, in such a way that equal states give equal dumps.
	Dump func(t testing.TB, machine raft.StateMachine) []byte
	// Commands is how many commands are applied in a row. Default 500.
	Commands int

	_ struct{}
}

// TestSnapshotter tests an implementation of raft.Snapshotter against its contract, in
// subtests: that a capture is the state at the moment it was made, whatever is applied while it
// is read, that it restores to that state and to nothing else, and that damaged input
// is an error which another Restore makes good. What it has to do as a state machine is for
// TestStateMachine. Run it with the race detector as well: captures are
// read beside Apply.
func TestSnapshotter(t *testing.T, s Snapshotter) {
	testDemands(t, s.withDefaults(), snapshotDemands)
}

var snapshotDemands = []demand[*Snapshotter]{
	{"a capture restores to the state captured", snapshotRestores},
	{"restore replaces what there is", snapshotReplaces},
	{"equal states, equal bytes", snapshotBytes},
	{"the future is the same", snapshotFuture},
	{"the empty state", snapshotEmpty},
	{"captures do not change", snapshotStable},
	{"captures do not change the state", snapshotNeutral},
	{"captures are read beside Apply", snapshotConcurrent},
	{"captures outlive a Restore", snapshotOutlives},
	{"half-read captures are closed", snapshotClosed},
	{"its reader's errors are returned", snapshotErrors},
	{"an early end is an error", snapshotEarlyEnd},
	{"restore after a failed restore", snapshotRetries},
	{"however the reader cuts it", snapshotReaders},
}

func (s Snapshotter) withDefaults() *Snapshotter {
	if s.Commands == 0 {
		s.Commands = 500
	}
	return &s
}

func (s *Snapshotter) history(seed uint64) []raft.Entry {
	return (&StateMachine{Command: s.Command, Commands: s.Commands}).history(seed)
}

// more returns a history that goes on behind another one.
func (s *Snapshotter) more(seed uint64) []raft.Entry {
	entries := s.history(seed)
	for i := range entries {
		entries[i].Index += raft.Index(s.Commands)
		entries[i].Term++
	}
	return entries
}

// after returns a state machine that has applied entries, in batches of the given size.
func (s *Snapshotter) after(t testing.TB, entries []raft.Entry, batch int) raft.Snapshotter {
	t.Helper()
	machine := s.New(t)
	applyAll(machine, entries, batch)
	return machine
}

// applyAll returns copies of all values.
func applyAll(machine raft.StateMachine, entries []raft.Entry, batch int) (values [][]byte) {
	for len(entries) > 0 {
		n := min(batch, len(entries))
		for _, value := range machine.Apply(entries[:n:n]) {
			values = append(values, bytes.Clone(value))
		}
		entries = entries[n:]
	}
	return values
}

// capture captures the state.
func capture(t testing.TB, machine raft.Snapshotter) io.ReadCloser {
	t.Helper()
	captured, err := machine.Snapshot()
	if err != nil {
		t.Fatalf("no snapshot: %v", err)
	}
	if captured == nil {
		t.Fatal("a snapshot that is nil, without an error")
	}
	return captured
}

// content reads a capture to its end and closes it.
func content(t testing.TB, captured io.ReadCloser) []byte {
	t.Helper()
	data, err := io.ReadAll(captured)
	if closed := captured.Close(); err != nil || closed != nil {
		t.Fatalf("a capture cannot be read or closed: %v, %v", err, closed)
	}
	return data
}

// snapshot returns the bytes of the state.
func snapshot(t testing.TB, machine raft.Snapshotter) []byte {
	t.Helper()
	return content(t, capture(t, machine))
}

func restore(t testing.TB, machine raft.Snapshotter, data []byte) {
	t.Helper()
	if err := machine.Restore(bytes.NewReader(data)); err != nil {
		t.Fatalf("what was captured is not restored: %v", err)
	}
}

// expectDump checks a state.
func (s *Snapshotter) expectDump(t testing.TB, what string, machine raft.StateMachine, want []byte) {
	t.Helper()
	if got := s.Dump(t, machine); !bytes.Equal(got, want) {
		t.Fatalf("%s: the state is %.300q, want %.300q", what, got, want)
	}
}
