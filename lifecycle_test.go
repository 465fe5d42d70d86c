// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// closing closes a member's node in the background.
func closing(m *member, within time.Duration) <-chan error {
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		ended <- m.node.Close(ctx)
	}()
	return ended
}

func TestCloseTwice(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		m := c.leader()
		for range 2 {
			if err := m.group.Close(t.Context()); err != nil {
				t.Errorf("close group: %v", err)
			}
			if err := m.node.Close(t.Context()); err != nil {
				t.Errorf("close node: %v", err)
			}
		}
		<-m.group.Done()
		if err := m.group.Err(); err != nil {
			t.Errorf("a group that was closed failed with %v", err)
		}
		if _, err := m.group.Propose(t.Context(), []byte("x")); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("proposing on a closed group: %v", err)
		}
		if err := m.group.Initialize(t.Context(), c.addresses()...); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("initializing a closed group: %v", err)
		}
		if _, err := m.node.StartGroup(raft.GroupConfig{ID: 2, StateMachine: &recorder{}}); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("starting a group on a closed node: %v", err)
		}
	})
}

func TestClosingTogetherHandsLeadershipOver(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		c.network.SetDelay(20*time.Millisecond, 20*time.Millisecond)
		old := c.leader()
		begin := time.Now()
		first, second := closing(old, 10*time.Second), closing(old, 10*time.Second)
		if err := errors.Join(<-first, <-second); err != nil {
			t.Errorf("closing: %v", err)
		}
		c.stop(old.id)
		c.leader()
		if took := time.Since(begin); took > electionTimeout/2 {
			t.Errorf("after two closes at a time the next leader took %v", took)
		}
	})
}

func TestCloseWithABlockedStateMachine(t *testing.T) {
	var block chan struct{}
	blocked := func(cfg *raft.GroupConfig) { cfg.StateMachine.(*recorder).block = block }
	inBubbleWith(t, 1, blocked, func(c *cluster) {
		t := c.t
		c.stop(1)
		block = make(chan struct{})
		c.start(1)
		c.initialize()
		m := c.leader()
		proposed := make(chan error, 1)
		go func() {
			_, err := m.group.Propose(context.Background(), []byte("x"))
			proposed <- err
		}()
		synctest.Wait()
		for range 2 {
			begin := time.Now()
			if err := <-closing(m, time.Second); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("closing while the state machine is stuck: %v, want the context's error", err)
			}
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("that took %v", took)
			}
		}
		if err := <-proposed; !errors.Is(err, raft.ErrOutcomeUnknown) || familyOf(err) != "unknown" {
			t.Errorf("the proposal ended with %v, want an unknown outcome", err)
		}
		select {
		case <-m.group.Done():
			t.Error("the group claims to have ended while its state machine runs")
		default:
		}
		close(block)
		<-m.group.Done()
	})
}

func TestCloseWithProposalsUnderWay(t *testing.T) {
	for _, onLeader := range []bool{true, false} {
		inBubble(t, 3, func(c *cluster) {
			t := c.t
			c.network.SetDelay(5*time.Millisecond, 20*time.Millisecond)
			m := c.leader()
			if !onLeader {
				m = c.follower()
			}
			m.log.SetSaveDelay(10 * time.Millisecond)
			const callers = 100
			outcomes := make(chan outcome, callers)
			for i := range callers {
				go func() {
					command := fmt.Sprint(i)
					result, err := m.group.Propose(context.Background(), []byte(command))
					outcomes <- outcome{"", command, result, err}
				}()
			}
			synctest.Wait()
			time.Sleep(7 * time.Millisecond)
			c.stop(m.id)
			told := map[string]string{}
			for range callers {
				o := <-outcomes
				told[o.command] = familyOf(o.err)
			}
			c.leader()
			c.start(m.id)
			c.propose(c.leader(), "last", time.Second)
			for _, command := range c.awaitEqual() {
				if told[command] == "not applied" || told[command] == "stopped" || told[command] == "twice" {
					t.Errorf("command %s was applied; its caller was told %q", command, told[command])
				}
				if told[command] == "applied" {
					told[command] = "twice"
				}
			}
			for command, family := range told {
				if family == "applied" || family == "none or several" {
					t.Errorf("command %s ended as %s, and is not there", command, family)
				}
			}
		})
	}
}

func TestStartGroupRefuses(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		t := c.t
		m := c.members[1]
		for name, test := range map[string]struct {
			cfg  raft.GroupConfig
			want string
		}{
			"the same again":    {raft.GroupConfig{ID: 1, StateMachine: &recorder{}}, "running already"},
			"no state machine":  {raft.GroupConfig{ID: 2}, "StateMachine"},
			"no ID":             {raft.GroupConfig{StateMachine: &recorder{}}, "ID"},
			"absurd heartbeats": {raft.GroupConfig{ID: 2, StateMachine: &recorder{}, HeartbeatInterval: time.Hour}, "HeartbeatInterval"},
		} {
			if _, err := m.node.StartGroup(test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want a word about %s", name, err, test.want)
			}
		}
		c.propose(m, "the first one is unharmed", time.Second)
	})
}

func TestOpenRefusesATransportThatDoesNotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := mem.NewNetwork(1).Transport(1)
		_ = transport.Close()
		if _, err := raft.Open(raft.Config{ID: 1, Log: mem.NewLog(), Transport: transport}); !errors.Is(err, mem.ErrClosed) {
			t.Errorf("opening a node on a closed transport: %v", err)
		}
	})
}

