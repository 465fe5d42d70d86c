// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// tiny keeps hardly anything in memory and sends little at a time.
func tiny(cfg *raft.GroupConfig) {
	cfg.CacheBytes, cfg.BatchBytesMax, cfg.InflightBytesMax, cfg.InflightMessagesMax = 200, 500, 2000, 3
}

// counted is a log store that counts its reads, and may refuse them.
type counted struct {
	*mem.Log
	reads atomic.Int64
	err   atomic.Pointer[error]
}

func (l *counted) Entries(group wire.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	l.reads.Add(1)
	if err := l.err.Load(); err != nil {
		return nil, *err
	}
	return l.Log.Entries(group, lo, hi, bytesMax)
}

// reopen starts a member that is down on a log store of its own.
func (c *cluster) reopen(id raft.NodeID, log raft.LogStore) {
	c.t.Helper()
	m := c.members[id]
	m.machine, m.transport = &recorder{}, c.network.Transport(id)
	var err error
	if m.node, err = raft.Open(raft.Config{ID: id, Log: log, Transport: m.transport, Logger: logger(), Seed: uint64(id)}); err != nil {
		c.t.Fatal(err)
	}
	cfg := raft.GroupConfig{ID: 1, StateMachine: m.machine, ElectionTimeout: electionTimeout}
	c.config(&cfg)
	if m.group, err = m.node.StartGroup(cfg); err != nil {
		c.t.Fatal(err)
	}
}

