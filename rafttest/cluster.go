// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// Cluster is the nodes of a test. Methods that can fail the test, which are those that
// wait or check, are for the test's own goroutine; the others may be called from any
// goroutine of the bubble. A node ID that isn't a member's is a fault of the test.
type Cluster struct {
	t       testing.TB
	options Options
	network *mem.Network
	journal *journal

	members []*member // members[i].id == i+1
	// crashed are the nodes of crashed members, which end by themselves.
	crashed sync.WaitGroup

	// mu guards what follows, and what changes in the members.
	mu       sync.Mutex
	outcomes []Outcome
	calls    int // proposals that have not ended
	loads    []*Load
}

// Run runs a test of a cluster in a bubble of its own. The group is formed and has a
// leader when test begins, unless the options say otherwise. When test returns, or
// fails, all members are stopped. Inside test use the t that it is given, and make
// there whatever channels, timers and goroutines are to meet the cluster.
func Run(t *testing.T, options Options, test func(t *testing.T, c *Cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, options)
		defer c.end()
		for _, m := range c.members {
			c.Start(m.id)
		}
		if !c.options.Unformed {
			c.Initialize()
			c.Leader()
		}
		test(t, c)
	})
}

func newCluster(t testing.TB, options Options) *Cluster {
	options = options.withDefaults()
	c := &Cluster{t: t, options: options, network: mem.NewNetwork(options.Seed), journal: new(journal)}
	for i := range options.Nodes {
		m := &member{id: raft.NodeID(i + 1), log: mem.NewLog()}
		if options.Snapshots {
			m.snapshots = mem.NewSnapshots()
		}
		c.members = append(c.members, m)
	}
	return c
}

// end stops everything, and says what may help to understand a failure.
func (c *Cluster) end() {
	reported := c.t.Failed()
	if reported {
		c.report()
	}
	defer func() {
		if c.t.Failed() && !reported {
			c.report()
		}
	}()
	c.mu.Lock()
	loads := c.loads
	c.mu.Unlock()
	for _, load := range loads {
		load.leave()
	}
	for _, m := range c.members {
		c.Log(m.id).Resume()
		if kept := c.Snapshots(m.id); kept != nil {
			kept.Resume()
		}
		c.Stop(m.id)
	}
	for _, load := range loads {
		load.Stop()
	}
	c.crashed.Wait()
	synctest.Wait()
	c.mu.Lock()
	calls := c.calls
	c.mu.Unlock()
	if calls != 0 {
		c.t.Errorf("%d proposals have not ended although all members have", calls)
	}
}

func (c *Cluster) report() {
	for _, m := range c.members {
		if group := c.Group(m.id); group != nil {
			c.t.Logf("member %d: %+v", m.id, group.Status())
		} else {
			c.t.Logf("member %d is down", m.id)
		}
	}
	if text, lost := c.journal.contents(); text != "" {
		c.t.Logf("what the members logged, without the first %d lines:\n%s", lost, text)
	}
}

// Sleep lets time pass in the bubble. It is time.Sleep, which is as good, under a name
// that tells it from sleeping in real time. It may be called from any goroutine of the bubble.
func (c *Cluster) Sleep(d time.Duration) { time.Sleep(d) }

// IDs returns the members' IDs, ascending.
func (c *Cluster) IDs() []raft.NodeID {
	ids := make([]raft.NodeID, len(c.members))
	for i, m := range c.members {
		ids[i] = m.id
	}
	return ids
}

// Members returns what the group is formed with.
func (c *Cluster) Members() []raft.Member {
	members := make([]raft.Member, len(c.members))
	for i, m := range c.members {
		members[i] = raft.Member{ID: m.id, Address: fmt.Sprint("node-", m.id)}
	}
	return members
}

// Initialize forms the group, on all members that run.
func (c *Cluster) Initialize() {
	c.t.Helper()
	for _, m := range c.members {
		group := c.Group(m.id)
		if group == nil {
			continue
		}
		if err := group.Initialize(c.t.Context(), c.Members()...); err != nil {
			c.t.Fatalf("initialize on member %d: %v", m.id, err)
		}
	}
}

// patienceTimeouts is how long the cluster waits for anything unless told otherwise,
// in election time-outs.
const patienceTimeouts = 30

// Await waits until a condition holds, and fails the test if it doesn't within
// 30 election time-outs. It returns how long that took.
func (c *Cluster) Await(what string, condition func() bool) time.Duration {
	c.t.Helper()
	return c.AwaitWithin(patienceTimeouts*c.options.ElectionTimeout, what, condition)
}

// AwaitWithin is Await with a time of one's own. The condition is asked whenever all
// goroutines are idle, every hundredth of an election time-out but at most every
// millisecond; it may be asked again when it held.
func (c *Cluster) AwaitWithin(within time.Duration, what string, condition func() bool) time.Duration {
	c.t.Helper()
	begin, step := time.Now(), max(c.options.ElectionTimeout/100, time.Millisecond)
	for {
		synctest.Wait()
		took := time.Since(begin)
		if condition() {
			return took
		}
		if took >= within {
			c.t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(min(step, within-took))
	}
}

// Leader waits for a leader that a majority of the members follow, and returns it. For up
// to two election time-outs after it was cut off, that may be one they can't reach.
func (c *Cluster) Leader() raft.NodeID {
	c.t.Helper()
	return c.LeaderWithin(patienceTimeouts * c.options.ElectionTimeout)
}

// LeaderWithin is Leader with a time of one's own.
func (c *Cluster) LeaderWithin(within time.Duration) raft.NodeID {
	c.t.Helper()
	var leader raft.NodeID
	c.AwaitWithin(within, "a leader that a majority follows", func() bool {
		leader = c.FollowedLeader()
		return leader != 0
	})
	return leader
}

// FollowedLeader returns the leader that a majority of the members follow at the
// moment, itself included, and that has committed an entry; zero if there is none.
func (c *Cluster) FollowedLeader() raft.NodeID {
	type leadership struct {
		term   raft.Term
		leader raft.NodeID
	}
	followers := map[leadership]int{}
	leads := map[leadership]bool{}
	for _, m := range c.members {
		if group := c.Group(m.id); group != nil {
			s := group.Status()
			followers[leadership{s.Term, s.Leader}]++
			if s.Role == raft.RoleLeader && s.CommitIndex > 0 {
				leads[leadership{s.Term, m.id}] = true
			}
		}
	}
	for l, n := range followers {
		if n > len(c.members)/2 && leads[l] {
			return l.leader
		}
	}
	return 0
}

// Follower waits for a leader and returns a running member that does not lead.
func (c *Cluster) Follower() raft.NodeID {
	c.t.Helper()
	leader := c.Leader()
	for _, m := range c.members {
		if m.id != leader && c.Group(m.id) != nil {
			return m.id
		}
	}
	c.t.Fatalf("nobody follows member %d", leader)
	return 0
}
