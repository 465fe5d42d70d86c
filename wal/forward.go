// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"cmp"
	"math"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

const (
	// forwardBehind is how many segments a group's oldest entry has to be behind for what
	// the group has to be moved forward: one that compacts now and then never is.
	forwardBehind = 3
	// forwardShare is the share of a segment, one in so many, that may be written for it
	// in each segment. It bounds the price, and how long a Save is held up.
	forwardShare = 8

	// largeBehind, largeShare and largeEvery are the same for groups that hold more than that: they
	// are moved once they keep very much, at most once in so many segments, because to read and
	// write half a segment at once holds up a Save for as long as the disk takes.
	largeBehind = 32
	largeShare  = 2
	largeEvery  = 8

	// complaintBehind is how many segments a group has to keep, because it holds too much to be
	// moved at all, before that is said. It is said again whenever there are twice as many.
	complaintBehind = 2 * largeBehind
)

// moveForward keeps groups of which little is held, and nothing is saved any more, from
// keeping every segment since: it writes what they have once more, as if it was saved
// again in place of itself, which lets go of the old segments. It does so once in
// a segment, behind a Save. What a group holds is written in one update, for there is none that
// replaces the beginning of a log and leaves the rest: so it must fit in a part of a segment.
func (l *Log) moveForward() error {
	active := l.index.active().number
	if l.moved == active || active-l.index.segments[0].number < forwardBehind {
		return nil
	}
	l.moved = active
	updates, size := l.idle(active-forwardBehind, min(l.options.SegmentBytes/forwardShare, l.room()-batchHeaderBytes))
	kept := active - l.index.segments[0].number
	if len(updates) == 0 && kept >= largeBehind && active-l.movedLarge >= largeEvery {
		updates, size = l.idle(active-largeBehind, min(l.options.SegmentBytes/largeShare, l.room()-batchHeaderBytes))
		if len(updates) > 0 {
			l.movedLarge = active
		}
	}
	if len(updates) == 0 {
		l.complain(kept)
		return nil
	}
	return l.writeBatch(updates, make([]wire.LogID, len(updates)), size)
}

// complain says which group keeps very many segments. Only to compact it helps.
func (l *Log) complain(kept uint32) {
	if kept < complaintBehind {
		l.complained = 0
		return
	}
	if kept < 2*l.complained {
		return
	}
	l.complained = kept
	g := l.beginningBy(l.index.segments[0].number)[0]
	l.options.Logger.Warn("wal: a group keeps many segments, because it holds too much to be written again: compact it",
		"group", uint64(g.id), "segments", kept, "first", uint64(g.compacted.Index+1), "last", uint64(g.last.Index), "bytes", g.runBytes())
}

// idle returns updates of at most so many bytes that say what the groups have whose
// entries begin in the segment with this number or before it, those of the oldest first.
// It ends at the first that does not fit: the segments from there on are kept anyway.
func (l *Log) idle(number uint32, bytesMax int) (updates []wire.Update, size int) {
	for _, g := range l.beginningBy(number) {
		if g.runBytes() > bytesMax-size {
			break
		}
		entries, err := l.Entries(g.id, g.compacted.Index+1, g.last.Index, math.MaxInt)
		if err != nil { // Whoever needs the entries will find out, too.
			l.options.Logger.Warn("wal: entries cannot be moved forward", "group", uint64(g.id), "err", err)
			break
		}
		u := wire.Update{Group: g.id, Entries: entries}
		bytes := updateBytes(&u)
		if bytes > bytesMax-size {
			break
		}
		updates, size = append(updates, u), size+bytes
	}
	return updates, size
}

// beginningBy returns the groups with entries in a segment of this number or before it, by
// the segment where their entries begin, and those that are equal in that by ID.
func (l *Log) beginningBy(number uint32) []*groupLog {
	groups := l.index.known()
	groups = slices.DeleteFunc(groups, func(g *groupLog) bool { return len(g.runs) == 0 || g.runs[0].segment > number })
	slices.SortStableFunc(groups, func(a, b *groupLog) int { return cmp.Compare(a.runs[0].segment, b.runs[0].segment) })
	return groups
}

// runBytes is how much there is to read for all entries of the group.
func (g *groupLog) runBytes() int {
	bytes := 0
	for i := range g.runs {
		bytes += int(g.runs[i].bytes)
	}
	return bytes
}
