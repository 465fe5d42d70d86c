// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"

	"github.com/balsa-raft/raft/wire"
)

// stage checks the updates, each against what the log will be after those before it,
// and fills l.compacts with the LogIDs of their compaction points, zero where there
// is nothing to compact. It returns an upper bound of their encoded size, zero if
// nothing is to be written.
func (l *Log) stage(updates []wire.Update) (size int, err error) {
	l.compacts = l.compacts[:0]
	isEmpty := true
	for i := range updates {
		bytes, compact, err := l.stageUpdate(updates, i)
		if err != nil {
			return 0, fmt.Errorf("wal: save group %d: %w", updates[i].Group, err)
		}
		u := &updates[i]
		if !u.HardState.IsZero() || u.Reset != (wire.LogID{}) || len(u.Entries) > 0 || compact != (wire.LogID{}) {
			isEmpty = false
		}
		l.compacts = append(l.compacts, compact)
		size += bytes
	}
	if isEmpty {
		return 0, nil
	}
	return size, l.checkSizes(updates, size)
}

func (l *Log) stageUpdate(updates []wire.Update, i int) (bytes int, compact wire.LogID, err error) {
	u := &updates[i]
	if u.Group == 0 {
		return 0, compact, fmt.Errorf("%w: it names no group", ErrInvalidUpdate)
	}
	g := l.groupToStage(u.Group, i)
	if u.Reset != (wire.LogID{}) {
		if u.Reset.Index == 0 || u.Reset.Term == 0 {
			return 0, compact, fmt.Errorf("%w: reset to %v", ErrInvalidUpdate, u.Reset)
		}
		g.stagedCompacted, g.stagedLast = u.Reset, u.Reset
	}
	if len(u.Entries) > 0 {
		if err := g.stageEntries(updates, i); err != nil {
			return 0, compact, err
		}
	}
	if u.Compact > g.stagedCompacted.Index {
		if u.Compact > g.stagedLast.Index {
			return 0, compact, fmt.Errorf("%w: compaction to %d, but the last entry is %d",
				ErrInvalidUpdate, u.Compact, g.stagedLast.Index)
		}
		compact = wire.LogID{Term: g.stagedTerm(updates[:i+1], u.Compact), Index: u.Compact}
		g.stagedCompacted = compact
	}
	return updateBytes(u), compact, nil
}

// groupToStage returns the group's log, to stage the update numbered i. One that is new becomes known to readers only
// when something of it was saved.
func (l *Log) groupToStage(id wire.GroupID, i int) *groupLog {
	g := l.index.groups[id]
	if g == nil {
		l.mu.Lock()
		g = l.index.group(id)
		l.mu.Unlock()
	}
	g.stage(l.saves, i)
	return g
}

// stageEntries checks the entries of the update numbered i.
func (g *groupLog) stageEntries(updates []wire.Update, i int) error {
	entries := updates[i].Entries
	first, before := entries[0].Index, g.stagedLast
	if first <= g.stagedCompacted.Index || first > before.Index+1 {
		return fmt.Errorf("%w: entry %d, but the log is from %d to %d",
			ErrInvalidUpdate, first, g.stagedCompacted.Index+1, before.Index)
	}
	if first <= before.Index {
		before = wire.LogID{Term: g.stagedTerm(updates[:i], first-1), Index: first - 1}
	}
	for k := range entries {
		e := &entries[k]
		if e.Index != before.Index+1 || e.Term < before.Term || e.Term == 0 {
			return fmt.Errorf("%w: entry %v after %v", ErrInvalidUpdate, e.ID(), before)
		}
		if e.Kind < wire.EntryBlank || e.Kind > wire.EntryMembership {
			return fmt.Errorf("%w: entry %v is of unknown kind %d", ErrInvalidUpdate, e.ID(), e.Kind)
		}
		before = e.ID()
	}
	g.stagedLast = before
	return nil
}

// stagedTerm returns the term that an entry has after the updates, which begin with
// the first of the Save. It searches backwards: the last to write the entry counts.
func (g *groupLog) stagedTerm(updates []wire.Update, index wire.Index) wire.Term {
	for i := len(updates) - 1; i >= g.stagedFrom; i-- {
		u := &updates[i]
		if u.Group != g.id {
			continue
		}
		if len(u.Entries) > 0 && u.Entries[0].Index <= index {
			return u.Entries[index-u.Entries[0].Index].Term
		}
		if u.Reset != (wire.LogID{}) {
			return u.Reset.Term
		}
	}
	return g.term(index)
}

// checkSizes refuses what a segment cannot hold even if nothing else is in it.
func (l *Log) checkSizes(updates []wire.Update, size int) error {
	start := alignUp(fileHeaderBytes+uint32(len(l.index.groups)*checkpointPerGroup), uint32(l.options.BlockBytes))
	room := l.options.SegmentBytes - l.options.BlockBytes - int(start) - batchHeaderBytes
	if size <= room {
		return nil
	}
	for i := range updates {
		if bytes := updateBytes(&updates[i]); bytes > room {
			return fmt.Errorf("%w: %d bytes for group %d, a segment of %d bytes has room for %d",
				ErrTooLarge, bytes, updates[i].Group, l.options.SegmentBytes, room)
		}
	}
	return nil
}
