// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"cmp"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// index knows which groups there are and where their entries are. The goroutine that
// saves changes it, holding Log.mu, and reads it without; others read it holding Log.mu.
type index struct {
	groups map[wire.GroupID]*groupLog
	// segments are those in use, in ascending order without a gap. The last is the
	// one that is written to.
	segments []*segment
}

func newIndex() index { return index{groups: make(map[wire.GroupID]*groupLog)} }

func (x *index) segment(number uint32) *segment {
	return x.segments[number-x.segments[0].number]
}

func (x *index) active() *segment { return x.segments[len(x.segments)-1] }

// group returns the group's log and makes it if there is none.
func (x *index) group(id wire.GroupID) *groupLog {
	g := x.groups[id]
	if g == nil {
		g = &groupLog{id: id}
		x.groups[id] = g
	}
	return g
}

// known returns the groups that something was saved of, by ascending ID.
func (x *index) known() []*groupLog {
	known := make([]*groupLog, 0, len(x.groups))
	for _, g := range x.groups {
		if g.known {
			known = append(known, g)
		}
	}
	slices.SortFunc(known, func(a, b *groupLog) int { return cmp.Compare(a.id, b.id) })
	return known
}

// reset makes the group's log empty and begin behind the point.
func (x *index) reset(g *groupLog, point wire.LogID) {
	x.dropRuns(g.runs)
	g.runs, g.terms, g.memberships = nil, nil, nil
	g.compacted, g.last = point, point
}

// append puts a run of entries in place of all that stand at or after its first. The
// data of memberships is copied.
func (x *index) append(g *groupLog, r run, entries []wire.Entry) {
	if r.first <= g.last.Index {
		x.truncate(g, r.first)
	}
	g.runs = append(g.runs, r)
	x.segment(r.segment).runs++
	term := wire.Term(0) // The term of the last of g.terms: no entry has zero.
	if n := len(g.terms); n > 0 {
		term = g.terms[n-1].Term
	}
	for i := range entries {
		if entries[i].Term != term {
			term = entries[i].Term
			g.terms = append(g.terms, wire.TermStart{Term: term, First: entries[i].Index})
		}
		if entries[i].Kind == wire.EntryMembership {
			membership := entries[i]
			membership.Data = slices.Clone(membership.Data)
			g.memberships = append(g.memberships, membership)
		}
	}
	g.last = entries[len(entries)-1].ID()
}

// truncate forgets the entries from an index on.
func (x *index) truncate(g *groupLog, from wire.Index) {
	n := len(g.runs)
	for n > 0 && g.runs[n-1].first >= from {
		n--
	}
	if from == g.compacted.Index+1 {
		n = 0 // What is left of a run that was compacted in part is nothing.
	}
	x.dropRuns(g.runs[n:])
	g.runs = g.runs[:n]
	if n > 0 {
		if r := &g.runs[n-1]; r.last() >= from {
			r.count, r.isCut = uint16(from-r.first), true
		}
	}
	for n = len(g.terms); n > 0 && g.terms[n-1].First >= from; n-- {
		g.terms = g.terms[:n-1]
	}
	for n = len(g.memberships); n > 0 && g.memberships[n-1].Index >= from; n-- {
		g.memberships[n-1] = wire.Entry{} // Lets go of its data.
		g.memberships = g.memberships[:n-1]
	}
}

// compact forgets the entries up to and including a point.
func (x *index) compact(g *groupLog, point wire.LogID) {
	n := 0
	for n < len(g.runs) && g.runs[n].last() <= point.Index {
		n++
	}
	x.dropRuns(g.runs[:n])
	g.runs = g.runs[n:]
	for len(g.terms) > 1 && g.terms[1].First <= point.Index+1 {
		g.terms = g.terms[1:]
	}
	if g.last.Index <= point.Index {
		g.terms = nil
	} else if len(g.terms) > 0 {
		g.terms[0].First = max(g.terms[0].First, point.Index+1)
	}
	g.memberships = slices.DeleteFunc(g.memberships, func(e wire.Entry) bool { return e.Index <= point.Index })
	g.compacted = point
}

func (x *index) dropRuns(runs []run) {
	for i := range runs {
		x.segment(runs[i].segment).runs--
	}
}

// retire takes the oldest segments out of the index that hold no entry, up to the
// first that does, and returns them. What else was in them is repeated in the
// checkpoint of the segment that is the oldest now.
func (x *index) retire() []*segment {
	n := 0
	for n < len(x.segments)-1 && x.segments[n].runs == 0 {
		x.segments[n].retired = true
		n++
	}
	retired := x.segments[:n:n]
	x.segments = x.segments[n:]
	return retired
}
