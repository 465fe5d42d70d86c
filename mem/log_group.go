// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"errors"
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// ErrNotFound says that entries were asked for that the log does not hold: they
// are compacted, or not written yet.
var ErrNotFound = errors.New("mem: no such entry")

// ErrInvalidUpdate says that an update does not fit the log it is for. It is a
// fault of the caller; nothing of the update was made.
var ErrInvalidUpdate = errors.New("mem: invalid update")

// groupLog is the log of one group.
type groupLog struct {
	hardState wire.HardState
	compacted wire.LogID
	// Invariant: entries[i].Index == compacted.Index+1+i, terms never descend, and
	// no element is changed but by appending anew after a truncation.
	entries []wire.Entry
}

func (g *groupLog) last() wire.LogID {
	if len(g.entries) == 0 {
		return g.compacted
	}
	return g.entries[len(g.entries)-1].ID()
}

// update makes one update, or none of it if it returns an error.
func (g *groupLog) update(u *wire.Update) error {
	next := *g
	if !u.HardState.IsZero() {
		next.hardState = u.HardState
	}
	if u.Reset != (wire.LogID{}) {
		next.compacted, next.entries = u.Reset, nil
	}
	if err := next.replace(u.Entries); err != nil {
		return err
	}
	if err := next.compact(u.Compact); err != nil {
		return err
	}
	*g = next
	return nil
}

// replace puts the entries in place of all that stand at or after the first.
func (g *groupLog) replace(entries []wire.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	first, last := entries[0].Index, g.last().Index
	if first <= g.compacted.Index || first > last+1 {
		return fmt.Errorf("%w: entry %d, but the log is from %d to %d", ErrInvalidUpdate, first, g.compacted.Index+1, last)
	}
	kept := g.entries[:first-g.compacted.Index-1]
	previous := g.compacted
	if len(kept) > 0 {
		previous = kept[len(kept)-1].ID()
	}
	for _, e := range entries {
		if e.Index != previous.Index+1 || e.Term < previous.Term || e.Term == 0 {
			return fmt.Errorf("%w: entry %v after %v", ErrInvalidUpdate, e.ID(), previous)
		}
		previous = e.ID()
	}
	if first <= last {
		kept = slices.Clip(kept) // Appending must not write over what is to be restored on an error.
	}
	g.entries = append(kept, copyEntries(entries)...)
	return nil
}

// copyEntries copies entries and their data, the data into one block.
func copyEntries(entries []wire.Entry) []wire.Entry {
	copied := slices.Clone(entries)
	block := make([]byte, 0, wire.SizeOf(entries)-len(entries)*wire.EntryOverhead)
	for i := range copied {
		start := len(block)
		block = append(block, copied[i].Data...)
		copied[i].Data = block[start:len(block):len(block)]
	}
	return copied
}

// compact forgets the entries up to and including index.
func (g *groupLog) compact(index wire.Index) error {
	if index <= g.compacted.Index {
		return nil
	}
	if last := g.last().Index; index > last {
		return fmt.Errorf("%w: compaction to %d, but the last entry is %d", ErrInvalidUpdate, index, last)
	}
	n := int(index - g.compacted.Index)
	g.compacted, g.entries = g.entries[n-1].ID(), slices.Clone(g.entries[n:])
	return nil
}

// read returns entries as Log.Entries does.
func (g *groupLog) read(lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	if lo <= g.compacted.Index || hi < lo || hi > g.last().Index {
		return nil, fmt.Errorf("%w: %d to %d, the log is from %d to %d",
			ErrNotFound, lo, hi, g.compacted.Index+1, g.last().Index)
	}
	found := g.entries[lo-g.compacted.Index-1 : hi-g.compacted.Index]
	size := 0
	for i := range found {
		if size += found[i].Size(); size > bytesMax && i > 0 {
			found = found[:i]
			break
		}
	}
	return slices.Clone(found), nil
}

func (g *groupLog) state() wire.LogState {
	state := wire.LogState{HardState: g.hardState, Compacted: g.compacted, Last: g.last().Index}
	var term wire.Term
	for _, e := range g.entries {
		if e.Term != term {
			term = e.Term
			state.Terms = append(state.Terms, wire.TermStart{Term: term, First: e.Index})
		}
		if e.Kind == wire.EntryMembership {
			state.Memberships = append(state.Memberships, e)
		}
	}
	return state
}

func (g *groupLog) clone() *groupLog {
	clone := *g
	clone.entries = slices.Clone(g.entries)
	return &clone
}
