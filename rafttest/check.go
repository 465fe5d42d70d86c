// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// AwaitEqual waits until there is a leader and all members that run hold durably, and have applied,
// the same, with nothing under way. It returns the commands applied, in order.
func (c *Cluster) AwaitEqual() []string {
	c.t.Helper()
	var commands []string
	unequal := ""
	for range 2 { // Once more if something came in between two looks.
		c.awaitEqualIndexes()
		if commands, unequal = c.equalCommands(); unequal == "" {
			break
		}
	}
	if unequal != "" {
		c.t.Fatalf("members that hold equally much are not equal: %s", unequal)
	}
	for _, m := range c.members {
		if r := c.Recorder(m.id); r != nil && len(r.Problems()) > 0 {
			c.t.Errorf("member %d: %s", m.id, strings.Join(r.Problems(), "; "))
		}
	}
	return commands
}

func (c *Cluster) awaitEqualIndexes() {
	c.t.Helper()
	c.Await("equal members", func() bool {
		leader := c.FollowedLeader()
		if leader == 0 {
			return false
		}
		want := c.Group(leader).Status()
		for _, m := range c.members {
			group := c.Group(m.id)
			if group == nil {
				continue
			}
			s := group.Status()
			if s.Term != want.Term || s.Leader != leader || s.LastIndex != want.LastIndex ||
				s.DurableIndex != s.LastIndex || s.CommitIndex != s.LastIndex || s.AppliedIndex != s.LastIndex {
				return false
			}
		}
		return true
	})
}

// equalCommands returns the commands that all members have applied, or how two differ.
func (c *Cluster) equalCommands() (commands []string, unequal string) {
	var reference []Applied
	var first raft.NodeID
	for _, m := range c.members {
		recorder := c.Recorder(m.id)
		if recorder == nil {
			continue
		}
		applied := recorder.Applied()
		if first == 0 {
			first, reference, commands = m.id, applied, recorder.Commands()
		}
		equal := func(a, b Applied) bool {
			return a.LogID == b.LogID && a.Command == b.Command && bytes.Equal(a.Value, b.Value)
		}
		if i := firstDifference(reference, applied, equal); i >= 0 {
			return nil, fmt.Sprintf("member %d has applied %s at place %d, member %d %s",
				first, at(reference, i), i+1, m.id, at(applied, i))
		}
	}
	return commands, ""
}

// firstDifference returns the first place at which two slices differ, -1 if none.
func firstDifference[T any](a, b []T, equal func(a, b T) bool) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || !equal(a[i], b[i]) {
			return i
		}
	}
	return -1
}

// at shows the element at a place, shortened.
func at[T any](s []T, i int) string {
	if i >= len(s) {
		return "nothing"
	}
	return fmt.Sprintf("%.200q", fmt.Sprint(s[i]))
}

// CheckStores checks what every running member's log store holds: the same entries in
// all, one at each index from 1 on, of terms that never go back and that the hard state
// has seen; and of these, those that are commands must be the ones given, in order, no more and no
// less. Call it when nothing is under way, such as after AwaitEqual.
func (c *Cluster) CheckStores(commands []string) {
	c.t.Helper()
	var reference []raft.Entry
	var first raft.NodeID
	for _, id := range c.IDs() {
		if !c.Running(id) {
			continue
		}
		entries, err := c.stored(id)
		if err != nil {
			c.t.Fatalf("the log store of member %d: %v", id, err)
		}
		stored := commandsOf(entries)
		if i := firstDifference(stored, commands, func(a, b string) bool { return a == b }); i >= 0 {
			c.t.Fatalf("the log store of member %d holds %d commands, want %d; at place %d it has %s, want %s",
				id, len(stored), len(commands), i+1, at(stored, i), at(commands, i))
		}
		if first == 0 {
			first, reference = id, entries
		}
		if i := firstDifference(reference, entries, equalEntries); i >= 0 {
			c.t.Fatalf("member %d holds %s at index %d, member %d %s", first, at(reference, i), i+1, id, at(entries, i))
		}
	}
}

