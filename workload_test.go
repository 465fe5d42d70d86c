// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// workload is a cluster with clients on every member, which remember what they were
// told became of each of their commands.
type workload struct {
	*cluster
	seed    uint64
	clients sync.WaitGroup
	quit    chan struct{} // closed when the clients are to leave

	mu       sync.Mutex
	groups   map[raft.NodeID]*raft.Group
	outcomes []outcome
}

// outcome is what one client was told of one command.
type outcome struct {
	client, command string
	result          raft.Result
	err             error
}

const patience = 3 * time.Second

// inWorkload runs clients on each of n members of a new cluster while disturb does
// what it does; then it heals everything, starts who is down, and checks that what
// the clients were told is true. The seed varies the network and the clients.
func inWorkload(t *testing.T, n, clients int, seed uint64, disturb func(w *workload)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, network: mem.NewNetwork(seed), members: map[raft.NodeID]*member{}}
		w := &workload{cluster: c, seed: seed, quit: make(chan struct{}), groups: map[raft.NodeID]*raft.Group{}}
		for id := raft.NodeID(1); id <= raft.NodeID(n); id++ {
			c.members[id] = &member{id: id, log: mem.NewLog()}
			w.start(id)
		}
		defer func() {
			for id := range c.members {
				c.stop(id)
			}
		}()
		c.initialize()
		c.leader()
		c.network.SetDelay(0, 2*time.Millisecond)
		for id := range raft.NodeID(n) {
			for client := range clients {
				w.clients.Go(func() { w.client(id+1, client) })
			}
		}
		disturb(w)
		w.recover()
	})
}

