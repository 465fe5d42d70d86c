// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// kept is a recorder that keeps its state: synced is what a crash leaves.
type kept struct {
	recorder
	last   raft.LogID
	synced struct {
		state []byte
		last  raft.LogID
	}
}

var _ raft.DurableStateMachine = (*kept)(nil)

func (k *kept) Apply(batch []raft.Entry) [][]byte {
	values := k.recorder.Apply(batch)
	k.last = batch[len(batch)-1].ID()
	return values
}

// Restore takes the term for granted: in these tests one leader leads, in term 2.
func (k *kept) Restore(r io.Reader) error {
	if err := k.recorder.Restore(r); err != nil {
		return err
	}
	k.last = raft.LogID{}
	if n := len(k.indexes); n > 0 {
		k.last = raft.LogID{Term: 2, Index: k.indexes[n-1]}
	}
	return nil // It is durable when Sync is called.
}

func (k *kept) LastApplied() (raft.LogID, error) { return k.last, nil }

func (k *kept) Sync() error {
	capture, err := k.Snapshot()
	if err != nil {
		return err
	}
	k.synced.state, err = io.ReadAll(capture)
	k.synced.last = k.last
	return errors.Join(err, capture.Close())
}

// crash returns what is left of it.
func (k *kept) crash(t *testing.T) *kept {
	left := &kept{}
	if k.synced.state != nil {
		if err := left.recorder.Restore(bytes.NewReader(k.synced.state)); err != nil {
			t.Fatal(err)
		}
	}
	left.last, left.synced = k.synced.last, k.synced
	return left
}

// disks are what a member that is alone finds when it starts.
type disks struct {
	log       *mem.Log
	snapshots *mem.Snapshots
	machine   raft.StateMachine
}

// alone runs a group of one member on its disks until test returns, and ends it as a crash would.
func alone(t *testing.T, d *disks, test func(t *testing.T, g *raft.Group)) (startErr error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		transport := mem.NewNetwork(1).Transport(1)
		node, err := raft.Open(raft.Config{ID: 1, Log: d.log, Snapshots: d.snapshots, Transport: transport, Logger: logger(), Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		group, err := node.StartGroup(raft.GroupConfig{
			ID: 1, StateMachine: d.machine, ElectionTimeout: electionTimeout,
			Snapshots: raft.SnapshotPolicy{Entries: 50, TrailingEntries: 10},
		})
		if err == nil {
			if err := group.Initialize(t.Context(), raft.Member{ID: 1, Address: "a"}); err != nil {
				t.Error(err)
			}
			test(t, group)
		}
		startErr = err
		d.log, d.snapshots = d.log.Clone(), d.snapshots.Clone()
		if err := errors.Join(node.Close(context.Background()), transport.Close()); err != nil {
			t.Error(err)
		}
	})
	return startErr
}

