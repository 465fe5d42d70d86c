// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/rafttest"
)

// ledger is a state machine that takes each client's writes once and in order, so that
// clients may repeat one whose outcome they don't know. A command is
// "client.number#attempt".
type ledger struct {
	mu   sync.Mutex
	next map[string]int // by client, the number of its latest write
	data []string       // the writes, without the attempt
}

func newLedger() *ledger { return &ledger{next: map[string]int{}} }

func (l *ledger) Apply(batch []raft.Entry) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	values := make([][]byte, len(batch))
	for i, entry := range batch {
		write, _, _ := strings.Cut(string(entry.Data), "#")
		client, digits, _ := strings.Cut(write, ".")
		var number int
		_, _ = fmt.Sscan(digits, &number)
		values[i] = []byte("repeated")
		if number == l.next[client]+1 {
			l.next[client], values[i] = number, []byte("new")
			l.data = append(l.data, write)
		} else if number > l.next[client] {
			values[i] = []byte("gap")
		}
	}
	return values
}

func (l *ledger) contents() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.data)
}

// writer is a client with a fixed number of writes. It repeats each, on one member
// after the other, until it is told that it was applied.
type writer struct {
	c      *rafttest.Cluster
	name   string
	at     raft.NodeID
	writes int
	failed int // attempts
}

func (w *writer) run(t *testing.T) {
	for n := 1; n <= w.writes; n++ {
		for attempt := 1; ; attempt++ {
			result, err := w.c.Propose(w.at, fmt.Sprintf("%s.%d#%d", w.name, n, attempt), 2*electionTimeout)
			if err == nil {
				if string(result.Value) == "gap" {
					t.Errorf("%s: write %d was applied before the one before", w.name, n)
				}
				break
			}
			if attempt == 100 {
				t.Errorf("%s: write %d fails again and again: %v", w.name, n, err)
				return
			}
			w.failed++
			w.at = w.at%raft.NodeID(len(w.c.IDs())) + 1
			w.c.Sleep(10 * time.Millisecond)
		}
		w.c.Sleep(5 * time.Millisecond)
	}
}

// checkLedgers checks that every member's machine, and every member's storage without
// the repetitions, has each write of each client once, in the client's order.
func checkLedgers(t *testing.T, c *rafttest.Cluster, clients []*writer) {
	t.Helper()
	commands := c.AwaitEqual()
	c.CheckStores(commands)
	replayed := newLedger()
	for _, command := range commands {
		replayed.Apply([]raft.Entry{{Data: []byte(command)}})
	}
	total := 0
	for _, w := range clients {
		total += w.writes
	}
	for _, id := range c.IDs() {
		data := c.StateMachine(id).(*ledger).contents()
		if !slices.Equal(data, replayed.contents()) {
			t.Errorf("member %d has other data than its log store makes", id)
		}
		if len(data) != total {
			t.Errorf("member %d has %d writes, want %d", id, len(data), total)
		}
		for _, w := range clients {
			if w.at != 0 && c.StateMachine(id).(*ledger).next[w.name] != w.writes {
				t.Errorf("member %d has %d writes of %s, want %d", id, c.StateMachine(id).(*ledger).next[w.name], w.name, w.writes)
			}
		}
	}
	c.CheckOutcomes()
}

func ledgers(nodes int) rafttest.Options {
	return rafttest.Options{Nodes: nodes, StateMachine: func(raft.NodeID) raft.StateMachine { return newLedger() }}
}

// startWriters starts clients on each member.
func startWriters(t *testing.T, c *rafttest.Cluster, perMember, writes int) (clients []*writer, wait func()) {
	var running sync.WaitGroup
	for _, id := range c.IDs() {
		for n := range perMember {
			w := &writer{c: c, name: fmt.Sprintf("client-%d-%d", id, n), at: id, writes: writes}
			clients = append(clients, w)
			running.Go(func() { w.run(t) })
		}
	}
	return clients, running.Wait
}

func TestClientWritesAreForwarded(t *testing.T) {
	rafttest.Run(t, ledgers(3), func(t *testing.T, c *rafttest.Cluster) {
		c.Network().SetDelay(time.Millisecond, 3*time.Millisecond)
		leader := c.Leader()
		clients, wait := startWriters(t, c, 4, 100)
		wait()
		checkLedgers(t, c, clients)
		for _, w := range clients {
			if w.failed > 0 {
				t.Errorf("%s: %d attempts failed though nothing happened", w.name, w.failed)
			}
		}
		if c.Leader() != leader {
			t.Error("the leader changed")
		}
		for _, id := range c.IDs() {
			if got := len(c.Recorder(id).Commands()); got != 3*4*100 {
				t.Errorf("member %d has applied %d commands, want %d", id, got, 3*4*100)
			}
		}
		c.CheckAtRest()
	})
}

