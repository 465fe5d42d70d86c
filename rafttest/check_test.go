// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// failing runs checks of a cluster whose failures don't count, and returns them.
func (c *Cluster) failing(t *testing.T, check func()) []string {
	t.Helper()
	defer func(t testing.TB) { c.t = t }(c.t)
	return observe(t, func(t testing.TB) {
		c.t = t
		check()
	})
}

func TestCheckStoresFindsPlantedFaults(t *testing.T) {
	extra := func(index raft.Index, term raft.Term, command string) wire.Update {
		return wire.Update{Group: groupID, Entries: []wire.Entry{{Index: index, Term: term, Kind: wire.EntryCommand, Data: []byte(command)}}}
	}
	tests := []struct {
		name, says string
		damage     func(log *mem.Log, state wire.LogState) error
	}{
		{"one more", "holds 11 commands, want 10", func(log *mem.Log, state wire.LogState) error {
			return log.Save([]wire.Update{extra(state.Last+1, state.HardState.Term, "x")})
		}},
		{"another one", `has "x", want "write-10"`, func(log *mem.Log, state wire.LogState) error {
			return log.Save([]wire.Update{extra(state.Last, state.HardState.Term, "x")})
		}},
		{"one less", "holds 9 commands", func(log *mem.Log, state wire.LogState) error {
			entries, err := log.Entries(groupID, state.Last-1, state.Last-1, 1<<20)
			return errors.Join(err, log.Save([]wire.Update{{Group: groupID, Entries: entries}}))
		}},
		{"another blank", "at index", func(log *mem.Log, state wire.LogState) error {
			blank := wire.Entry{Index: state.Last + 1, Term: state.HardState.Term, Kind: wire.EntryBlank}
			return log.Save([]wire.Update{{Group: groupID, Entries: []wire.Entry{blank}}})
		}},
		{"a term of the future", "it holds", func(log *mem.Log, state wire.LogState) error {
			return log.Save([]wire.Update{extra(state.Last, state.HardState.Term+1, "write-10")})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			Run(t, Options{}, func(t *testing.T, c *Cluster) {
				want := Numbered("write", 10)
				c.MustProposeAll(2, want)
				c.AwaitEqual()
				c.CheckStores(want)
				state, err := c.Log(3).Load(groupID)
				if err = errors.Join(err, test.damage(c.Log(3), state)); err != nil {
					t.Fatal(err)
				}
				expectFailure(t, c.failing(t, func() { c.CheckStores(want) }), test.says)
			})
		})
	}
}

// stray is a state machine that is not the same on all members.
type stray struct{ id raft.NodeID }

func (s stray) Apply(batch []raft.Entry) [][]byte {
	values := make([][]byte, len(batch))
	for i := range values {
		values[i] = fmt.Append(nil, s.id)
	}
	return values
}

func TestChecksFindPlantedFaults(t *testing.T) {
	Run(t, Options{StateMachine: func(id raft.NodeID) raft.StateMachine { return stray{id} }}, func(t *testing.T, c *Cluster) {
		leader, follower := c.Leader(), c.Follower()
		expectFailure(t, c.failing(t, func() { c.LeaderWithin(0); c.AwaitWithin(time.Second, "the impossible", func() bool { return false }) }), "not within 1s: the impossible")
		expectFailure(t, c.failing(t, func() {
			time.AfterFunc(time.Millisecond, func() { _, _ = c.Propose(follower, "x", time.Second) })
			c.CheckNoProgress(leader, time.Second)
		}), "made progress")
		expectFailure(t, c.failing(t, func() { c.AwaitEqual() }), "are not equal")
		c.Log(1).Stall()
		c.Log(2).Stall()
		go func() { _, _ = c.Propose(3, "stuck", 3*time.Second) }()
		synctest.Wait()
		failures := c.failing(t, c.CheckAtRest)
		expectFailure(t, failures, "member 3, which ought to be at rest")
		c.Log(1).Resume()
		c.Log(2).Resume()
		c.begin(1)
		expectFailure(t, c.failing(t, c.CheckAtRest), "1 proposals have not ended")
		c.note(Outcome{})
	})
}

// lyingDisk claims to have saved what it has not, when told to.
type lyingDisk struct {
	*mem.Log
	lies *atomic.Bool
}

func (d lyingDisk) Save(updates []wire.Update) error {
	if d.lies.Load() {
		return nil
	}
	return d.Log.Save(updates)
}

// TestALostWriteIsSeen has all disks lie, and then the power fail.
func TestALostWriteIsSeen(t *testing.T) {
	var lies atomic.Bool
	options := Options{LogStore: func(_ raft.NodeID, log *mem.Log) raft.LogStore { return lyingDisk{log, &lies} }}
	Run(t, options, func(t *testing.T, c *Cluster) {
		c.MustPropose(1, "kept")
		lies.Store(true)
		c.MustPropose(2, "lost")
		c.CrashAll()
		lies.Store(false)
		for _, id := range c.IDs() {
			c.Start(id)
		}
		c.AwaitEqual()
		expectFailure(t, c.failing(t, c.CheckOutcomes), `"lost" was acknowledged on member 2, and was not applied`)
	})
}

