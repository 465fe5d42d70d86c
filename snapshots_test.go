// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// recorded is what a recorder's snapshot holds.
type recorded struct {
	Commands []string
	Indexes  []raft.Index
}

func (r *recorder) Snapshot() (io.ReadCloser, error) {
	r.mu.Lock()
	state := recorded{slices.Clone(r.commands), slices.Clone(r.indexes)}
	r.mu.Unlock()
	return raft.CaptureFunc(func(w io.Writer) error { return gob.NewEncoder(w).Encode(state) }), nil
}

func (r *recorder) Restore(from io.Reader) error {
	var state recorded
	if err := gob.NewDecoder(from).Decode(&state); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, from); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands, r.indexes = state.Commands, state.Indexes
	return nil
}

// often takes snapshots often and keeps little behind them.
func often(cfg *raft.GroupConfig) {
	cfg.Snapshots = raft.SnapshotPolicy{Entries: 100, TrailingEntries: 20}
}

// inSnapshotBubble is inBubble for a cluster that takes snapshots.
func inSnapshotBubble(t *testing.T, n int, config func(*raft.GroupConfig), test func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, network: mem.NewNetwork(1), members: map[raft.NodeID]*member{}, config: config}
		for id := raft.NodeID(1); id <= raft.NodeID(n); id++ {
			c.members[id] = &member{id: id, log: mem.NewLog(), snapshots: mem.NewSnapshots()}
			c.start(id)
		}
		defer func() {
			for id := range c.members {
				c.stop(id)
			}
		}()
		c.initialize()
		c.leader()
		test(c)
	})
}

// write proposes so many commands, a few at a time.
func (c *cluster) write(m *member, name string, count int) {
	c.t.Helper()
	for from := 0; from < count; from += 10 {
		var commands []string
		for i := from; i < min(from+10, count); i++ {
			commands = append(commands, fmt.Sprintf("%s-%d", name, i))
		}
		c.proposeAll(m, commands)
		time.Sleep(time.Millisecond)
	}
}

func TestSnapshotsAreTakenAndTheLogIsCompacted(t *testing.T) {
	inSnapshotBubble(t, 3, often, func(c *cluster) {
		c.write(c.leader(), "a", 1000)
		c.await("compaction everywhere", func() bool {
			for _, m := range c.members {
				s := m.group.Status()
				if s.SnapshotIndex < 800 || s.FirstIndex < 700 || s.FirstIndex > s.SnapshotIndex-19 {
					return false
				}
			}
			return true
		})
		for id := range c.members {
			c.crash(id)
		}
		for id := range c.members {
			c.start(id)
			if got := c.members[id].machine.applied(); len(got) < 800 {
				t.Errorf("%d has restored %d commands", id, len(got))
			}
		}
		c.leader()
		if applied := c.awaitEqual(); len(applied) != 1000 {
			t.Errorf("%d commands are applied", len(applied))
		}
	})
}

// TestALaggingMemberInstallsASnapshot: entries it needs are gone, so it is sent a snapshot,
// then entries.
func TestALaggingMemberInstallsASnapshot(t *testing.T) {
	inSnapshotBubble(t, 3, often, func(c *cluster) {
		c.write(c.leader(), "a", 10)
		lagging := c.follower()
		c.crash(lagging.id)
		leader := c.leader()
		c.write(leader, "b", 1000)
		time.Sleep(time.Minute) // Longer than entries are kept for a member that is silent.
		c.write(leader, "c", 200)
		c.start(lagging.id)
		c.write(leader, "d", 200)
		if applied := c.awaitEqual(); len(applied) != 1410 {
			t.Errorf("%d commands are applied", len(applied))
		}
		if s := lagging.group.Status(); s.Snapshots.Received != 1 {
			t.Errorf("%d snapshots were received: %+v", s.Snapshots.Received, s)
		}
		c.crash(lagging.id)
		c.start(lagging.id)
		c.awaitEqual()
	})
}

// TestAMemberLittleBehindGetsEntries: what it needs is still in the log.
func TestAMemberLittleBehindGetsEntries(t *testing.T) {
	inSnapshotBubble(t, 3, often, func(c *cluster) {
		c.write(c.leader(), "a", 210)
		lagging := c.follower()
		c.crash(lagging.id)
		c.write(c.leader(), "b", 15)
		c.start(lagging.id)
		c.awaitEqual()
		if s := lagging.group.Status(); s.Snapshots.Received != 0 {
			t.Errorf("%d snapshots were received", s.Snapshots.Received)
		}
	})
}

