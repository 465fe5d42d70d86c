// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
)

func TestOneNode(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		t := c.t
		for i := range 10 {
			result := c.propose(c.members[1], fmt.Sprint("command ", i), time.Second)
			if string(result.Value) != fmt.Sprint(i+1) {
				t.Errorf("command %d: value %q", i, result.Value)
			}
		}
		c.stop(1)
		c.start(1)
		c.leader()
		if applied := c.awaitEqual(); len(applied) != 10 {
			t.Errorf("after a restart %d commands are applied, want 10", len(applied))
		}
	})
}

func TestThreeNodesReplicate(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		leader, follower := c.leader(), c.follower()
		c.propose(leader, "on the leader", time.Second)
		c.propose(follower, "on a follower", time.Second)
		applied := c.awaitEqual()
		if fmt.Sprint(applied) != "[on the leader on a follower]" {
			t.Errorf("applied %q", applied)
		}
	})
}

func TestFormingOnOneNodeIsEnough(t *testing.T) {
	inBubbleWith(t, 3, nil, func(c *cluster) {
		t := c.t
		time.Sleep(time.Minute)
		for _, m := range c.members {
			if s := m.group.Status(); s.Role != raft.RoleFollower || s.Term != 0 {
				t.Errorf("a new node is %v in term %d, want it passive", s.Role, s.Term)
			}
		}
		if err := c.members[2].group.Initialize(t.Context(), c.addresses()...); err != nil {
			t.Fatal(err)
		}
		c.leader()
		c.initialize() // Harmless on a live group.
		c.propose(c.members[1], "x", time.Second)
		c.awaitEqual()
		err := c.members[1].group.Initialize(t.Context(), raft.Member{ID: 1, Address: "elsewhere"})
		if !errors.Is(err, raft.ErrInitialized) {
			t.Errorf("initializing with other members: %v, want ErrInitialized", err)
		}
	})
}

func TestLeaderCrashes(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		old := c.leader()
		c.propose(old, "before", time.Second)
		c.crash(old.id)
		begin := time.Now()
		survivor := c.leader()
		if took := time.Since(begin); took > 3*electionTimeout {
			t.Errorf("a new leader took %v", took)
		}
		c.propose(survivor, "after", time.Second)
		c.start(old.id)
		if applied := c.awaitEqual(); fmt.Sprint(applied) != "[before after]" {
			t.Errorf("applied %q", applied)
		}
	})
}

func TestLeaderIsCutOff(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		old := c.leader()
		c.network.Isolate(old.id)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := old.group.Propose(ctx, []byte("lost or not"))
		if !errors.Is(err, raft.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("proposing on a leader that is cut off: %v, want an unknown outcome and the context's error", err)
		}
		var unknown *raft.UnknownOutcomeError
		if !errors.As(err, &unknown) || unknown.LogID.Index == 0 {
			t.Errorf("the error %v does not say where the command stands", err)
		}
		c.await("the old leader to step down", func() bool { return old.group.Status().Role != raft.RoleLeader })
		next := c.leader()
		if next.id == old.id {
			t.Fatal("who is cut off leads")
		}
		c.propose(next, "on the new leader", time.Second)
		c.network.HealAll()
		if applied := c.awaitEqual(); fmt.Sprint(applied) != "[on the new leader]" {
			t.Errorf("applied %q", applied)
		}
	})
}

func TestProposeWaitsForALeader(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		old := c.leader()
		follower := c.follower()
		c.crash(old.id)
		c.propose(follower, "patient", 5*electionTimeout)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		for id := range c.members {
			if id != follower.id {
				c.crash(id)
			}
		}
		c.await("no leader", func() bool { return follower.group.Status().Leader == 0 })
		_, err := follower.group.Propose(ctx, []byte("impatient"))
		if !errors.Is(err, raft.ErrNotApplied) {
			t.Errorf("proposing without leader: %v, want ErrNotApplied", err)
		}
	})
}

func TestCloseHandsLeadershipOver(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		old := c.leader()
		c.propose(old, "x", time.Second)
		begin := time.Now()
		c.stop(old.id)
		c.leader()
		if took := time.Since(begin); took > electionTimeout/5 {
			t.Errorf("after a graceful close the next leader took %v", took)
		}
	})
}

