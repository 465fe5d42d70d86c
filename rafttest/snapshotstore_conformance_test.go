// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/rafttest"
	"github.com/balsa-raft/raft/snapdir"
)

var (
	_ raft.SnapshotStore = (*mem.Snapshots)(nil)
	_ raft.SnapshotStore = (*snapdir.Store)(nil)
)

func TestMemSnapshots(t *testing.T) {
	rafttest.TestSnapshotStore(t, rafttest.SnapshotStore{
		Open: func(testing.TB) raft.SnapshotStore { return mem.NewSnapshots() },
		Reopen: func(_ testing.TB, closed raft.SnapshotStore) raft.SnapshotStore {
			return closed.(*mem.Snapshots).Clone()
		},
		Crash: func(_ testing.TB, store raft.SnapshotStore) raft.SnapshotStore { return store.(*mem.Snapshots).Clone() },
		Damage: func(t testing.TB, store raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID, offset uint64) {
			if !store.(*mem.Snapshots).Damage(group, id, offset) {
				t.Fatal("there is no such byte")
			}
		},
		Keeps: func(_ testing.TB, store raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID) bool {
			list, _ := store.List(group) // Until damage is met, it is listed.
			return slices.ContainsFunc(list, func(m raft.SnapshotMeta) bool { return m.ID == id })
		},
		FailReads: func(_ testing.TB, store raft.SnapshotStore, fail bool) {
			var err error
			if fail {
				err = errDisk
			}
			store.(*mem.Snapshots).FailReads(err)
		},
	})
}

var errDisk = errors.New("input/output error")

// snapshotDir is a store with what it takes to open it again.
type snapshotDir struct {
	*snapdir.Store
	dir     string
	options snapdir.Options
}

// keepsFile looks for a file of a published snapshot.
func keepsFile(t testing.TB, store raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID) bool {
	t.Helper()
	d := store.(*snapshotDir)
	names, err := d.options.FS.ReadDir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	stem := raft.SnapshotID(group).String() + "-" + id.String()
	return slices.Contains(names, stem+".snapshot") || slices.Contains(names, stem+".damaged")
}

func openSnapshots(t testing.TB, dir string, options snapdir.Options) raft.SnapshotStore {
	t.Helper()
	options.Cluster, options.Node, options.Logger = raft.NewClusterID("rafttest"), 1, quiet
	store, err := snapdir.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	return &snapshotDir{store, dir, options}
}

func reopenSnapshots(t testing.TB, closed raft.SnapshotStore) raft.SnapshotStore {
	d := closed.(*snapshotDir)
	return openSnapshots(t, d.dir, d.options)
}

// flipByte changes a byte of the data in a snapshot's file, which has a header whose size
// it has at byte 16, and behind it blocks, each with a checksum of four bytes before it.
func flipByte(block uint64) func(testing.TB, raft.SnapshotStore, raft.GroupID, raft.SnapshotID, uint64) {
	return func(t testing.TB, store raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID, offset uint64) {
		t.Helper()
		d := store.(*snapshotDir)
		file, err := d.options.FS.Open(filepath.Join(d.dir, raft.SnapshotID(group).String()+"-"+id.String()+".snapshot"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var header [24]byte
		if _, err := file.ReadAt(header[:], 0); err != nil {
			t.Fatal(err)
		}
		at := int64(header[16]) + int64(header[17])<<8 + int64(offset+4*(offset/block+1))
		if _, err := file.ReadAt(header[:1], at); err != nil {
			t.Fatal(err)
		}
		header[0] ^= 0x10
		if _, err := file.WriteAt(header[:1], at); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSnapdirOnDisk uses real files, and blocks of the usual size.
func TestSnapdirOnDisk(t *testing.T) {
	rafttest.TestSnapshotStore(t, rafttest.SnapshotStore{
		Open: func(t testing.TB) raft.SnapshotStore {
			return openSnapshots(t, t.TempDir(), snapdir.Options{FS: vfs.OS()})
		},
		Reopen: reopenSnapshots,
		Damage: flipByte(256 << 10),
		Keeps:  keepsFile,
	})
}

// snapshotDisk is a file system in memory whose reads can be made to fail.
type snapshotDisk struct {
	*vfs.FaultyFS
	mem     *vfs.Mem
	failing atomic.Bool
}

func newSnapshotDisk(mem *vfs.Mem) *snapshotDisk {
	d := &snapshotDisk{mem: mem}
	d.FaultyFS = vfs.Faulty(mem, func(op vfs.Op) vfs.Fault {
		if op.Kind == vfs.OpRead && d.failing.Load() {
			return vfs.Fault{Err: errDisk}
		}
		return vfs.Fault{}
	})
	return d
}

// TestSnapdirInMemory has a file system that loses and tears whatever was not synced, and does
// not read now and then, and small blocks.
func TestSnapdirInMemory(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rafttest.TestSnapshotStore(t, rafttest.SnapshotStore{
		Open: func(t testing.TB) raft.SnapshotStore {
			return openSnapshots(t, "/snapshots", snapdir.Options{FS: newSnapshotDisk(vfs.NewMem()), BlockBytes: 4096, SyncBytes: 50_000})
		},
		Reopen: reopenSnapshots,
		Crash: func(t testing.TB, store raft.SnapshotStore) raft.SnapshotStore {
			d := store.(*snapshotDir)
			options := d.options
			options.FS = newSnapshotDisk(options.FS.(*snapshotDisk).mem.CrashClone(vfs.Random(random)))
			return openSnapshots(t, d.dir, options)
		},
		Damage: flipByte(4096),
		Keeps:  keepsFile,
		FailReads: func(_ testing.TB, store raft.SnapshotStore, fail bool) {
			store.(*snapshotDir).options.FS.(*snapshotDisk).failing.Store(fail)
		},
	})
}
