// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"slices"
	"sort"

	"github.com/balsa-raft/raft/wire"
)

// run is where the entries of one record are.
type run struct {
	first   wire.Index
	segment uint32
	offset  uint32
	bytes   uint32
	count   uint16
	isCut   bool // The record has more entries than count: those behind were replaced.
}

func (r *run) last() wire.Index { return r.first + wire.Index(r.count) - 1 }

// groupLog is what is known about one group. See index for who may use it.
type groupLog struct {
	id    wire.GroupID
	known bool // Something of it was saved.

	hardState wire.HardState
	compacted wire.LogID
	last      wire.LogID
	// Invariant: runs and terms cover compacted.Index+1 to last.Index without a gap.
	// While a log is recovered, they may begin later.
	runs        []run
	terms       []wire.TermStart
	memberships []wire.Entry

	// What the log will be after those updates of the Save numbered staged that
	// were checked so far. Only the goroutine that saves uses it.
	staged          uint64
	stagedFrom      int // the number of the Save's first update for this group
	stagedCompacted wire.LogID
	stagedLast      wire.LogID
}

// stage begins the staging of a Save with its update numbered i, unless it has begun.
func (g *groupLog) stage(save uint64, i int) {
	if g.staged != save {
		g.staged, g.stagedFrom, g.stagedCompacted, g.stagedLast = save, i, g.compacted, g.last
	}
}

// term returns the term of an entry, zero if it isn't held.
func (g *groupLog) term(index wire.Index) wire.Term {
	if index == g.compacted.Index {
		return g.compacted.Term
	}
	if index > g.last.Index {
		return 0
	}
	n := sort.Search(len(g.terms), func(i int) bool { return g.terms[i].First > index })
	if n == 0 {
		return 0
	}
	return g.terms[n-1].Term
}

// firstRun returns the number of the run that has the entry, which is held.
func (g *groupLog) firstRun(index wire.Index) int {
	return sort.Search(len(g.runs), func(i int) bool { return g.runs[i].last() >= index })
}

// isWhole reports whether every entry behind the compaction point is in a run.
func (g *groupLog) isWhole() bool {
	if len(g.runs) == 0 {
		return g.last == g.compacted
	}
	return g.runs[0].first <= g.compacted.Index+1
}

func (g *groupLog) state() wire.LogState {
	return wire.LogState{
		HardState:   g.hardState,
		Compacted:   g.compacted,
		Last:        g.last.Index,
		Terms:       slices.Clone(g.terms),
		Memberships: slices.Clone(g.memberships),
	}
}