func TestLeaderDiesUnderWriteLoad(t *testing.T) {
	for _, nodes := range []int{3, 5} {
		for seed := range uint64(5 / seedShare) {
			t.Run(fmt.Sprintf("%d nodes, seed %d", nodes, seed+1), func(t *testing.T) {
				options := ledgers(nodes)
				options.Seed = seed + 1
				rafttest.Run(t, options, func(t *testing.T, c *rafttest.Cluster) {
					c.Network().SetDelay(0, 3*time.Millisecond)
					for _, id := range c.IDs() {
						c.Log(id).SetSaveDelay(2 * time.Millisecond)
					}
					clients, wait := startWriters(t, c, 4, 100)
					var dead []raft.NodeID
					for range nodes / 2 {
						c.Sleep(200 * time.Millisecond)
						leader := c.Leader()
						c.Crash(leader)
						dead = append(dead, leader)
					}
					c.Leader()
					wait()
					for _, id := range dead {
						c.Start(id)
					}
					checkLedgers(t, c, clients)
					failed := 0
					for _, w := range clients {
						failed += w.failed
					}
					if failed == 0 {
						t.Error("nobody noticed anything: the leader died too late")
					}
					c.CheckAtRest()
				})
			})
		}
	}
}

// TestLeaderOfTheClientIsCutOff has one client that writes to the leader, and cuts that
// off between two writes.
func TestLeaderOfTheClientIsCutOff(t *testing.T) {
	for _, silent := range []bool{false, true} {
		t.Run(fmt.Sprint("silent ", silent), func(t *testing.T) {
			rafttest.Run(t, rafttest.Options{}, func(t *testing.T, c *rafttest.Cluster) {
				c.Network().SetSilent(silent)
				old := c.Leader()
				want := rafttest.Numbered("before", 20)
				for _, command := range want {
					c.MustPropose(old, command)
				}
				c.AwaitEqual()
				c.Isolate(old)
				lost := make(chan error, 2)
				go func() { // The request that is under way, and whoever comes next.
					for n := range 2 {
						_, err := c.Propose(old, fmt.Sprint("lost-", n+1), 3*electionTimeout)
						lost <- err
					}
				}()
				synctest.Wait()
				c.CheckNoProgress(old, 7*electionTimeout)
				for _, family := range []string{"unknown", "not applied"} {
					if err := <-lost; rafttest.Family(err) != family {
						t.Errorf("a write on the member that is cut off: %v, want family %q", err, family)
					}
				}
				other := old%3 + 1
				for _, command := range rafttest.Numbered("elsewhere", 20) {
					c.MustPropose(other, command)
					want = append(want, command)
				}
				c.CheckNoProgress(old, electionTimeout)
				c.Heal()
				commands := c.AwaitEqual()
				if !slices.Equal(commands, want) {
					t.Errorf("applied %v", commands)
				}
				c.CheckStores(want)
				c.CheckOutcomes()
				c.CheckAtRest()
			})
		})
	}
}

// TestLeaderIsCutOffUnderWriteLoad cuts it off in the middle of many clients' writes, in
// both directions or in one of them.
func TestLeaderIsCutOffUnderWriteLoad(t *testing.T) {
	cuts := map[string]func(c *rafttest.Cluster, leader, other raft.NodeID){
		"both ways":       func(c *rafttest.Cluster, leader, other raft.NodeID) { c.Cut(leader, other) },
		"it hears nobody": func(c *rafttest.Cluster, leader, other raft.NodeID) { c.CutOneWay(other, leader) },
		"nobody hears it": func(c *rafttest.Cluster, leader, other raft.NodeID) { c.CutOneWay(leader, other) },
		"silently, both ways": func(c *rafttest.Cluster, leader, other raft.NodeID) {
			c.Network().SetSilent(true)
			c.Cut(leader, other)
		},
		"silently, from it on": func(c *rafttest.Cluster, leader, other raft.NodeID) {
			c.Network().SetSilent(true)
			c.CutOneWay(leader, other)
		},
	}
	for name, cut := range cuts {
		for seed := range uint64(3 / seedShare) {
			t.Run(fmt.Sprint(name, " ", seed+1), func(t *testing.T) {
				options := ledgers(3)
				options.Seed = seed + 1
				rafttest.Run(t, options, func(t *testing.T, c *rafttest.Cluster) {
					c.Network().SetDelay(0, 3*time.Millisecond)
					old := c.Leader()
					clients, wait := startWriters(t, c, 4, 100)
					c.Sleep(200 * time.Millisecond)
					for _, id := range c.IDs() {
						if id != old {
							cut(c, old, id)
						}
					}
					c.Sleep(10 * time.Millisecond) // Until what is under way has arrived.
					c.CheckNoProgress(old, 5*electionTimeout)
					if leader := c.Leader(); leader == old {
						t.Error("who is cut off leads")
					}
					if name == "both ways" {
						_, err := c.Propose(old, "client-x.1#1", electionTimeout)
						if !errors.Is(err, raft.ErrNotApplied) && !errors.Is(err, raft.ErrOutcomeUnknown) {
							t.Errorf("a write on the member that is cut off: %v", err)
						}
					}
					wait()
					c.Heal()
					checkLedgers(t, c, clients)
					c.CheckAtRest()
				})
			})
		}
	}
}
