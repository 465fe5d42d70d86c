// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// logFaults are faults, the case of the suite that has to find each, and what it says.
var logFaults = []struct {
	name, by, says string
	plant          func(*brokenLog)
}{
	{"hard states with entries are forgotten", "the hard state is replaced", "hard state", changing(func(_ *mem.Log, u *wire.Update) {
		if len(u.Entries) > 0 {
			u.HardState = wire.HardState{}
		}
	})},
	{"votes are forgotten", "what is saved is read", "hard state", changing(func(_ *mem.Log, u *wire.Update) { u.HardState.Vote = 0 })},
	{"a new term keeps the vote", "the hard state is replaced", "hard state", loading(func(state *wire.LogState) {
		state.HardState.Vote = max(state.HardState.Vote, 1)
	})},
	{"overwriting does not truncate", "entries overwrite", "last entry", changing(func(log *mem.Log, u *wire.Update) {
		state, _ := log.Load(u.Group)
		if n := len(u.Entries); n > 0 && state.Last > u.Entries[n-1].Index {
			tail, _ := log.Entries(u.Group, u.Entries[n-1].Index+1, state.Last, 1<<30)
			for _, e := range tail {
				e.Term = u.Entries[n-1].Term
				u.Entries = append(u.Entries, e)
			}
		}
	})},
	{"the last entry is not read", "what is saved is read", "nothing forbade more", reading(func(entries []wire.Entry, err error) ([]wire.Entry, error) {
		return entries[:max(len(entries)-1, min(len(entries), 1))], err
	})},
	{"a gap", "what is saved is read", "at place 2", reading(func(entries []wire.Entry, err error) ([]wire.Entry, error) {
		if len(entries) > 2 {
			entries = slices.Delete(entries, 1, 2)
		}
		return entries, err
	})},
	{"a gap that is filled", "what is saved is read", "at place 2", reading(func(entries []wire.Entry, err error) ([]wire.Entry, error) {
		if len(entries) > 2 {
			entries[1] = wire.Entry{}
		}
		return entries, err
	})},
	{"data of another entry", "what is saved is read", "bytes at a time, is", reading(func(entries []wire.Entry, err error) ([]wire.Entry, error) {
		if len(entries) > 2 {
			entries[1].Data = entries[2].Data
		}
		return entries, err
	})},
	{"zero entries for missing ones", "missing entries are errors", "no error", reading(func(entries []wire.Entry, err error) ([]wire.Entry, error) {
		if err != nil {
			return make([]wire.Entry, 1), nil
		}
		return entries, nil
	})},
	{"nothing for missing ones", "a new group is empty", "no error", reading(func(entries []wire.Entry, _ error) ([]wire.Entry, error) { return entries, nil })},
	{"a read beyond the end ends there", "missing entries are errors", "no error", func(b *brokenLog) {
		b.entries = func(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
			state, _ := b.Log.Load(group)
			return b.Log.Entries(group, lo, max(lo, min(hi, state.Last)), bytesMax)
		}
	}},
	{"bytesMax is ignored", "bytesMax", "the most was", func(b *brokenLog) {
		b.entries = func(group raft.GroupID, lo, hi wire.Index, _ int) ([]wire.Entry, error) {
			return b.Log.Entries(group, lo, hi, 1<<30)
		}
	}},
	{"bytesMax may leave nothing", "bytesMax", "neither entries nor an error", func(b *brokenLog) {
		b.entries = func(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
			entries, err := b.Log.Entries(group, lo, hi, bytesMax)
			if wire.SizeOf(entries) > bytesMax {
				return nil, err
			}
			return entries, err
		}
	}},
	{"arguments are kept", "arguments are the caller's", "entry", func(b *brokenLog) {
		kept := map[wire.LogID][]byte{}
		b.save = func(updates []wire.Update) error {
			for _, u := range updates {
				for _, e := range u.Entries {
					kept[e.ID()] = e.Data
				}
			}
			return b.Log.Save(updates)
		}
		b.entries = func(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
			entries, err := b.Log.Entries(group, lo, hi, bytesMax)
			for i := range entries {
				entries[i].Data = kept[entries[i].ID()]
			}
			return entries, err
		}
	}},
	{"arguments are changed", "arguments are the caller's", "Save changed", func(b *brokenLog) {
		b.save = func(updates []wire.Update) error {
			err := b.Log.Save(updates)
			for _, u := range updates {
				for i := range u.Entries {
					u.Entries[i].Term++
				}
			}
			return err
		}
	}},
	{"half of the group ID", "groups are apart", "group", func(b *brokenLog) {
		b.save = func(updates []wire.Update) error {
			updates = cloneUpdates(updates)
			for i := range updates {
				updates[i].Group &= 1<<32 - 1
			}
			return b.Log.Save(updates)
		}
		b.load = func(group raft.GroupID) (wire.LogState, error) { return b.Log.Load(group & (1<<32 - 1)) }
	}},
	{"only the last term", "memberships and terms follow the entries", "terms", loading(func(state *wire.LogState) {
		state.Terms = state.Terms[max(len(state.Terms)-1, 0):]
	})},
	{"only the last membership", "memberships and terms follow the entries", "membership", loading(func(state *wire.LogState) {
		state.Memberships = state.Memberships[max(len(state.Memberships)-1, 0):]
	})},
	{"a reset forgets the hard state", "reset", "hard state", changing(func(_ *mem.Log, u *wire.Update) {
		if u.Reset != (wire.LogID{}) {
			u.HardState = wire.HardState{Term: 1}
		}
	})},
	{"a reset keeps entries behind it", "reset", "last entry", changing(func(log *mem.Log, u *wire.Update) {
		if state, _ := log.Load(u.Group); u.Reset.Index > 0 && u.Reset.Index <= state.Last {
			u.Compact, u.Reset = u.Reset.Index, wire.LogID{}
		}
	})},
	{"one entry too many is compacted", "compaction", "compacted through", changing(func(log *mem.Log, u *wire.Update) {
		if state, _ := log.Load(u.Group); u.Compact > 0 && u.Compact < state.Last {
			u.Compact++
		}
	})},
	{"the compacted term is lost", "compaction", "compacted through", loading(func(state *wire.LogState) { state.Compacted.Term = 0 })},
	{"updates in the wrong order", "one save, many updates", "", func(b *brokenLog) {
		b.save = func(updates []wire.Update) error {
			updates = slices.Clone(updates)
			slices.Reverse(updates)
			return b.Log.Save(updates)
		}
	}},
	{"only the first update of a group", "one save, many updates", "group", func(b *brokenLog) {
		b.save = func(updates []wire.Update) error {
			seen := map[raft.GroupID]bool{}
			return b.Log.Save(slices.DeleteFunc(slices.Clone(updates), func(u wire.Update) bool {
				defer func() { seen[u.Group] = true }()
				return seen[u.Group]
			}))
		}
	}},
	{"a buffer is used again", "what was read does not change", "have changed", func(b *brokenLog) {
		buffer := make([]wire.Entry, 100)
		b.entries = func(group raft.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
			entries, err := b.Log.Entries(group, lo, hi, bytesMax)
			return buffer[:copy(buffer, entries)], err
		}
	}},
	{"no reads while a Save runs", "reads during saves", "busy", func(b *brokenLog) {
		var saving atomic.Bool
		b.save = func(updates []wire.Update) error {
			saving.Store(true)
			defer saving.Store(false)
			for range 100 {
				runtime.Gosched()
			}
			return b.Log.Save(updates)
		}
		b.load = func(group raft.GroupID) (wire.LogState, error) {
			if saving.Load() {
				return wire.LogState{}, errors.New("busy")
			}
			return b.Log.Load(group)
		}
	}},
	{"large data is cut", "large entries", "entry 1", changing(func(_ *mem.Log, u *wire.Update) {
		for i := range u.Entries {
			u.Entries[i].Data = u.Entries[i].Data[:min(len(u.Entries[i].Data), 1<<16)]
		}
	})},
	{"every tenth update is not made", "random histories", "", func(b *brokenLog) {
		n := 0
		b.save = func(updates []wire.Update) error {
			for i := range updates {
				if n++; n%10 > 0 {
					if err := b.Log.Save(updates[i : i+1]); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}},
	{"updates are torn", "crash during saves", "none of the", func(b *brokenLog) {
		patience := 10_000_000
		b.save = func(updates []wire.Update) error {
			for _, u := range updates {
				half := u
				half.Entries, half.Compact = nil, 0
				if err := b.Log.Save([]wire.Update{half}); err != nil {
					return err
				}
				for until := b.crashes.Load() + 2; until > b.crashes.Load() && patience > 0; patience-- {
					runtime.Gosched() // There will be a crash in between.
				}
				half = u
				half.HardState, half.Reset = wire.HardState{}, wire.LogID{}
				if err := b.Log.Save([]wire.Update{half}); err != nil {
					return err
				}
			}
			return nil
		}
	}},
}
