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
)

// moveForward keeps groups of which little is held, and nothing is saved any more, from
// keeping every segment since: it writes what they have once more, as if it was saved
// again in place of itself, which lets go of the old segments. It does so once in
// a segment, behind a Save.
func (l *Log) moveForward() error {
	active := l.index.active().number
	if l.moved == active || active-l.index.segments[0].number < forwardBehind {
		return nil
	}
	l.moved = active
	updates, size := l.idle(active-forwardBehind, min(l.options.SegmentBytes/forwardShare, l.room()-batchHeaderBytes))
	if len(updates) == 0 {
		return nil
	}
	return l.writeBatch(updates, make([]wire.LogID, len(updates)), size)
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
