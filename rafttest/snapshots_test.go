// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/rafttest"
)

// withSnapshots is a cluster that takes a snapshot every 100 entries or so and keeps 50 more.
func withSnapshots() rafttest.Options {
	return rafttest.Options{
		ElectionTimeout: electionTimeout, Snapshots: true,
		Configure: func(_ raft.NodeID, cfg *raft.GroupConfig) {
			cfg.Snapshots = raft.SnapshotPolicy{Entries: 100, TrailingEntries: 50}
		},
	}
}

// write has so many commands applied, one after the other.
func write(t *testing.T, c *rafttest.Cluster, name string, count int) {
	t.Helper()
	leader := c.Leader()
	for i := range count {
		if _, err := c.Propose(leader, fmt.Sprintf("%s-%d", name, i), 5*electionTimeout); err != nil {
			t.Fatalf("%s-%d: %v", name, i, err)
		}
		c.Sleep(time.Millisecond) // So that snapshots have their turn.
	}
}

// TestNewMemberNotTooFarBehindGetsEntries: the cluster makes progress, and a member comes that
// has not been there. What it needs is still in the log, so it is not sent a snapshot.
func TestNewMemberNotTooFarBehindGetsEntries(t *testing.T) {
	rafttest.Run(t, withSnapshots(), func(t *testing.T, c *rafttest.Cluster) {
		late := c.Follower()
		c.Stop(late)
		write(t, c, "a", 40)
		c.Start(late)
		commands := c.AwaitEqual()
		if len(commands) != 40 {
			t.Errorf("%d commands were applied", len(commands))
		}
		c.CheckStores(commands)
		if s := c.Group(late).Status(); s.Snapshots.Received != 0 || s.FirstIndex != 1 {
			t.Errorf("it has received %d snapshots, and its log begins with entry %d", s.Snapshots.Received, s.FirstIndex)
		}
	})
}

// TestNewMemberFarBehindGetsASnapshotThenEntries: the cluster has made much progress and has
// compacted its logs. The member that comes is sent a snapshot, then entries, and ends equal.
func TestNewMemberFarBehindGetsASnapshotThenEntries(t *testing.T) {
	rafttest.Run(t, withSnapshots(), func(t *testing.T, c *rafttest.Cluster) {
		late := c.Follower()
		c.Stop(late)
		write(t, c, "a", 500)
		c.Sleep(60 * electionTimeout) // Nothing is kept any more for the one who is silent.
		write(t, c, "b", 230)
		leader := c.Group(c.Leader())
		if s := leader.Status(); s.FirstIndex < 500 {
			t.Fatalf("the leader's log begins with entry %d", s.FirstIndex)
		}
		c.Start(late)
		write(t, c, "c", 10)
		c.Await("the member is sent a snapshot", func() bool { return c.Recorder(late).Restored() > 0 })
		write(t, c, "d", 10)
		if commands := c.AwaitEqual(); len(commands) != 750 {
			t.Errorf("%d commands were applied", len(commands))
		}
		// Its own policy may have it take one as well, at the end of the log even.
		received, restored := c.Group(late).Status().Snapshots.Received, c.Recorder(late).Restored()
		if received != 1 || restored < 500 || restored >= 750 {
			t.Errorf("it has received %d snapshots, and %d of the commands with the last", received, restored)
		}
		c.Restart(late)
		c.AwaitEqual()
	})
}