// start is cluster.start, for clients to see.
func (w *workload) start(id raft.NodeID) {
	w.t.Helper()
	w.cluster.start(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups[id] = w.members[id].group
}

// pause lets the clients go on for a while.
func (w *workload) pause(d time.Duration) { time.Sleep(d) }

func (w *workload) client(id raft.NodeID, number int) {
	random := rand.New(rand.NewPCG(w.seed, uint64(id)<<32+uint64(number)))
	name := fmt.Sprintf("%d.%d", id, number)
	for n := 0; ; n++ {
		select {
		case <-w.quit:
			return
		case <-time.After(time.Duration(random.Int64N(int64(150 * time.Millisecond)))):
		}
		w.mu.Lock()
		group := w.groups[id]
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if command := fmt.Sprintf("%s.%d", name, n); random.IntN(8) > 0 {
			result, err := group.Propose(ctx, []byte(command))
			w.note(outcome{name, command, result, err})
		} else {
			w.proposeBatch(ctx, group, name, command)
		}
		cancel()
	}
}

func (w *workload) proposeBatch(ctx context.Context, group *raft.Group, client, prefix string) {
	var commands [][]byte
	for i := range 3 {
		commands = append(commands, fmt.Append(nil, prefix, "/", i))
	}
	results, err := group.ProposeBatch(ctx, commands)
	for i, command := range commands {
		o := outcome{client: client, command: string(command), err: err}
		if i < len(results) {
			o.result, o.err = results[i], nil
		}
		w.note(o)
	}
}

func (w *workload) note(o outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes = append(w.outcomes, o)
}

// recover ends the disturbance and the clients, and checks everything.
func (w *workload) recover() {
	w.t.Helper()
	w.network.HealAll()
	w.network.SetConditions(mem.Conditions{})
	for id, m := range w.members {
		m.log.Resume()
		m.log.SetSaveDelay(0)
		if m.node == nil {
			w.start(id)
		}
	}
	w.leader()
	time.Sleep(2 * patience)
	close(w.quit)
	w.clients.Wait()
	applied := w.awaitEqual()
	w.checkOutcomes(applied)
	w.checkLogs(applied)
	w.await("nothing is left of any request", func() bool {
		for _, m := range w.members {
			if m.group.Leftovers() != "" {
				return false
			}
		}
		return true
	})
}

// checkOutcomes compares what clients were told with what was applied.
func (w *workload) checkOutcomes(applied []string) {
	w.t.Helper()
	places := map[string][]int{}
	for i, command := range applied {
		places[command] = append(places[command], i+1)
	}
	counts, last := map[string]int{}, map[string]int{}
	for _, o := range w.outcomes {
		at := places[o.command]
		family := familyOf(o.err)
		counts[family]++
		switch {
		case len(at) > 1:
			w.t.Errorf("%s was applied %d times", o.command, len(at))
		case family == "applied" && len(at) == 0:
			w.t.Errorf("%s was acknowledged, and is not there", o.command)
		case family == "applied" && string(o.result.Value) != fmt.Sprint(at[0]):
			w.t.Errorf("%s stands at %d, but its client was told %s", o.command, at[0], o.result.Value)
		case (family == "not applied" || family == "stopped") && len(at) > 0:
			w.t.Errorf("%s was applied, but its client was told %v", o.command, o.err)
		case family == "none or several":
			w.t.Errorf("%s ended with %v, which is of no family, or of several", o.command, o.err)
		}
		if family == "applied" && len(at) == 1 {
			if at[0] < last[o.client] {
				w.t.Errorf("%s stands before an earlier command of its client", o.command)
			}
			last[o.client] = at[0]
		}
	}
	if counts["applied"] < len(w.outcomes)/4 || counts["applied"] == 0 {
		w.t.Errorf("hardly anything was applied: %v", counts)
	}
	w.t.Logf("%d commands: %v", len(w.outcomes), counts)
}

func familyOf(err error) string {
	if err == nil {
		return "applied"
	}
	var names []string
	for name, family := range map[string]error{
		"not applied": raft.ErrNotApplied, "unknown": raft.ErrOutcomeUnknown, "stopped": raft.ErrStopped,
	} {
		if errors.Is(err, family) {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return "none or several"
	}
	return names[0]
}

// checkLogs checks that every member's log store holds the same entries, one at each
// index from 1 on, of which the commands are those applied.
func (c *cluster) checkLogs(applied []string) {
	c.t.Helper()
	var reference []raft.Entry
	for id, m := range c.members {
		entries := c.stored(m)
		var commands []string
		for i, e := range entries {
			if e.Index != raft.Index(i+1) || i > 0 && e.Term < entries[i-1].Term {
				c.t.Fatalf("member %d holds %v at place %d", id, e.ID(), i+1)
			}
			if e.Kind == wire.EntryCommand {
				commands = append(commands, string(e.Data))
			}
		}
		if !slices.Equal(commands, applied) {
			c.t.Fatalf("member %d holds %d commands, and %d were applied", id, len(commands), len(applied))
		}
		if reference == nil {
			reference = entries
		}
		if !slices.EqualFunc(reference, entries, func(a, b raft.Entry) bool {
			return a.ID() == b.ID() && a.Kind == b.Kind && bytes.Equal(a.Data, b.Data)
		}) {
			c.t.Fatalf("member %d holds other entries", id)
		}
	}
}

// stored reads everything that a member's log store has.
func (c *cluster) stored(m *member) []raft.Entry {
	c.t.Helper()
	state, err := m.log.Load(1)
	if err != nil {
		c.t.Fatal(err)
	}
	entries, err := m.log.Entries(1, 1, state.Last, 1<<30)
	if err != nil {
		c.t.Fatal(err)
	}
	return entries
}

// numbered returns "prefix 0" to "prefix n-1".
func numbered(prefix string, n int) (commands []string) {
	for i := range n {
		commands = append(commands, fmt.Sprint(prefix, " ", i))
	}
	return commands
}

// checkApplied compares commands, and shows where they begin to differ.
func checkApplied(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%d commands applied, want %d; from place %d on: %s, want %s", len(got), len(want), i+1,
				strings.Join(got[i:min(i+5, len(got))], ", "), strings.Join(want[i:min(i+5, len(want))], ", "))
			return
		}
	}
}
