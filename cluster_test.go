// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// recorder is a state machine that remembers every command, in order. Its values are
// the number of commands applied so far.
type recorder struct {
	mu       sync.Mutex
	commands []string
	indexes  []raft.Index
	batches  int
	block    chan struct{} // if not nil, Apply waits for it
}

func (r *recorder) Apply(batch []raft.Entry) [][]byte {
	if r.block != nil {
		<-r.block
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches++
	values := make([][]byte, len(batch))
	for i, entry := range batch {
		r.commands = append(r.commands, string(entry.Data))
		r.indexes = append(r.indexes, entry.Index)
		values[i] = fmt.Append(nil, len(r.commands))
	}
	return values
}

func (r *recorder) applied() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.commands...)
}

// member is one node of a test cluster, with what outlives its process.
type member struct {
	id        raft.NodeID
	log       *mem.Log
	snapshots *mem.Snapshots // nil for none
	transport *mem.Transport
	node      *raft.Node
	group     *raft.Group
	machine   *recorder
}

// cluster is a test cluster on an in-memory network, inside a synctest bubble.
type cluster struct {
	t       *testing.T
	network *mem.Network
	members map[raft.NodeID]*member
	config  func(*raft.GroupConfig)
}

const electionTimeout = time.Second

// inBubble runs a test of a cluster of n members, which are formed and have a leader
// when it begins, and closes them at its end: whatever leaks deadlocks the bubble.
func inBubble(t *testing.T, n int, test func(c *cluster)) {
	t.Helper()
	inBubbleWith(t, n, nil, func(c *cluster) {
		c.initialize()
		c.leader()
		test(c)
	})
}

// inBubbleWith is inBubble with settings of one's own, and without forming the group.
func inBubbleWith(t *testing.T, n int, config func(*raft.GroupConfig), test func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, network: mem.NewNetwork(1), members: map[raft.NodeID]*member{}, config: config}
		for id := raft.NodeID(1); id <= raft.NodeID(n); id++ {
			c.members[id] = &member{id: id, log: mem.NewLog()}
			c.start(id)
		}
		defer func() {
			for id := range c.members {
				c.stop(id)
			}
		}()
		test(c)
	})
}

func logger() *slog.Logger {
	if os.Getenv("RAFT_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

// start starts a member on the log that it has, with an empty state machine.
func (c *cluster) start(id raft.NodeID) {
	c.t.Helper()
	m := c.members[id]
	m.machine = &recorder{}
	m.transport = c.network.Transport(id)
	var err error
	nodeConfig := raft.Config{ID: id, Log: m.log, Transport: m.transport, Logger: logger(), Seed: uint64(id)}
	if m.snapshots != nil {
		nodeConfig.Snapshots = m.snapshots
	}
	m.node, err = raft.Open(nodeConfig)
	if err != nil {
		c.t.Fatal(err)
	}
	cfg := raft.GroupConfig{ID: 1, StateMachine: m.machine, ElectionTimeout: electionTimeout}
	if c.config != nil {
		c.config(&cfg)
	}
	if m.group, err = m.node.StartGroup(cfg); err != nil {
		c.t.Fatal(err)
	}
}

// stop closes a member; harmless on one that is stopped.
func (c *cluster) stop(id raft.NodeID) {
	m := c.members[id]
	if m.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.node.Close(ctx); err != nil {
		c.t.Errorf("close node %d: %v", id, err)
	}
	if err := m.transport.Close(); err != nil {
		c.t.Errorf("close transport %d: %v", id, err)
	}
	m.node = nil
}

// crash stops a member without letting it say anything more.
func (c *cluster) crash(id raft.NodeID) {
	c.network.Isolate(id)
	c.members[id].log = c.members[id].log.Clone()
	if c.members[id].snapshots != nil {
		c.members[id].snapshots = c.members[id].snapshots.Clone()
	}
	c.stop(id)
	c.network.Rejoin(id)
}

func (c *cluster) addresses() []raft.Member {
	var members []raft.Member
	for id := range c.members {
		members = append(members, raft.Member{ID: id, Address: fmt.Sprint("node-", id)})
	}
	return members
}

func (c *cluster) initialize() {
	c.t.Helper()
	for _, m := range c.members {
		if err := m.group.Initialize(c.t.Context(), c.addresses()...); err != nil {
			c.t.Fatalf("initialize %d: %v", m.id, err)
		}
	}
}

// await waits, in the bubble's time, until a condition holds.
func (c *cluster) await(what string, condition func() bool) {
	c.t.Helper()
	for range 3000 {
		synctest.Wait()
		if condition() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	for id, m := range c.members {
		if m.node != nil {
			c.t.Logf("%d: %+v", id, m.group.Status())
		}
	}
	c.t.Fatalf("not within 30 s: %s", what)
}

// pass lets some of the bubble's time pass.
func (c *cluster) pass(d time.Duration) { time.Sleep(d) }

// leader waits for a leader that a majority follows, and returns it.
func (c *cluster) leader() *member {
	c.t.Helper()
	var leader *member
	c.await("a leader", func() bool {
		leader = nil
		followers := map[raft.LogID]int{} // by term and leader
		for _, m := range c.members {
			if m.node != nil {
				s := m.group.Status()
				followers[raft.LogID{Term: s.Term, Index: raft.Index(s.Leader)}]++
			}
		}
		for id, m := range c.members {
			if m.node == nil {
				continue
			}
			s := m.group.Status()
			if s.Role == raft.RoleLeader && s.CommitIndex > 0 &&
				followers[raft.LogID{Term: s.Term, Index: raft.Index(id)}] > len(c.members)/2 {
				leader = m
			}
		}
		return leader != nil
	})
	return leader
}

// follower returns some member that does not lead.
func (c *cluster) follower() *member {
	leader := c.leader()
	return c.members[leader.id%raft.NodeID(len(c.members))+1]
}

// propose proposes a command on a member, which has to succeed within a time.
func (c *cluster) propose(m *member, command string, within time.Duration) raft.Result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	result, err := m.group.Propose(ctx, []byte(command))
	if err != nil {
		c.t.Fatalf("propose %q on %d: %v", command, m.id, err)
	}
	return result
}

// awaitEqual waits until all running members have applied the same, and returns it.
func (c *cluster) awaitEqual() []string {
	c.t.Helper()
	var applied []string
	c.await("equal members", func() bool {
		applied = nil
		var reference raft.Index
		for _, m := range c.members {
			if m.node == nil {
				continue
			}
			s := m.group.Status()
			if reference == 0 {
				reference, applied = s.LastIndex, m.machine.applied()
			}
			if s.AppliedIndex != s.LastIndex || s.LastIndex != reference || s.DurableIndex != reference ||
				fmt.Sprint(m.machine.applied()) != fmt.Sprint(applied) {
				return false
			}
		}
		return true
	})
	return applied
}