// TestFullBatchesAreFull is what CheckAtRest rests on: it would not see that something is
// left if there were room for more than what it takes.
func TestFullBatchesAreFull(t *testing.T) {
	for _, size := range []int{pendingBytesMax, pendingBytesMax + 1, pendingBytesMax + wire.EntryOverhead + 1, 7 * commandBytesMax / 2} {
		cfg := Options{Configure: func(_ raft.NodeID, cfg *raft.GroupConfig) { cfg.PendingBytesMax = size }}.groupConfig(1, nil)
		sum := 0
		for _, command := range fullBatch(cfg) {
			if len(command) > cfg.CommandBytesMax {
				t.Errorf("of %d bytes, a command has %d", size, len(command))
			}
			sum += len(command) + wire.EntryOverhead
		}
		if sum != size {
			t.Errorf("a batch that is to take %d bytes takes %d", size, sum)
		}
	}
}

func TestVerifyOutcomes(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	told := func(command string, index raft.Index, began, ended int) Outcome {
		return Outcome{Command: command, Client: "c", Began: at(began), Ended: at(ended),
			Result: raft.Result{LogID: raft.LogID{Term: 1, Index: index}, Value: []byte(command)}}
	}
	failed := func(command string, err error) Outcome { return Outcome{Command: command, Err: err} }
	applied := func(commands ...string) (all []Applied) {
		for i, command := range commands {
			all = append(all, Applied{LogID: raft.LogID{Term: 1, Index: raft.Index(i + 1)}, Command: command, Value: []byte(command)})
		}
		return all
	}
	unknown := &raft.UnknownOutcomeError{Cause: errors.New("some")}
	other := told("a", 1, 1, 2)
	other.Result.Value = []byte("b")
	concurrent := told("b", 1, 1, 3)
	concurrent.Client = "d"
	tests := []struct {
		name     string
		outcomes []Outcome
		applied  []Applied
		says     string // "" if nothing is wrong
	}{
		{"true", []Outcome{told("a", 1, 1, 2), told("b", 2, 3, 4), failed("x", unknown), failed("y", raft.ErrNoLeader)}, applied("a", "b"), ""},
		{"an unknown one is there", []Outcome{failed("x", unknown)}, applied("x"), ""},
		{"at the same time", []Outcome{told("a", 2, 2, 4), concurrent}, applied("b", "a"), ""},
		{"lost", []Outcome{told("a", 1, 1, 2)}, nil, "was not applied"},
		{"twice", []Outcome{failed("x", unknown)}, applied("x", "x"), "applied 2 times"},
		{"another place", []Outcome{told("a", 2, 1, 2)}, applied("a"), "its caller was told"},
		{"another value", []Outcome{other}, applied("a"), "its caller was told"},
		{"refused", []Outcome{failed("x", raft.ErrTooBusy)}, applied("x"), "its caller was told"},
		{"stopped", []Outcome{failed("x", raft.ErrStopped)}, applied("x"), "its caller was told"},
		{"no family", []Outcome{failed("x", errors.New("what"))}, nil, "no family"},
		{"two families", []Outcome{failed("x", errors.Join(raft.ErrNotApplied, unknown))}, nil, "or of several"},
		{"invented", nil, applied("x"), "nobody proposed it"},
		{"stale", []Outcome{told("a", 2, 1, 2), told("b", 1, 3, 4)}, applied("b", "a"), "stands behind"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problems := strings.Join(verifyOutcomes(test.outcomes, test.applied), "\n")
			if (test.says == "") != (problems == "") || !strings.Contains(problems, test.says) {
				t.Errorf("problems %q, want %q", problems, test.says)
			}
		})
	}
}

func TestRecorderFindsPlantedFaults(t *testing.T) {
	entry := func(term raft.Term, index raft.Index, kind wire.EntryKind) raft.Entry {
		return raft.Entry{Term: term, Index: index, Kind: kind}
	}
	for name, batches := range map[string][][]raft.Entry{
		"an empty batch":     {{}},
		"the same again":     {{entry(1, 1, wire.EntryCommand)}, {entry(1, 1, wire.EntryCommand)}},
		"an earlier term":    {{entry(2, 1, wire.EntryCommand), entry(1, 2, wire.EntryCommand)}},
		"not a command":      {{entry(1, 1, wire.EntryBlank)}},
		"backwards by batch": {{entry(1, 2, wire.EntryCommand), entry(1, 1, wire.EntryCommand)}},
	} {
		r := NewRecorder(nil)
		for _, batch := range batches {
			r.Apply(batch)
		}
		if len(r.Problems()) != 1 {
			t.Errorf("%s: problems %v", name, r.Problems())
		}
	}
	r := NewRecorder(nil)
	r.Apply([]raft.Entry{entry(1, 1, wire.EntryCommand), entry(1, 5, wire.EntryCommand)})
	if len(r.Problems()) != 0 || r.Batches() != 1 || string(r.Applied()[1].Value) != "2" {
		t.Errorf("problems %v, applied %v", r.Problems(), r.Applied())
	}
}

func TestJournalKeepsTheLastLines(t *testing.T) {
	j := new(journal)
	for n := range 2 * journalLinesMax {
		j.logger().Info("line", "n", n)
	}
	text, lost := j.contents()
	if lost != journalLinesMax || strings.Count(text, "\n") != journalLinesMax || !strings.Contains(text, fmt.Sprint("n=", 2*journalLinesMax-1)) {
		t.Errorf("%d lines are lost, kept are\n%s", lost, text)
	}
}