// fill has so many commands applied, one after the other.
func fill(t *testing.T, g *raft.Group, count int) {
	t.Helper()
	for i := range count {
		if _, err := g.Propose(t.Context(), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestADurableStateMachineGoesOnFromWhereItIs: its state is not written a second time, and after
// a crash what it had not synced is applied again, and nothing else.
func TestADurableStateMachineGoesOnFromWhereItIs(t *testing.T) {
	machine := &kept{}
	d := &disks{log: mem.NewLog(), snapshots: mem.NewSnapshots(), machine: machine}
	err := alone(t, d, func(t *testing.T, g *raft.Group) {
		fill(t, g, 200)
		if _, err := g.Snapshot(t.Context()); err != nil {
			t.Error(err)
		}
		fill(t, g, 30) // Too few for another one.
		if s := g.Status(); s.SnapshotIndex < 150 || s.FirstIndex < 100 || !s.Snapshots.Latest.External || s.Snapshots.Latest.Size != 0 {
			t.Errorf("%+v", s)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	crashed := machine.crash(t)
	had := len(crashed.applied())
	if had != 200 {
		t.Fatalf("%d commands were synced", had)
	}
	d.machine = crashed
	err = alone(t, d, func(t *testing.T, g *raft.Group) {
		fill(t, g, 1)
		if n := len(crashed.applied()); n != 231 {
			t.Errorf("%d commands are applied", n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestADurableStateMachineThatDoesNotFitIsRefused: one that lacks what it had synced, and one
// that has what the log has not.
func TestADurableStateMachineThatDoesNotFitIsRefused(t *testing.T) {
	machine := &kept{}
	d := &disks{log: mem.NewLog(), snapshots: mem.NewSnapshots(), machine: machine}
	var last raft.Index
	if err := alone(t, d, func(t *testing.T, g *raft.Group) {
		fill(t, g, 230)
		for last = 230; last < 5+g.Status().SnapshotIndex; synctest.Wait() {
			fill(t, g, 5) // It has to have applied something since the last snapshot.
			last = g.Status().LastIndex
		}
	}); err != nil {
		t.Fatal(err)
	}
	never := func(t *testing.T, _ *raft.Group) { t.Error("the group was started") }
	d.machine = &kept{}
	if err := alone(t, d, never); !errors.Is(err, raft.ErrStateMachineBehind) {
		t.Errorf("an empty one: %v", err)
	}
	ahead := machine.crash(t)
	ahead.last.Index = 1000
	d.machine = ahead
	if err := alone(t, d, never); !errors.Is(err, raft.ErrStateMachineAhead) {
		t.Errorf("one with an index beyond the log: %v", err)
	}
	other := machine.crash(t)
	other.last = raft.LogID{Term: 1, Index: last - 1}
	d.machine = other
	if err := alone(t, d, never); !errors.Is(err, raft.ErrStateMachineAhead) {
		t.Errorf("one of another history: %v", err)
	}
}

// TestASnapshotThatCannotBeReadIsNotDamaged: the node does not start, instead of taking its
// state for lost, and starts when the disk answers again.
func TestASnapshotThatCannotBeReadIsNotDamaged(t *testing.T) {
	d := &disks{log: mem.NewLog(), snapshots: mem.NewSnapshots(), machine: &recorder{}}
	if err := alone(t, d, func(t *testing.T, g *raft.Group) { fill(t, g, 230) }); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("input/output error")
	d.snapshots.FailReads(broken)
	d.machine = &recorder{}
	err := alone(t, d, func(t *testing.T, _ *raft.Group) { t.Error("the group was started") })
	if !errors.Is(err, broken) {
		t.Fatalf("the snapshot cannot be read: %v", err)
	}
	d.snapshots.FailReads(nil)
	machine := &recorder{}
	d.machine = machine
	if err := alone(t, d, func(t *testing.T, g *raft.Group) { fill(t, g, 1) }); err != nil {
		t.Fatal(err)
	}
	if got := len(machine.applied()); got != 231 {
		t.Errorf("%d commands of 231 are applied", got)
	}
}

// TestADurableStateMachineIsSentAsACapture: the leader writes no copy of its state, and the
// one that receives it keeps none.
func TestADurableStateMachineIsSentAsACapture(t *testing.T) {
	config := func(cfg *raft.GroupConfig) {
		often(cfg)
		cfg.StateMachine = &kept{}
	}
	inSnapshotBubble(t, 3, config, func(c *cluster) {
		lagging := c.follower()
		c.network.Isolate(lagging.id)
		leader := c.leader()
		c.write(leader, "a", 500)
		time.Sleep(time.Minute)
		c.write(leader, "b", 200)
		c.network.Rejoin(lagging.id)
		c.write(leader, "c", 20)
		c.await("equal members", func() bool {
			a, b := leader.group.Status(), lagging.group.Status()
			return a.AppliedIndex == b.AppliedIndex && a.AppliedIndex == b.LastIndex
		})
		if s := lagging.group.Status(); s.Snapshots.Received != 1 {
			t.Errorf("%+v", s)
		}
		for _, m := range c.members {
			list, err := m.snapshots.List(1)
			for _, meta := range list {
				if !meta.External {
					t.Errorf("member %d keeps a copy of its state: %+v", m.id, meta)
				}
			}
			if err != nil || len(list) == 0 {
				t.Errorf("member %d has %d snapshots, error %v", m.id, len(list), err)
			}
		}
	})
}