func TestInitializeRefuses(t *testing.T) {
	inBubbleWith(t, 2, nil, func(c *cluster) {
		t := c.t
		g := c.members[1].group
		for name, members := range map[string][]raft.Member{
			"nobody":          nil,
			"others":          {{ID: 2, Address: "b"}},
			"somebody twice":  {{ID: 1, Address: "a"}, {ID: 1, Address: "b"}},
			"somebody with 0": {{ID: 0, Address: "a"}, {ID: 1, Address: "b"}},
		} {
			if err := g.Initialize(t.Context(), members...); err == nil || errors.Is(err, raft.ErrInitialized) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s := g.Status(); s.LastIndex != 0 || s.Term != 0 {
			t.Errorf("a refused Initialize leaves %+v", s)
		}
		c.members[1].log.Stall()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Initialize(ctx, c.addresses()...); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("on a disk that hangs: %v, want the context's error", err)
		}
		c.members[1].log.Resume()
		if err := g.Initialize(t.Context(), c.addresses()...); err != nil {
			t.Errorf("again: %v", err)
		}
		c.leader()
	})
}

// lookout is a log store that tells of each Load before it answers.
type lookout struct {
	*mem.Log
	onLoad func()
}

func (l *lookout) Load(group wire.GroupID) (wire.LogState, error) {
	state, err := l.Log.Load(group)
	l.onLoad()
	return state, err
}

// TestAGroupStartsOnWhatIsStored starts a group while the same group runs, and ends it
// between the moment when the second one has read the log store and when it goes on:
// what it has read is old by then.
func TestAGroupStartsOnWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lookout{Log: mem.NewLog(), onLoad: func() {}}
		transport := mem.NewNetwork(1).Transport(1)
		defer transport.Close()
		node, err := raft.Open(raft.Config{ID: 1, Log: log, Transport: transport, Logger: logger(), Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer node.Close(t.Context())
		first, err := node.StartGroup(raft.GroupConfig{ID: 1, StateMachine: &recorder{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Initialize(t.Context(), raft.Member{ID: 1, Address: "a"}); err != nil {
			t.Fatal(err)
		}
		log.onLoad = func() {
			log.onLoad = func() {}
			if _, err := first.Propose(t.Context(), []byte("x")); err != nil {
				t.Error(err)
			}
			if err := first.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		machine := &recorder{}
		second, err := node.StartGroup(raft.GroupConfig{ID: 1, StateMachine: machine})
		if err != nil {
			return // It may well be refused.
		}
		if _, err := second.Propose(t.Context(), []byte("y")); err != nil {
			t.Error(err)
		}
		if applied := machine.applied(); fmt.Sprint(applied) != "[x y]" {
			t.Errorf("the second one applied %v, want x and y", applied)
		}
	})
}

// TestGroupsOfANodeFailAlone has two groups on each of three nodes. One of them panics.
func TestGroupsOfANodeFailAlone(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		others := map[raft.NodeID]*raft.Group{}
		for id, m := range c.members {
			g, err := m.node.StartGroup(raft.GroupConfig{ID: 2, StateMachine: fragile{id == 1}, ElectionTimeout: electionTimeout})
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Initialize(t.Context(), c.addresses()...); err != nil {
				t.Fatal(err)
			}
			others[id] = g
		}
		c.await("a leader of group 2", func() bool { return others[2].Status().Leader != 0 })
		_, err := others[2].Propose(t.Context(), []byte("boom"))
		if err != nil && familyOf(err) != "unknown" {
			t.Errorf("the command that breaks a state machine: %v", err)
		}
		<-others[1].Done()
		if err := others[1].Err(); err == nil || !strings.Contains(err.Error(), "boom") || others[1].Status().Failure == nil {
			t.Errorf("the failure is %v, want the panic's value", err)
		}
		if _, err := others[1].Propose(t.Context(), []byte("x")); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("proposing on the failed group: %v, want ErrStopped", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*electionTimeout)
		defer cancel()
		if _, err := others[3].Propose(ctx, []byte("x")); err != nil {
			t.Errorf("proposing on the two that are left: %v", err)
		}
		for _, m := range c.members {
			c.propose(m, fmt.Sprint("unharmed ", m.id), time.Second)
		}
		c.awaitEqual()
	})
}

// fragile is a state machine that breaks if it is told to.
type fragile struct{ breaks bool }

func (f fragile) Apply(batch []raft.Entry) [][]byte {
	if f.breaks && string(batch[len(batch)-1].Data) == "boom" {
		panic("boom")
	}
	return nil
}

func TestAGroupCanBeStartedAgain(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		for round := range 5 {
			m := c.leader()
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() { _, _ = m.group.Propose(context.Background(), fmt.Append(nil, round, ".", i)) })
			}
			synctest.Wait()
			if err := m.group.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			wg.Wait()
			m.machine = &recorder{}
			var err error
			if m.group, err = m.node.StartGroup(raft.GroupConfig{ID: 1, StateMachine: m.machine, ElectionTimeout: electionTimeout}); err != nil {
				t.Fatal(err)
			}
		}
		c.propose(c.leader(), "last", time.Second)
		applied := c.awaitEqual()
		c.checkLogs(applied)
	})
}
