// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv/kvtest"
	"github.com/balsa-raft/raft/rafttest"
)

// folder is where machines are in the tests' file systems.
const folder = "balsa/state"

func testOptions(fs vfs.FS) Options {
	return Options{FS: fs, Logger: slog.New(slog.DiscardHandler), CacheBytes: 1 << 20, MemTableBytes: 256 << 10}
}

// openIn opens a machine that is closed with the test.
func openIn(t testing.TB, fs vfs.FS) *Machine {
	t.Helper()
	m, err := Open(folder, testOptions(fs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func dump(t testing.TB, machine raft.StateMachine) []byte {
	m := machine.(*Machine)
	var dump bytes.Buffer
	if err := m.WriteDump(&dump); err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(dump.Bytes(), "%+v, %d in all", m.Summarize(), m.Keys())
}

func TestStateMachineConformance(t *testing.T) {
	rafttest.TestStateMachine(t, rafttest.StateMachine{
		New:      func(t testing.TB) raft.StateMachine { return openIn(t, vfs.NewMem()) },
		Command:  kvtest.Command,
		Dump:     dump,
		Commands: 200,
	})
}

func TestSnapshotterConformance(t *testing.T) {
	rafttest.TestSnapshotter(t, rafttest.Snapshotter{
		New:      func(t testing.TB) raft.Snapshotter { return openIn(t, vfs.NewMem()) },
		Command:  kvtest.Command,
		Dump:     dump,
		Commands: 200,
	})
}

// diskOf is a disk that loses what was not synced, or a random part of it.
func diskOf(fs *vfs.MemFS, random *rand.Rand) rafttest.Disk {
	return rafttest.Disk{
		Open:  func() (raft.DurableStateMachine, error) { return Open(folder, testOptions(fs)) },
		Close: func(machine raft.DurableStateMachine) error { return machine.(*Machine).Close() },
		Crash: func() rafttest.Disk { return diskOf(crash(fs, random), random) },
	}
}

func crash(fs *vfs.MemFS, random *rand.Rand) *vfs.MemFS {
	if random == nil {
		return fs.CrashClone(vfs.CrashCloneCfg{})
	}
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
}

func TestDurableStateMachineConformance(t *testing.T) {
	for name, random := range map[string]*rand.Rand{"nothing unsynced": nil, "some of it": rand.New(rand.NewPCG(1, 1))} {
		t.Run(name, func(t *testing.T) {
			rafttest.TestDurableStateMachine(t, rafttest.DurableStateMachine{
				New:      func(testing.TB) rafttest.Disk { return diskOf(vfs.NewCrashableMem(), random) },
				Command:  kvtest.Command,
				Dump:     dump,
				Commands: 200,
			})
		})
	}
}