// proposeAll proposes commands on a member, all at once and in order.
func (c *cluster) proposeAll(m *member, commands []string) {
	c.t.Helper()
	outcomes := make(chan error, len(commands))
	for _, command := range commands {
		err := m.group.ProposeAsync(c.t.Context(), []byte(command), func(_ raft.Result, err error) { outcomes <- err })
		if err != nil {
			c.t.Fatal(err)
		}
	}
	for range commands {
		if err := <-outcomes; err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestAFollowerCatchesUpFromTheLogStore(t *testing.T) {
	inBubbleWith(t, 3, tiny, func(c *cluster) {
		t := c.t
		c.initialize()
		c.stop(c.follower().id)
		leader := c.leader()
		commands := numbered("command", 1000)
		c.proposeAll(leader, commands)
		time.Sleep(time.Minute)
		if first, bytes := leader.group.CacheHolds(); first < 990 || bytes > 200 {
			t.Errorf("the cache holds entries from %d on, %d bytes", first, bytes)
		}
		for id, m := range c.members {
			if m.node == nil {
				c.start(id)
			}
		}
		applied := c.awaitEqual()
		checkApplied(t, applied, commands)
		c.checkLogs(applied)
	})
}

func TestAFollowerCatchesUpWhileOthersPropose(t *testing.T) {
	inBubbleWith(t, 3, tiny, func(c *cluster) {
		c.initialize()
		down := c.follower()
		c.stop(down.id)
		c.network.SetDelay(0, time.Millisecond)
		before, during := numbered("before", 2000), numbered("during", 300)
		c.proposeAll(c.leader(), before)
		c.start(down.id)
		for _, command := range during {
			c.propose(c.leader(), command, time.Second)
		}
		applied := c.awaitEqual()
		checkApplied(c.t, applied, append(before, during...))
		c.checkLogs(applied)
	})
}

func TestALeaderThatCannotReadForAWhile(t *testing.T) {
	inBubbleWith(t, 3, tiny, func(c *cluster) {
		t := c.t
		c.initialize()
		leader, down := c.leader(), c.follower()
		c.stop(leader.id)
		log := &counted{Log: leader.log}
		c.reopen(leader.id, log)
		c.leader()
		time.Sleep(electionTimeout)
		if ok, err := c.leader().group.Transfer(t.Context(), leader.id); c.leader() != leader {
			t.Fatalf("the leader is another: %v, %v", ok, err)
		}
		c.stop(down.id)
		c.proposeAll(leader, numbered("command", 500))
		c.network.SetDelay(5*time.Millisecond, 5*time.Millisecond)
		c.start(down.id)
		c.await("replication from the store", func() bool {
			s := leader.group.Status()
			i := slices.IndexFunc(s.Peers, func(p raft.PeerStatus) bool { return p.ID == down.id })
			return s.Peers[i].State == "replicate" && s.Peers[i].MatchIndex > 20
		})
		unreadable := errors.New("unreadable")
		log.err.Store(&unreadable)
		before := log.reads.Load()
		time.Sleep(10 * time.Second)
		if reads := log.reads.Load() - before; reads == 0 || reads > 300 {
			t.Errorf("%d reads in 10 s of a store that cannot be read", reads)
		}
		if n := len(down.machine.applied()); n == 500 {
			t.Error("the follower has everything before the store can be read again")
		}
		log.err.Store(nil)
		if applied := c.awaitEqual(); len(applied) != 500 {
			t.Errorf("%d commands applied", len(applied))
		}
	})
}

func TestASlowFollowerDoesNotSlowTheOthers(t *testing.T) {
	slow := map[string]func(c *cluster, leader, follower *member){
		"link": func(c *cluster, leader, follower *member) {
			c.network.SetLink(leader.id, follower.id, mem.Conditions{DelayMin: 300 * time.Millisecond, DelayMax: 300 * time.Millisecond})
		},
		"disk": func(_ *cluster, _, follower *member) { follower.log.SetSaveDelay(time.Second) },
		"cut": func(c *cluster, leader, follower *member) {
			c.network.SetSilent(true)
			c.network.CutOneWay(leader.id, follower.id)
		},
	}
	for name, slowDown := range slow {
		t.Run(name, func(t *testing.T) {
			inBubbleWith(t, 3, tiny, func(c *cluster) {
				t := c.t
				c.initialize()
				leader, follower := c.leader(), c.follower()
				slowDown(c, leader, follower)
				begin := time.Now()
				commands := numbered("command", 200)
				for _, command := range commands {
					c.propose(leader, command, time.Second)
				}
				if took := time.Since(begin); took > 50*time.Millisecond {
					t.Errorf("200 commands took %v", took)
				}
				c.network.SetConditions(mem.Conditions{})
				c.network.HealAll()
				follower.log.SetSaveDelay(0)
				checkApplied(t, c.awaitEqual(), commands)
			})
		})
	}
}

func TestABlockedStateMachineBlocksItsNodeOnly(t *testing.T) {
	var block chan struct{}
	blocked := func(cfg *raft.GroupConfig) { cfg.StateMachine.(*recorder).block = block }
	inBubbleWith(t, 3, blocked, func(c *cluster) {
		t := c.t
		c.initialize()
		leader, stuck := c.leader(), c.follower()
		c.stop(stuck.id)
		block = make(chan struct{})
		c.start(stuck.id)
		for _, command := range numbered("command", 100) {
			c.propose(leader, command, 100*time.Millisecond)
		}
		time.Sleep(time.Minute)
		if s := stuck.group.Status(); s.CommitIndex != leader.group.Status().CommitIndex || s.AppliedIndex >= s.CommitIndex {
			t.Errorf("the member whose state machine is stuck is at %+v", s)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := stuck.group.Propose(ctx, []byte("elsewhere")); err != nil {
			t.Errorf("proposing there, which the leader applies: %v", err)
		}
		close(block)
		if applied := c.awaitEqual(); len(applied) != 101 {
			t.Errorf("%d commands applied", len(applied))
		}
	})
}

func TestCallersLeaveABlockedStateMachine(t *testing.T) {
	var block chan struct{}
	blocked := func(cfg *raft.GroupConfig) { cfg.StateMachine.(*recorder).block = block }
	inBubbleWith(t, 1, blocked, func(c *cluster) {
		t := c.t
		c.stop(1)
		block = make(chan struct{})
		c.start(1)
		c.initialize()
		m := c.leader()
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			begin := time.Now()
			if _, err := m.group.Propose(ctx, []byte("x")); familyOf(err) != "unknown" || time.Since(begin) != time.Second {
				t.Errorf("after %v: %v, want an unknown outcome after 1 s", time.Since(begin), err)
			}
			cancel()
		}
		close(block)
		if applied := c.awaitEqual(); len(applied) != 3 {
			t.Errorf("%d commands applied", len(applied))
		}
		if left := m.group.Leftovers(); left != "" {
			t.Errorf("left: %s", left)
		}
	})
}

func TestLargeCommands(t *testing.T) {
	inBubbleWith(t, 3, func(cfg *raft.GroupConfig) { cfg.CacheBytes = 3 << 20 }, func(c *cluster) {
		t := c.t
		c.initialize()
		large := func(n int) []byte { return append(fmt.Append(nil, n), make([]byte, 1<<20-5)...) }
		for _, m := range []*member{c.leader(), c.follower()} {
			if _, err := m.group.Propose(t.Context(), large(0)); err != nil {
				t.Errorf("1 MiB on %d: %v", m.id, err)
			}
			var commands [][]byte
			for n := range 20 {
				commands = append(commands, large(n))
			}
			results, err := m.group.ProposeBatch(t.Context(), commands)
			if err != nil || len(results) != 20 {
				t.Errorf("20 MiB on %d: %d results, %v", m.id, len(results), err)
			}
			tooMany := make([][]byte, 64)
			for n := range tooMany {
				tooMany[n] = commands[0]
			}
			if _, err := m.group.ProposeBatch(t.Context(), append(tooMany, commands[0])); !errors.Is(err, raft.ErrTooLarge) {
				t.Errorf("65 MiB on %d: %v, want ErrTooLarge", m.id, err)
			}
		}
		if applied := c.awaitEqual(); len(applied) != 42 || len(applied[41]) != len(large(19)) {
			t.Errorf("%d commands applied", len(applied))
		}
	})
}

func TestEmptyBatchesAndCommands(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		for _, m := range []*member{c.leader(), c.follower()} {
			if results, err := m.group.ProposeBatch(t.Context(), nil); len(results) != 0 || err != nil {
				t.Errorf("no commands: %v, %v", results, err)
			}
			if _, err := m.group.Propose(t.Context(), nil); err != nil {
				t.Errorf("an empty command: %v", err)
			}
		}
		if applied := c.awaitEqual(); fmt.Sprintf("%q", applied) != `["" ""]` {
			t.Errorf("applied %q", applied)
		}
	})
}