// TestADamagedSnapshotIsFetchedAnew: a member whose snapshot is damaged does not serve it, nor
// lead, but asks the others.
func TestADamagedSnapshotIsFetchedAnew(t *testing.T) {
	once := func(cfg *raft.GroupConfig) {
		often(cfg)
		cfg.Snapshots.Keep = 1
	}
	inSnapshotBubble(t, 3, once, func(c *cluster) {
		c.write(c.leader(), "a", 500)
		c.awaitEqual()
		hurt := c.follower()
		c.crash(hurt.id)
		list, err := hurt.snapshots.List(1)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d snapshots, error %v", len(list), err)
		}
		hurt.snapshots.Damage(1, list[0].ID, list[0].Size/2)
		c.start(hurt.id)
		if s := hurt.group.Status(); !s.StateLost || len(hurt.machine.applied()) != 0 {
			t.Errorf("the state is not lost: %+v", s)
		}
		c.write(c.leader(), "b", 30)
		if applied := c.awaitEqual(); len(applied) != 530 {
			t.Errorf("%d commands are applied", len(applied))
		}
		if s := hurt.group.Status(); s.StateLost || s.Snapshots.Received != 1 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// TestSnapshotOnDemand: whatever the policy says, one can be asked for.
func TestSnapshotOnDemand(t *testing.T) {
	inSnapshotBubble(t, 1, unchanged, func(c *cluster) {
		m := c.leader()
		c.write(m, "a", 20)
		meta, err := m.group.Snapshot(c.t.Context())
		if err != nil || meta.Last.Index != m.group.Status().LastIndex {
			t.Fatalf("%+v, error %v", meta, err)
		}
		again, err := m.group.Snapshot(c.t.Context())
		if err != nil || again.ID != meta.ID {
			t.Errorf("with nothing new: %+v, error %v", again, err)
		}
	})
	inBubble(t, 1, func(c *cluster) {
		if _, err := c.leader().group.Snapshot(c.t.Context()); !errors.Is(err, raft.ErrNoSnapshots) {
			t.Errorf("without a store: %v", err)
		}
	})
}

func unchanged(*raft.GroupConfig) {}

// TestBackupAndRestore: a backup of a running group becomes a group of other members.
func TestBackupAndRestore(t *testing.T) {
	var backup bytes.Buffer
	inSnapshotBubble(t, 3, often, func(c *cluster) {
		c.write(c.leader(), "a", 250)
		c.awaitEqual()
		if _, err := c.follower().group.Backup(c.t.Context(), &backup); err != nil {
			t.Fatal(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, network: mem.NewNetwork(1), members: map[raft.NodeID]*member{}, config: often}
		for id := raft.NodeID(4); id <= 6; id++ {
			c.members[id] = &member{id: id, log: mem.NewLog(), snapshots: mem.NewSnapshots()}
		}
		for id, m := range c.members {
			target := raft.RestoreTarget{Group: 1, Members: c.addresses(), Log: m.log, Snapshots: m.snapshots}
			if _, err := raft.RestoreBackup(bytes.NewReader(backup.Bytes()), target); err != nil {
				t.Fatal(err)
			}
			if _, err := raft.RestoreBackup(bytes.NewReader(backup.Bytes()), target); !errors.Is(err, raft.ErrNotEmpty) {
				t.Errorf("a second time: %v", err)
			}
			c.start(id)
		}
		c.leader()
		c.write(c.leader(), "b", 10)
		if applied := c.awaitEqual(); len(applied) != 260 || applied[0] != "a-0" {
			t.Errorf("%d commands are applied", len(applied))
		}
		for id := range c.members {
			c.stop(id)
		}
	})
}

// TestADamagedBackupIsNotRestored: whichever byte is damaged, nothing is there afterwards.
func TestADamagedBackupIsNotRestored(t *testing.T) {
	var backup bytes.Buffer
	inSnapshotBubble(t, 1, often, func(c *cluster) {
		c.write(c.leader(), "a", 30)
		if _, err := c.leader().group.Backup(context.Background(), &backup); err != nil {
			t.Fatal(err)
		}
	})
	for at := range backup.Len() {
		for _, damaged := range [][]byte{flip(backup.Bytes(), at), backup.Bytes()[:at]} {
			target := raft.RestoreTarget{Group: 1, Members: []raft.Member{{ID: 1, Address: "a"}}, Log: mem.NewLog(), Snapshots: mem.NewSnapshots()}
			_, err := raft.RestoreBackup(bytes.NewReader(damaged), target)
			state, _ := target.Log.Load(1)
			list, _ := target.Snapshots.List(1)
			if !errors.Is(err, raft.ErrBadBackup) || state.Last != 0 || len(list) != 0 {
				t.Fatalf("damage at %d of %d: error %v, log to %d, %d snapshots", at, backup.Len(), err, state.Last, len(list))
			}
		}
	}
}

func flip(data []byte, at int) []byte {
	damaged := bytes.Clone(data)
	damaged[at] ^= 0x40
	return damaged
}