func TestFailedWriteStopsTheGroup(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		old := c.leader()
		cause := errors.New("disk on fire")
		c.network.Isolate(old.id) // The others would commit it without this disk.
		old.log.FailSaves(cause)
		_, err := old.group.Propose(t.Context(), []byte("x"))
		if !errors.Is(err, raft.ErrOutcomeUnknown) || errors.Is(err, raft.ErrNotApplied) {
			t.Errorf("proposing on a failing disk: %v, want an unknown outcome", err)
		}
		<-old.group.Done()
		if err := old.group.Err(); !errors.Is(err, cause) {
			t.Errorf("the group's failure is %v", err)
		}
		if _, err := old.group.Propose(t.Context(), []byte("y")); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("proposing on a stopped group: %v", err)
		}
		c.stop(old.id)
		c.network.HealAll()
		c.propose(c.leader(), "z", time.Second)
	})
}

func TestStalledDiskHandsLeadershipOver(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		old := c.leader()
		old.log.Stall()
		done := make(chan error, 1)
		go func() {
			_, err := old.group.Propose(context.Background(), []byte("x"))
			done <- err
		}()
		c.await("another leader", func() bool {
			for id, m := range c.members {
				if id != old.id && m.group.Status().Role == raft.RoleLeader {
					return true
				}
			}
			return false
		})
		old.log.Resume()
		if err := <-done; err != nil && !errors.Is(err, raft.ErrOutcomeUnknown) && !errors.Is(err, raft.ErrNotApplied) {
			t.Errorf("the proposal on the stalled leader ended with %v", err)
		}
		c.awaitEqual()
	})
}

func TestBackPressure(t *testing.T) {
	small := func(cfg *raft.GroupConfig) { cfg.CommandBytesMax, cfg.PendingBytesMax = 1000, 3000 }
	inBubbleWith(t, 1, small, func(c *cluster) {
		t := c.t
		c.initialize()
		g := c.leader().group
		c.members[1].log.Stall()
		for range 2 {
			if err := g.ProposeAsync(t.Context(), make([]byte, 1000), func(raft.Result, error) {}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Propose(ctx, make([]byte, 1000)); !errors.Is(err, raft.ErrNotApplied) || !errors.Is(err, raft.ErrTooBusy) {
			t.Errorf("proposing beyond the bound: %v, want ErrTooBusy", err)
		}
		third := make(chan error, 1)
		go func() {
			_, err := g.Propose(context.Background(), make([]byte, 1000))
			third <- err
		}()
		synctest.Wait()
		c.members[1].log.Resume()
		if err := <-third; err != nil {
			t.Errorf("when there is room again: %v", err)
		}
		if _, err := g.Propose(t.Context(), make([]byte, 1001)); !errors.Is(err, raft.ErrTooLarge) {
			t.Errorf("a command that is too large: %v", err)
		}
	})
}

func TestBatchesAndCallbacks(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		for _, m := range []*member{c.leader(), c.follower()} {
			results, err := m.group.ProposeBatch(t.Context(), [][]byte{[]byte("a"), []byte("b"), []byte("c")})
			if err != nil || len(results) != 3 {
				t.Fatalf("batch on %d: %d results, %v", m.id, len(results), err)
			}
			for i := 1; i < len(results); i++ {
				if results[i].LogID.Index != results[i-1].LogID.Index+1 {
					t.Errorf("commands of a batch stand at %v and %v", results[i-1].LogID, results[i].LogID)
				}
			}
			outcomes := make(chan error, 100)
			for range 100 {
				if err := m.group.ProposeAsync(t.Context(), []byte("d"), func(_ raft.Result, err error) { outcomes <- err }); err != nil {
					t.Fatal(err)
				}
			}
			for range 100 {
				if err := <-outcomes; err != nil {
					t.Error(err)
				}
			}
		}
		if applied := c.awaitEqual(); len(applied) != 206 {
			t.Errorf("%d commands applied, want 206", len(applied))
		}
	})
}
