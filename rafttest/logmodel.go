// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// logModel is what a log store should hold of one group, in the simplest way: it
// forgets nothing but what is overwritten or reset.
type logModel struct {
	hardState wire.HardState
	base      wire.LogID   // what the last reset said
	entries   []wire.Entry // entries[i].Index == base.Index+1+i
	compact   wire.Index   // the highest compaction asked for, at least base.Index
}

// logModels is what a log store should hold of all groups.
type logModels map[raft.GroupID]*logModel

func (m *logModel) last() wire.LogID {
	if len(m.entries) == 0 {
		return m.base
	}
	return m.entries[len(m.entries)-1].ID()
}

// at returns the LogID at an index from base.Index to the last.
func (m *logModel) at(index wire.Index) wire.LogID {
	if index == m.base.Index {
		return m.base
	}
	return m.entries[index-m.base.Index-1].ID()
}

// from returns the entries after an index.
func (m *logModel) from(after wire.Index) []wire.Entry { return m.entries[after-m.base.Index:] }

func (m *logModel) apply(u *wire.Update) {
	if !u.HardState.IsZero() {
		m.hardState = u.HardState
	}
	if u.Reset != (wire.LogID{}) {
		m.base, m.entries, m.compact = u.Reset, nil, u.Reset.Index
	}
	if len(u.Entries) > 0 {
		kept := m.entries[:u.Entries[0].Index-m.base.Index-1]
		m.entries = slices.Concat(kept, cloneEntries(u.Entries))
	}
	m.compact = max(m.compact, u.Compact)
}

func (ms logModels) group(id raft.GroupID) *logModel {
	if ms[id] == nil {
		ms[id] = new(logModel)
	}
	return ms[id]
}

func (ms logModels) apply(updates []wire.Update) {
	for i := range updates {
		ms.group(updates[i].Group).apply(&updates[i])
	}
}

func (ms logModels) clone() logModels {
	clone := logModels{}
	for id, m := range ms {
		copied := *m // The entries are never changed in place.
		clone[id] = &copied
	}
	return clone
}

func cloneEntries(entries []wire.Entry) []wire.Entry {
	cloned := slices.Clone(entries)
	for i := range cloned {
		cloned[i].Data = bytes.Clone(cloned[i].Data)
	}
	return cloned
}

func cloneUpdates(updates []wire.Update) []wire.Update {
	cloned := slices.Clone(updates)
	for i := range cloned {
		cloned[i].Entries = cloneEntries(cloned[i].Entries)
	}
	return cloned
}

// verify compares all that a store holds of the groups with the models.
func (ms logModels) verify(store raft.LogStore) error {
	for id, m := range ms {
		if err := m.verify(store, id); err != nil {
			return fmt.Errorf("group %d: %w", id, err)
		}
	}
	return nil
}

func (m *logModel) verify(store raft.LogStore, group raft.GroupID) error {
	state, err := store.Load(group)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if err := m.verifyState(&state); err != nil {
		return err
	}
	after, last := state.Compacted.Index, state.Last
	for _, bytesMax := range []int{1, 500, 1 << 30} {
		entries, err := readAll(store, group, after+1, last, bytesMax)
		if err != nil {
			return err
		}
		if i := firstDifference(m.from(after), entries, equalEntries); i >= 0 {
			return fmt.Errorf("entry %d, reading %d bytes at a time, is %s, want %s",
				int(after)+1+i, bytesMax, at(entries, i), at(m.from(after), i))
		}
	}
	for _, absent := range [][2]wire.Index{{last + 1, last + 1}, {last, last + 1}, {after, after}, {after, last}} {
		if absent[0] == 0 && absent[1] == 0 {
			continue
		}
		if entries, err := store.Entries(group, absent[0], absent[1], 1<<30); err == nil {
			return fmt.Errorf("reading %d to %d of a log that holds %d to %d returned %d entries and no error",
				absent[0], absent[1], after+1, last, len(entries))
		}
	}
	return nil
}

func (m *logModel) verifyState(state *wire.LogState) error {
	if state.HardState != m.hardState {
		return fmt.Errorf("the hard state is %+v, want %+v", state.HardState, m.hardState)
	}
	if want := m.last().Index; state.Last != want {
		return fmt.Errorf("the last entry is %d, want %d", state.Last, want)
	}
	after := state.Compacted.Index
	if after < m.base.Index || after > max(m.compact, m.base.Index) {
		return fmt.Errorf("compacted through %d, want between %d and %d", after, m.base.Index, m.compact)
	}
	if state.Compacted != m.at(after) {
		return fmt.Errorf("compacted through %v, want %v", state.Compacted, m.at(after))
	}
	var terms []wire.TermStart
	var memberships []wire.Entry
	for _, e := range m.from(after) {
		if len(terms) == 0 || terms[len(terms)-1].Term != e.Term {
			terms = append(terms, wire.TermStart{Term: e.Term, First: e.Index})
		}
		if e.Kind == wire.EntryMembership {
			memberships = append(memberships, e)
		}
	}
	if !slices.Equal(terms, state.Terms) {
		return fmt.Errorf("the terms are %v, want %v", state.Terms, terms)
	}
	if i := firstDifference(memberships, state.Memberships, equalEntries); i >= 0 {
		return fmt.Errorf("membership %d of %d is %s, want %s", i+1, len(memberships), at(state.Memberships, i), at(memberships, i))
	}
	return nil
}

// readAll reads from lo to hi in as many reads as that takes, and checks each of them.
func readAll(store raft.LogStore, group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	var all []wire.Entry
	for lo <= hi {
		entries, err := store.Entries(group, lo, hi, bytesMax)
		if err != nil {
			return nil, fmt.Errorf("read %d to %d: %w", lo, hi, err)
		}
		switch size := wire.SizeOf(entries); {
		case len(entries) == 0:
			return nil, fmt.Errorf("reading %d to %d returned neither entries nor an error", lo, hi)
		case len(entries) > int(hi-lo)+1:
			return nil, fmt.Errorf("reading %d to %d returned %d entries", lo, hi, len(entries))
		case len(entries) > 1 && size > bytesMax:
			return nil, fmt.Errorf("reading %d to %d returned %d entries of %d bytes, the most was %d", lo, hi, len(entries), size, bytesMax)
		case bytesMax >= 1<<30 && len(entries) < int(hi-lo)+1:
			return nil, fmt.Errorf("reading %d to %d returned %d entries, though nothing forbade more", lo, hi, len(entries))
		}
		for i := range entries {
			if entries[i].Index != lo+wire.Index(i) {
				return nil, fmt.Errorf("reading %d to %d returned %d at place %d", lo, hi, entries[i].Index, i+1)
			}
		}
		all = append(all, entries...)
		lo += wire.Index(len(entries))
	}
	return all, nil
}