// stored reads everything that a member's disk holds.
func (c *Cluster) stored(id raft.NodeID) ([]raft.Entry, error) {
	log := c.Log(id)
	state, err := log.Load(groupID)
	if err != nil || state.Last == 0 {
		return nil, err
	}
	entries, err := log.Entries(groupID, 1, state.Last, 1<<30)
	if err != nil {
		return nil, err
	}
	term := raft.Term(0)
	for i, e := range entries {
		if e.Index != raft.Index(i+1) || e.Term < term || e.Term > state.HardState.Term {
			return nil, fmt.Errorf("it holds %v at place %d, after an entry of term %d, in term %d", e.ID(), i+1, term, state.HardState.Term)
		}
		term = e.Term
	}
	return entries, nil
}

func commandsOf(entries []raft.Entry) []string {
	var commands []string
	for _, e := range entries {
		if e.Kind == wire.EntryCommand {
			commands = append(commands, string(e.Data))
		}
	}
	return commands
}

func equalEntries(a, b raft.Entry) bool {
	return a.ID() == b.ID() && a.Kind == b.Kind && bytes.Equal(a.Data, b.Data)
}

// CheckOutcomes compares what everybody was told with what was applied: what was
// acknowledged is there once, at the place and with the value that was told; what was said
// not to be applied is not; what is unknown is there at most once; and whatever was
// acknowledged before another command was proposed stands before it. Nothing is there
// that nobody proposed. All commands must have been different, and proposed through
// the cluster. Call it after AwaitEqual.
func (c *Cluster) CheckOutcomes() {
	c.t.Helper()
	var applied []Applied
	for _, id := range c.IDs() {
		if r := c.Recorder(id); r != nil {
			applied = r.Applied()
			break
		}
	}
	for _, problem := range verifyOutcomes(c.Outcomes(), applied) {
		c.t.Errorf("%s", problem)
	}
}

// CheckAtRest checks that nothing is left of any request, by proposing on every running
// member as much at once as GroupConfig.PendingBytesMax allows: there is no room for
// that if a single byte was not given back. It adds commands to the log, which are not
// among Outcomes, so it comes last. Nothing else may be under way.
func (c *Cluster) CheckAtRest() {
	c.t.Helper()
	for _, id := range c.IDs() {
		group := c.Group(id)
		if group == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), 10*c.options.ElectionTimeout)
		_, err := group.ProposeBatch(ctx, fullBatch(c.options.groupConfig(id, nil)))
		cancel()
		if err != nil {
			c.t.Errorf("member %d, which ought to be at rest, has no room for all it may take: %v", id, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls != 0 {
		c.t.Errorf("%d proposals have not ended", c.calls)
	}
}

// fullBatch returns commands that together take PendingBytesMax.
func fullBatch(cfg raft.GroupConfig) [][]byte {
	var batch [][]byte
	for left := cfg.PendingBytesMax; left > 0; {
		take := min(left, cfg.CommandBytesMax)
		if rest := left - take; rest > 0 && rest < wire.EntryOverhead {
			take -= wire.EntryOverhead // So that the last one is large enough to be one.
		}
		batch = append(batch, make([]byte, max(take-wire.EntryOverhead, 0)))
		left -= take
	}
	return batch
}

// CheckNoProgress checks for a time that a member commits and applies nothing.
func (c *Cluster) CheckNoProgress(id raft.NodeID, during time.Duration) {
	c.t.Helper()
	group, recorder := c.Group(id), c.Recorder(id)
	before, applied := group.Status(), len(recorder.Commands())
	time.Sleep(during)
	after := group.Status()
	if n := len(recorder.Commands()); after.CommitIndex != before.CommitIndex || after.AppliedIndex != before.AppliedIndex || n != applied {
		c.t.Errorf("member %d made progress: commit %d to %d, applied %d to %d, commands %d to %d", id,
			before.CommitIndex, after.CommitIndex, before.AppliedIndex, after.AppliedIndex, applied, n)
	}
}
