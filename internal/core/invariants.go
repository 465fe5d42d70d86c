// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// snapshotOfState is what checkStep compares with.
type snapshotOfState struct {
	hard    wire.HardState
	commit  wire.Index
	applied wire.Index
	synced  Seq
	last    wire.Index
	leads   bool
}

func (c *Core) capture() snapshotOfState {
	return snapshotOfState{
		hard: c.hard, commit: c.commit, applied: c.applied, synced: c.lane.synced, last: c.log.Last(), leads: c.leader != nil,
	}
}

// check verifies the invariants after an event. They are cheap and always on.
func (c *Core) check() {
	c.checkState()
	next := c.capture()
	checkStep(&c.previous, &next)
	c.previous = next
}

// checkState verifies what must hold at any time.
func (c *Core) checkState() {
	last := c.log.Last()
	invariant.Check(c.applied <= c.commit, "core: applied is committed")
	invariant.Check(c.commit <= last, "core: what is committed is in the log")
	invariant.Check(c.lane.durable <= last, "core: what is durable is in the log")
	invariant.Check(c.log.Compacted().Index <= c.commit, "core: what is compacted is committed")
	invariant.Check(c.log.LastID().Term <= c.hard.Term || last == 0, "core: no entry is of a later term")
	invariant.Check(c.snapshot.Index <= c.commit, "core: what is in a snapshot is committed")
	invariant.Check(c.follower.accepted <= last, "core: what was accepted is in the log")
	invariant.Check(len(c.lane.pending) == int(c.lane.issued-c.lane.synced), "core: every write under way is remembered")
	invariant.Check((c.role == Leader) == (c.leader != nil), "core: a leader's state is a leader's")
	invariant.Check((c.role == PreCandidate || c.role == Candidate) == (c.election != nil), "core: an election's state is a candidate's")
	invariant.Check(!c.lane.hardDirty, "core: a changed hard state is on its way to the log")
	if c.role == Leader || c.role == Candidate {
		invariant.Check(c.hard.Vote == c.cfg.ID, "core: who runs votes for itself")
	}
}

// checkStep verifies what no step may do.
func checkStep(before, after *snapshotOfState) {
	invariant.Check(after.hard.Term >= before.hard.Term, "core: the term never falls")
	invariant.Check(after.hard.Term > before.hard.Term || before.hard.Vote == 0 || after.hard.Vote == before.hard.Vote,
		"core: the vote of a term stays")
	invariant.Check(after.commit >= before.commit, "core: commit never falls")
	invariant.Check(after.applied >= before.applied, "core: applied never falls")
	invariant.Check(after.synced >= before.synced, "core: writes end in order")
	invariant.Check(!before.leads || !after.leads || after.last >= before.last, "core: a leader only appends")
}