func TestAsyncProposalsKeepTheirOrder(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		c.network.SetDelay(0, time.Millisecond)
		var want []string
		for _, m := range []*member{c.leader(), c.follower()} {
			commands := numbered(fmt.Sprint("on ", m.id), 2000)
			var told []raft.Index
			ended := make(chan struct{})
			for n, command := range commands {
				err := m.group.ProposeAsync(t.Context(), []byte(command), func(result raft.Result, err error) {
					if err != nil {
						t.Error(err)
					}
					if told = append(told, result.LogID.Index); len(told) == len(commands) {
						close(ended)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if n%100 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			<-ended
			for i := 1; i < len(told); i++ {
				if told[i] != told[i-1]+1 {
					t.Fatalf("on %d, callback %d is of entry %d, after %d", m.id, i, told[i], told[i-1])
				}
			}
			want = append(want, commands...)
		}
		checkApplied(t, c.awaitEqual(), want)
	})
}

// TestProposalsDuringATransfer proposes on all members all the time while leadership
// goes from one to the next.
func TestProposalsDuringATransfer(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		c.network.SetDelay(10*time.Millisecond, 10*time.Millisecond)
		for round := range 6 {
			old := c.leader()
			outcomes := make(chan outcome, 3)
			transferred := make(chan bool, 1)
			go func() {
				ok, err := old.group.Transfer(t.Context(), 0)
				transferred <- ok && err == nil
			}()
			synctest.Wait()
			for id, m := range c.members {
				go func() {
					command := fmt.Sprint(round, ".", id)
					result, err := m.group.Propose(t.Context(), []byte(command))
					outcomes <- outcome{fmt.Sprint("on ", id, ", led by ", old.id), command, result, err}
				}()
			}
			if !<-transferred {
				t.Fatal("leadership was not transferred")
			}
			for range c.members {
				o := <-outcomes
				if o.err != nil || o.result.LogID.Term == 2+raft.Term(round) {
					t.Errorf("%s: %s ended at %v with %v", o.client, o.command, o.result.LogID, o.err)
				}
			}
			if c.leader() == old {
				t.Error("the old leader leads")
			}
		}
		c.awaitEqual()
	})
}
