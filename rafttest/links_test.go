// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"fmt"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/rafttest"
)

// link is one direction between two members.
type link struct{ from, to raft.NodeID }

// Times of the tests, in election time-outs.
const (
	leaderTimeouts = 10 // within which there must be a leader
	stableTimeouts = 10 // for which it must stay
)

// fewHeartbeats makes virtual time cheap.
func fewHeartbeats(_ raft.NodeID, cfg *raft.GroupConfig) {
	cfg.HeartbeatInterval = cfg.ElectionTimeout / 3
}

// TestEveryLinkMatrixOfThree cuts every subset of the six directed links of three members.
func TestEveryLinkMatrixOfThree(t *testing.T) {
	links := []link{{1, 2}, {2, 1}, {1, 3}, {3, 1}, {2, 3}, {3, 2}}
	for matrix := range 1 << len(links) {
		options := rafttest.Options{Nodes: 3, Seed: uint64(matrix + 1), Configure: fewHeartbeats}
		rafttest.Run(t, options, func(t *testing.T, c *rafttest.Cluster) {
			c.MustPropose(1, "before")
			c.AwaitEqual()
			whole := map[link]bool{}
			name := ""
			for i, l := range links {
				if whole[l] = matrix>>i&1 == 0; whole[l] {
					name += fmt.Sprintf(" %d>%d", l.from, l.to)
				} else {
					c.CutOneWay(l.from, l.to)
				}
			}
			both := func(a, b raft.NodeID) bool { return whole[link{a, b}] && whole[link{b, a}] }
			checkReach(t, c, name, both(1, 2) || both(1, 3) || both(2, 3))
			c.CheckOutcomes()
		})
		if t.Failed() {
			return
		}
	}
}

// checkStable checks that there is a leader soon, that it takes writes, and stays.
func checkStable(t *testing.T, c *rafttest.Cluster, name string) {
	t.Helper()
	// A leader that cannot lead any more goes on for up to a time-out.
	c.Sleep(2 * electionTimeout)
	leader := c.LeaderWithin(leaderTimeouts * electionTimeout)
	before := c.Group(leader).Status()
	if _, err := c.Propose(leader, "on the leader", electionTimeout); err != nil {
		t.Errorf("links%s: member %d leads and does not write: %v", name, leader, err)
	}
	c.Sleep(stableTimeouts * electionTimeout)
	after := c.Group(leader).Status()
	if after.Role != raft.RoleLeader || after.Term != before.Term {
		t.Errorf("links%s: member %d led in term %d and is %v in term %d", name, leader, before.Term, after.Role, after.Term)
	}
	if _, err := c.Propose(leader, "on the leader, later", electionTimeout); err != nil {
		t.Errorf("links%s: member %d does not write any more: %v", name, leader, err)
	}
}

// checkDead checks that nobody takes a write.
func checkDead(t *testing.T, c *rafttest.Cluster, name string) {
	t.Helper()
	errs := make(chan error, len(c.IDs()))
	for _, id := range c.IDs() {
		go func() {
			_, err := c.Propose(id, fmt.Sprint("in vain on ", id), leaderTimeouts*electionTimeout)
			errs <- err
		}()
	}
	for range c.IDs() {
		if err := <-errs; err == nil {
			t.Errorf("links%s: a write went through without a quorum", name)
		}
	}
	for _, id := range c.IDs() {
		if c.Group(id).Status().Role == raft.RoleLeader {
			t.Errorf("links%s: member %d leads without a quorum", name, id)
		}
	}
}

// checkReach checks what becomes of a cluster some of whose links are cut, somebody reaching a
// majority or not, and that all is well when they are mended.
func checkReach(t *testing.T, c *rafttest.Cluster, name string, reaches bool) {
	t.Helper()
	if reaches {
		checkStable(t, c, name)
	} else {
		checkDead(t, c, name)
	}
	c.Heal()
	c.MustPropose(c.Leader(), "after")
	c.CheckStores(c.AwaitEqual())
}

// TestEveryGraphOfFive cuts every subset of the ten links of five members. Whenever
// somebody reaches a majority, itself included, there is a stable leader.
func TestEveryGraphOfFive(t *testing.T) {
	var links []link
	for a := raft.NodeID(1); a <= 5; a++ {
		for b := a + 1; b <= 5; b++ {
			links = append(links, link{a, b})
		}
	}
	for graph := 0; graph < 1<<len(links); graph += graphStep {
		options := rafttest.Options{Nodes: 5, Seed: uint64(graph + 1), Configure: fewHeartbeats}
		rafttest.Run(t, options, func(t *testing.T, c *rafttest.Cluster) {
			degree := map[raft.NodeID]int{}
			name := ""
			for i, l := range links {
				if graph>>i&1 == 1 {
					c.Cut(l.from, l.to)
					continue
				}
				degree[l.from]++
				degree[l.to]++
				name += fmt.Sprintf(" %d-%d", l.from, l.to)
			}
			reaches := false
			for _, id := range c.IDs() {
				reaches = reaches || degree[id] >= 2
			}
			checkReach(t, c, name, reaches)
		})
		if t.Failed() {
			return
		}
	}
}
