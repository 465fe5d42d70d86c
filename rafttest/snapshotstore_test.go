// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// brokenSnapshots is a good snapshot store, some of whose methods are replaced.
type brokenSnapshots struct {
	*mem.Snapshots
	crashes atomic.Int64
	list    func(group raft.GroupID) ([]raft.SnapshotMeta, error)
	begin   func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error)
	write   func(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error
	publish func(group raft.GroupID, id raft.SnapshotID, size uint64, checksum uint32) error
	abandon func(group raft.GroupID) error
	readAt  func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error)
	delete  func(group raft.GroupID, id raft.SnapshotID) error
	// keepsAll says that what was damaged is kept for ever.
	keepsAll bool
}

// errFailing is what reads fail with.
var errFailing = errors.New("input/output error")

// breakable makes a store whose methods are those of a good one.
func breakable(good *mem.Snapshots) *brokenSnapshots {
	return &brokenSnapshots{
		Snapshots: good, list: good.List, begin: good.Begin, write: good.Write, publish: good.Publish,
		abandon: good.Abandon, readAt: good.ReadAt, delete: good.Delete,
	}
}

func (b *brokenSnapshots) List(group raft.GroupID) ([]raft.SnapshotMeta, error) { return b.list(group) }

func (b *brokenSnapshots) Abandon(group raft.GroupID) error { return b.abandon(group) }

func (b *brokenSnapshots) Begin(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
	return b.begin(group, meta)
}

func (b *brokenSnapshots) Write(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
	return b.write(group, id, offset, data)
}

func (b *brokenSnapshots) Publish(group raft.GroupID, id raft.SnapshotID, size uint64, checksum uint32) error {
	return b.publish(group, id, size, checksum)
}

func (b *brokenSnapshots) ReadAt(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
	return b.readAt(group, id, buf, offset)
}

func (b *brokenSnapshots) Delete(group raft.GroupID, id raft.SnapshotID) error {
	return b.delete(group, id)
}

// listing makes a List whose answer is changed.
func listing(change func(list []raft.SnapshotMeta) []raft.SnapshotMeta) func(*brokenSnapshots) {
	return func(b *brokenSnapshots) {
		b.list = func(group raft.GroupID) ([]raft.SnapshotMeta, error) {
			list, err := b.Snapshots.List(group)
			return change(list), err
		}
	}
}

// snapReading makes a ReadAt whose answer is changed.
func snapReading(change func(buf []byte, n int, err error) (int, error)) func(*brokenSnapshots) {
	return func(b *brokenSnapshots) {
		b.readAt = func(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
			n, err := b.Snapshots.ReadAt(group, id, buf, offset)
			return change(buf, n, err)
		}
	}
}

// beginning makes a Begin that changes the description.
func beginning(change func(meta *raft.SnapshotMeta)) func(*brokenSnapshots) {
	return func(b *brokenSnapshots) {
		b.begin = func(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
			meta = cloneSnapshotMeta(meta)
			change(&meta)
			return b.Snapshots.Begin(group, meta)
		}
	}
}

func TestSnapshotStoreFindsPlantedFaults(t *testing.T) {
	for _, fault := range snapFaults {
		t.Run(fault.name, func(t *testing.T) {
			suite := brokenSuite(fault.plant)
			expectFault(t, &suite, snapDemands, fault.by, fault.says)
		})
	}
}

// brokenSuite tests a store in memory with a fault.
func brokenSuite(plant func(*brokenSnapshots)) SnapshotStore {
	return SnapshotStore{
		Open: func(testing.TB) raft.SnapshotStore {
			b := breakable(mem.NewSnapshots())
			plant(b)
			return b
		},
		Reopen: func(_ testing.TB, closed raft.SnapshotStore) raft.SnapshotStore { return closed },
		Crash: func(_ testing.TB, store raft.SnapshotStore) raft.SnapshotStore {
			store.(*brokenSnapshots).crashes.Add(1)
			return breakable(store.(*brokenSnapshots).Clone())
		},
		Damage: func(_ testing.TB, store raft.SnapshotStore, group raft.GroupID, id raft.SnapshotID, offset uint64) {
			store.(*brokenSnapshots).Damage(group, id, offset)
		},
		Keeps: func(_ testing.TB, store raft.SnapshotStore, group raft.GroupID, _ raft.SnapshotID) bool {
			return store.(*brokenSnapshots).keepsAll || group > 1
		},
		FailReads: func(_ testing.TB, store raft.SnapshotStore, fail bool) {
			var err error
			if fail {
				err = errFailing
			}
			store.(*brokenSnapshots).FailReads(err)
		},
	}
}

// TestSnapshotStoreFindsForgetfulness has stores that lose the last Publish, or Delete, when
// they are opened again.
func TestSnapshotStoreFindsForgetfulness(t *testing.T) {
	for name, suite := range map[string]func() SnapshotStore{
		"publish": func() SnapshotStore { return forgetfulSuite(true, false) },
		"delete":  func() SnapshotStore { return forgetfulSuite(false, true) },
	} {
		for _, by := range []string{"reopen", "random histories", "crash"} {
			t.Run(name+", "+by, func(t *testing.T) {
				suite := suite()
				if by == "crash" {
					suite.Reopen = nil
				}
				expectFault(t, &suite, snapDemands, by, "want")
			})
		}
	}
}

// forgetfulSuite tests a store that goes back to before its last Publish or Delete.
func forgetfulSuite(publishes, deletes bool) SnapshotStore {
	before := map[*brokenSnapshots]*mem.Snapshots{}
	open := func(good *mem.Snapshots) *brokenSnapshots {
		b := breakable(good)
		before[b] = good.Clone()
		b.publish = func(group raft.GroupID, id raft.SnapshotID, size uint64, sum uint32) error {
			if publishes {
				before[b] = good.Clone()
			}
			return good.Publish(group, id, size, sum)
		}
		b.delete = func(group raft.GroupID, id raft.SnapshotID) error {
			if deletes {
				before[b] = good.Clone()
			}
			return good.Delete(group, id)
		}
		return b
	}
	reopen := func(_ testing.TB, store raft.SnapshotStore) raft.SnapshotStore {
		return open(before[store.(*brokenSnapshots)])
	}
	return SnapshotStore{
		Open:   func(testing.TB) raft.SnapshotStore { return open(mem.NewSnapshots()) },
		Reopen: reopen, Crash: reopen,
	}
}
