// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
)

func finds(s *raft.Status, code string) bool {
	return slices.ContainsFunc(s.Explain(), func(f raft.Finding) bool { return f.Code == code && f.Node == s.ID })
}

// TestSlowDiskIsSaid: how long writes take is measured where they are made, and said for as long as
// it matters.
func TestSlowDiskIsSaid(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.serving()
		written := func() {
			c.await("the write on the leader's own disk", func() bool { s := leader.group.Status(); return s.DurableIndex == s.LastIndex })
		}
		leader.log.SetSaveDelay(electionTimeout / 20)
		c.propose(leader, "fast enough", 5*time.Second)
		written()
		if s := leader.group.Status(); s.Disk.Last != electionTimeout/20 || finds(&s, "disk_slow") {
			t.Errorf("a twentieth of an election time-out: %+v", s.Disk)
		}
		leader.log.SetSaveDelay(electionTimeout / 5)
		c.propose(leader, "too slow", 5*time.Second)
		written()
		leader.log.SetSaveDelay(0)
		c.propose(leader, "fast", 5*time.Second)
		written()
		s := leader.group.Status()
		if s.Disk.Slowest != electionTimeout/5 || s.Disk.Last != 0 || s.Disk.Saves == 0 || s.Disk.Underway != 0 || !finds(&s, "disk_slow") {
			t.Errorf("a fifth of an election time-out: %+v, %+v", s.Disk, s.Explain())
		}
		c.pass(2 * time.Minute)
		if s := leader.group.Status(); s.Disk.Slowest != 0 || finds(&s, "disk_slow") {
			t.Errorf("after two minutes: %+v", s.Disk)
		}
	})
}

// TestStuckDiskIsSaid while it is stuck, by the one that has it.
func TestStuckDiskIsSaid(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader, stuck := c.serving(), c.follower()
		stuck.log.Stall()
		c.propose(leader, "without it", 5*time.Second)
		c.pass(3 * electionTimeout)
		if s := stuck.group.Status(); s.Disk.Underway < 3*electionTimeout || !finds(&s, "disk_stuck") {
			t.Errorf("the disk has been stuck for three election time-outs: %+v, %+v", s.Disk, s.Explain())
		}
		if s := leader.group.Status(); s.Disk.Underway != 0 || finds(&s, "disk_stuck") {
			t.Errorf("the leader's disk: %+v", s.Disk)
		}
		stuck.log.Resume()
		c.awaitEqual()
		if s := stuck.group.Status(); s.Disk.Underway != 0 || finds(&s, "disk_stuck") || !finds(&s, "disk_slow") {
			t.Errorf("the disk is stuck no more: %+v", s.Disk)
		}
	})
}

// TestQueuesAreSeen: what callers wait for is shown, and gone when nobody waits any more.
func TestQueuesAreSeen(t *testing.T) {
	const commandBytes, pendingMax = 1000, 4000
	inBubbleWith(t, 1, func(cfg *raft.GroupConfig) { cfg.CommandBytesMax, cfg.PendingBytesMax = commandBytes, pendingMax }, func(c *cluster) {
		c.initialize()
		leader := c.leader()
		leader.log.Stall()
		results := make(chan error)
		const callers = 7
		for range callers {
			go func() {
				_, err := leader.group.Propose(c.t.Context(), []byte(strings.Repeat("x", commandBytes)))
				results <- err
			}()
		}
		synctest.Wait()
		s := leader.group.Status()
		if q := s.Queues; q.ProposalBytesMax != pendingMax || q.ProposalBytes > pendingMax || q.ProposalBytes < 3*commandBytes ||
			q.WaitingCallers != callers-3 || !finds(&s, "callers_wait") {
			t.Errorf("%d callers of %d bytes: %+v, %+v", callers, commandBytes, q, s.Explain())
		}
		leader.log.Resume()
		for range callers {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait() // Callers are told before their room is given back.
		if q := leader.group.Status().Queues; q != (raft.QueueStatus{ProposalBytesMax: pendingMax}) {
			t.Errorf("at rest: %+v", q)
		}
	})
}
