// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// transition is a step of the world under examination.
type transition struct {
	m *model
	// after is the state that the step leads to.
	after *state
	// old is the acting member before, is the same after.
	old, is *local
	outcome *outcome
	history *history // after.history, or a new one
	changed bool     // the history is a new one
}

func (t *transition) local(place int) *local { return t.m.locals.at(t.after.nodes[place]) }

// remember returns the history to be changed.
func (t *transition) remember() *history {
	if !t.changed {
		t.history, t.changed = t.history.clone(), true
	}
	return t.history
}

// check verifies the invariants that look at several members, where the step may
// violate them, and brings the history up to date.
func (t *transition) check() *finding {
	o := t.outcome
	if o.broken != nil {
		return o.broken
	}
	for _, rule := range []struct {
		applies   bool
		invariant Invariant
		violation func() string
	}{
		{o.leads, ElectionSafety, t.electionSafety},
		{o.changedLog, LogMatching, t.logMatching},
		{o.applied, CommitRule, t.commitRule},
		{o.applied, StateMachineSafety, t.stateMachineSafety},
		{o.leads || o.applied, LeaderCompleteness, t.leaderCompleteness},
		{o.changedLog || o.applied, OneChange, t.oneChange},
		{o.changedSnapshots, SnapshotTrue, t.snapshotTrue},
		{o.changedDisk || o.applied, CommittedDurable, t.committedDurable},
		{o.acknowledges, AckedIsLeaders, t.ackedIsLeaders},
		{o.offers, SnapshotTrue, t.offerTrue},
	} {
		if !rule.applies {
			continue
		}
		if detail := rule.violation(); detail != "" && t.m.watches(rule.invariant) {
			return &finding{rule.invariant, detail}
		}
	}
	if t.changed {
		t.after.history = t.m.internHistory(t.history)
	}
	return nil
}

// logsDiffer returns the last place at which two logs have entries of one term, if
// they are not the same up to there.
func logsDiffer(a, b []slot) (wire.Index, bool) {
	for i := min(len(a), len(b)); i > 0; i-- {
		if a[i-1].term == b[i-1].term {
			return wire.Index(i), !slices.Equal(a[:i], b[:i])
		}
	}
	return 0, false
}
