// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"maps"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// reached searches a scope, and returns what the members were in, what was remembered,
// and the report. Members are known by their least hash, for renaming makes no difference.
func reached(t *testing.T, m *model, workers int) (members, histories map[hash]bool, report Report) {
	t.Helper()
	report = newExplorer(m, "test", Options{Workers: workers}).run()
	if report.Violation != nil {
		t.Fatal(report.Violation.Invariant, report.Violation.Detail, "\n"+report.Violation.Transcript)
	}
	if !report.Closed {
		t.Fatal("the scope was not closed")
	}
	members, histories = map[hash]bool{}, map[hash]bool{}
	for number := range uint32(m.locals.count()) {
		l := m.locals.at(number)
		members[slices.MinFunc(l.hashes, compareHashes)] = true
		members[slices.MinFunc(m.locals.at(m.internLocal(aged(l))).hashes, compareHashes)] = true
	}
	for number := range uint32(m.histories.count()) {
		histories[slices.MinFunc(m.histories.at(number).hashes, compareHashes)] = true
	}
	return members, histories, report
}

// aged returns the member when it has not heard from anybody for long. That alone makes
// a difference only to who asks for votes, and who asks in vain is not waited for in
// reduced searches.
func aged(l *local) *local {
	clone := l.clone()
	clone.clock += long
	clone.core.Handle(clone.clock, nil)
	clone.settle()
	return clone
}

// tiny are scopes that are searched in no time, also without the reductions.
var tiny = map[string]Bounds{
	"election":          {Nodes: 3, TermMax: 2, Timeouts: 1, EntriesPerMessage: 1, InstantDisk: true},
	"election, slow":    {Nodes: 3, TermMax: 2, Timeouts: 1, EntriesPerMessage: 1},
	"election of two":   {Nodes: 2, TermMax: 3, Timeouts: 2, EntriesPerMessage: 1, InstantDisk: true},
	"command of two":    {Nodes: 2, TermMax: 2, Timeouts: 1, Proposals: 1, EntriesPerMessage: 1},
	"crash of two":      {Nodes: 2, TermMax: 3, Timeouts: 2, Crashes: 1, EntriesPerMessage: 2, InstantDisk: true},
	"crash":             {Nodes: 3, TermMax: 2, Timeouts: 1, Crashes: 1, EntriesPerMessage: 2, InstantDisk: true},
	"heartbeat of two":  {Nodes: 2, TermMax: 3, Timeouts: 1, Heartbeats: 2, EntriesPerMessage: 2, InstantDisk: true},
	"step-down of two":  {Nodes: 2, TermMax: 3, Timeouts: 2, StepDowns: 1, EntriesPerMessage: 2, InstantDisk: true},
	"a lost link":       {Nodes: 2, TermMax: 2, Timeouts: 1, Proposals: 1, Unreachables: 1, EntriesPerMessage: 1, InstantDisk: true},
	"contradiction":     {Nodes: 3, Logs: contradicting, TermMax: 4, Timeouts: 1, EntriesPerMessage: 2, InstantDisk: true},
	"duplicates of two": {Nodes: 2, TermMax: 3, Timeouts: 2, Duplicates: 1, Drops: 1, EntriesPerMessage: 2, InstantDisk: true},
	"snapshot": {
		Nodes: 3, Logs: overtaken, Committed: 2, Snapshots: []wire.Index{2, 2, 0}, Bases: []wire.Index{2, 2, 0},
		TermMax: 4, Timeouts: 1, EntriesPerMessage: 2, InstantDisk: true,
	},
	"snapshot, slow": {
		Nodes: 3, Logs: overtaken, Committed: 2, Snapshots: []wire.Index{2, 2, 0}, Bases: []wire.Index{2, 2, 0},
		TermMax: 4, Timeouts: 1, EntriesPerMessage: 2,
	},
	"snapshot of an earlier leader": {
		Nodes: 3, Logs: overtaken, Committed: 2, Snapshots: []wire.Index{2, 2, 0}, Bases: []wire.Index{2, 2, 0}, Offered: true,
		TermMax: 4, Timeouts: 1, EntriesPerMessage: 1, InstantDisk: true,
	},
	"snapshot, taken": {
		Nodes: 3, Logs: [][]wire.Term{{1, 2}, {1, 2}, {1}}, Committed: 2,
		TermMax: 3, Timeouts: 1, Takes: 1, Compactions: 1, EntriesPerMessage: 2, InstantDisk: true, LateOffers: true,
	},
	"snapshot, crash": {
		Nodes: 3, Logs: overtaken, Committed: 2, Snapshots: []wire.Index{2, 2, 0}, Bases: []wire.Index{2, 2, 0},
		TermMax: 4, Timeouts: 1, Crashes: 1, EntriesPerMessage: 2, InstantDisk: true,
	},
	"state lost of two": {
		Nodes: 2, Logs: [][]wire.Term{{1, 2}, {1, 2}}, Committed: 2, Snapshots: []wire.Index{2, 2}, Bases: []wire.Index{2, 2},
		TermMax: 3, Timeouts: 1, StateLosses: 1, Wants: 1, EntriesPerMessage: 2,
	},
}

// TestReductionsLoseNothing compares with a search that takes every step, keeps every
// message and, where that takes no time, knows of no symmetry: members get into the same
// states, and the same is committed and elected.
func TestReductionsLoseNothing(t *testing.T) {
	for name, bounds := range tiny {
		t.Run(name, func(t *testing.T) {
			if isRace && bounds.Nodes > 2 {
				t.Skip("searched by one goroutine")
			}
			t.Parallel()
			plain := newModel(bounds)
			plain.isPlain, plain.isNamed = true, bounds.Nodes == 2 || name == "election"
			members, histories, all := reached(t, plain, 1)
			reducedMembers, reducedHistories, reduced := reached(t, newModel(bounds), 1)
			if !maps.Equal(members, reducedMembers) || !maps.Equal(histories, reducedHistories) {
				t.Errorf("%d member states and %d histories, reduced %d and %d", len(members), len(histories), len(reducedMembers), len(reducedHistories))
			}
			if reduced.Distinct >= all.Distinct {
				t.Errorf("%d states, reduced %d", all.Distinct, reduced.Distinct)
			}
			t.Logf("%d states, %d steps; reduced %d, %d", all.Distinct, all.Generated, reduced.Distinct, reduced.Generated)
		})
	}
}

// TestCountsAreTheSame for every number of workers, and every time.
func TestCountsAreTheSame(t *testing.T) {
	scope := Bounds{Nodes: 3, TermMax: 2, Timeouts: 1, Proposals: 1, Crashes: 1, EntriesPerMessage: 2, InstantDisk: true}
	_, _, first := reached(t, newModel(scope), 1)
	for _, workers := range []int{2, 3} {
		_, _, again := reached(t, newModel(scope), workers)
		first.Seconds, again.Seconds = 0, 0
		if again.Distinct != first.Distinct || again.Generated != first.Generated || again.Depth != first.Depth {
			t.Errorf("one worker: %+v\n%d workers: %+v", first, workers, again)
		}
	}
	if first.Distinct < 1000 {
		t.Errorf("only %d states", first.Distinct)
	}
}
