// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"maps"
	"math/rand/v2"

	"github.com/balsa-raft/raft/wire"
)

// state is what a log should be at some moment.
type state struct {
	model model
	text  string
}

func stateOf(m model) state { return state{model: maps.Clone(m), text: m.String()} }

// step is one Save, or the closing and opening of the log if it has no updates.
type step struct {
	updates []wire.Update
	// legal is what the log may be if the power fails during the step, in order: the
	// first is what it was before, the last what it is afterwards.
	legal []state
}

// script is a representative use of a log, to be repeated with all that can go wrong.
type script struct {
	name    string
	options Options
	steps   []step

	model  model
	random *rand.Rand
}

func newScript(name string) *script {
	return &script{name: name, options: testOptions(nil), model: make(model), random: rand.New(rand.NewPCG(1, uint64(len(name))))}
}

// save adds a Save that is there whole or not at all.
func (s *script) save(updates ...wire.Update) {
	before := stateOf(s.model)
	for _, u := range updates {
		s.model.apply(u)
	}
	s.steps = append(s.steps, step{updates: updates, legal: []state{before, stateOf(s.model)}})
}

// saveLarge adds a Save that needs several segments: it may be there in part.
func (s *script) saveLarge(updates ...wire.Update) {
	legal := []state{stateOf(s.model)}
	for _, u := range updates {
		s.model.apply(u)
		legal = append(legal, stateOf(s.model))
	}
	s.steps = append(s.steps, step{updates: updates, legal: legal})
}

// reopen adds that the log is closed and opened.
func (s *script) reopen() {
	s.steps = append(s.steps, step{legal: []state{stateOf(s.model)}})
}

// begin is what the log may be before the first step.
func (s *script) begin() []state { return []state{stateOf(make(model))} }

// data returns so many bytes, no sector of which is like another.
func (s *script) data(bytes int) []byte {
	data := make([]byte, bytes)
	for i := range data {
		data[i] = byte(1 + s.random.IntN(255))
	}
	return data
}

// entries returns entries from an index on, one for each size.
func (s *script) entries(term wire.Term, first wire.Index, sizes ...int) []wire.Entry {
	made := make([]wire.Entry, len(sizes))
	for i, size := range sizes {
		made[i] = wire.Entry{Index: first + wire.Index(i), Term: term, Kind: wire.EntryCommand, Data: s.data(size)}
	}
	return made
}

// append returns entries behind the last of a group.
func (s *script) append(group wire.GroupID, term wire.Term, sizes ...int) wire.Update {
	g := s.model[group]
	return wire.Update{Group: group, Entries: s.entries(term, g.last().Index+1, sizes...)}
}

// filling is the size of the largest entry that a Save is sure to find room for in so
// many sectors; its batch takes all of them.
func filling(sectors int) int {
	return sectors*512 - batchHeaderBytes - 4*recordHeaderBytes - wire.EntryOverhead
}

// scripts are the uses of a log that are repeated with all that can go wrong.
func scripts() []*script {
	return []*script{
		scriptAppend(), scriptWide(), scriptConflict(), scriptGroups(), scriptHardState(), scriptRoll(), scriptFull(),
		scriptRecycle(), scriptCheckpoint(), scriptCompact(), scriptReset(), scriptReopen(), scriptLargeSave(),
		scriptLetGo(), scriptBlocks(), scriptIdleGroup(), scriptRandom(1, 25),
	}
}

func scriptAppend() *script {
	s := newScript("append")
	for _, sectors := range []int{1, 2, 3, 5, 8} {
		s.save(s.append(1, 1, filling(sectors)))
		s.save(s.append(1, 1, 1, 2, 3))
	}
	return s
}

// scriptWide has batches of as many sectors as there is room for.
func scriptWide() *script {
	s := newScript("wide batches")
	for _, sectors := range []int{12, 11, 13, 10} {
		s.save(s.append(1, 1, filling(sectors)))
	}
	return s
}

func scriptConflict() *script {
	s := newScript("conflict")
	s.save(s.append(1, 1, 100, 200, 300, 400, 500))
	s.save(s.append(1, 1, 10, 20))
	s.save(wire.Update{Group: 1, Entries: s.entries(2, 7, 500, 500)}) // The last, and one more.
	s.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 3, Vote: 2}, Entries: s.entries(3, 3, 2000)})
	s.save(s.append(1, 3, 900, 30))
	s.save(wire.Update{Group: 1, Entries: s.entries(4, 1, 1500)}) // All of them.
	s.save(s.append(1, 4, 1000), wire.Update{Group: 1, Entries: s.entries(5, 2, 700, 700)})
	s.save(wire.Update{Group: 1, Entries: s.entries(6, 3, 3000)})
	return s
}

func scriptGroups() *script {
	s := newScript("several groups")
	for i := range 4 {
		term := wire.Term(i + 1)
		s.save(
			wire.Update{Group: 3, HardState: wire.HardState{Term: term, Vote: 1}},
			s.append(1, term, 300), s.append(2, term, 100, 900), s.append(4, term, 400*i),
		)
		s.save(s.append(2, term, 500), wire.Update{Group: 1, Compact: wire.Index(i + 1)})
	}
	return s
}

func scriptHardState() *script {
	s := newScript("hard state")
	for i := range 40 {
		hs := wire.HardState{Term: wire.Term(i + 1), Vote: wire.NodeID(i % 3)}
		s.save(wire.Update{Group: wire.GroupID(1 + i%2), HardState: hs})
		if i%13 == 12 {
			s.reopen()
		}
	}
	return s
}

func scriptRoll() *script {
	s := newScript("roll")
	for i := range 12 {
		s.save(s.append(1, wire.Term(1+i/5), filling(7)))
	}
	return s
}

// scriptFull fills segments to their last byte, where no batch fits behind.
func scriptFull() *script {
	s := newScript("full segments")
	s.save(s.append(1, 1, filling(14)))
	s.reopen()
	s.save(s.append(1, 1, filling(6)))
	s.save(s.append(1, 1, filling(7)))
	s.reopen()
	s.save(s.append(1, 2, filling(13)))
	s.reopen()
	return s
}

// scriptRecycle compacts all the time: old segments become new ones, with what they had
// still in them.
func scriptRecycle() *script {
	s := newScript("recycle")
	for i := range 30 {
		u := s.append(1, 1, filling(5))
		if i > 2 {
			u.Compact = wire.Index(i - 1)
		}
		s.save(u)
	}
	return s
}

// scriptCheckpoint has so many groups that a checkpoint takes several sectors.
func scriptCheckpoint() *script {
	s := newScript("checkpoint")
	for i := range 6 {
		var updates []wire.Update
		for group := range wire.GroupID(28) {
			g := s.model[group+1]
			updates = append(updates, wire.Update{
				Group: group + 1, HardState: wire.HardState{Term: wire.Term(i + 1)},
				Entries: s.entries(wire.Term(i+1), g.last().Index+1, 10), Compact: g.last().Index,
			})
		}
		s.save(updates...)
		s.save(s.append(1, wire.Term(i+1), 1000))
	}
	return s
}

// scriptCompact moves the compaction point while entries stay behind it.
func scriptCompact() *script {
	s := newScript("compact")
	for i := range 16 {
		s.save(s.append(1, wire.Term(1+i/4), 100, filling(3)))
		if i >= 4 && i%2 == 0 {
			s.save(wire.Update{Group: 1, Compact: wire.Index(2*i - 5)}) // Keeps some, and now and then half a record.
		}
		if i%7 == 6 {
			s.reopen()
		}
	}
	s.save(wire.Update{Group: 1, Compact: 32}) // All of them.
	s.save(s.append(1, 9, 400))
	return s
}

func scriptReset() *script {
	s := newScript("reset")
	s.save(s.append(1, 1, 1000, 1000), s.append(2, 1, 100))
	s.save(wire.Update{Group: 1, HardState: wire.HardState{Term: 4}, Reset: wire.LogID{Term: 4, Index: 90}})
	s.save(wire.Update{Group: 1, Entries: s.entries(4, 91, 2000)})
	s.save(wire.Update{Group: 1, Reset: wire.LogID{Term: 4, Index: 300}, Entries: s.entries(5, 301, 500, filling(4))})
	s.save(wire.Update{Group: 1, Reset: wire.LogID{Term: 5, Index: 301}}) // Backwards.
	s.save(s.append(1, 5, 900), wire.Update{Group: 1, Compact: 302})
	s.reopen()
	for i := range 4 {
		s.save(s.append(2, 6, filling(6)))
		s.save(wire.Update{Group: 2, Reset: wire.LogID{Term: 6, Index: wire.Index(1000 * (i + 1))}})
		s.save(wire.Update{
			Group: 3, Reset: wire.LogID{Term: 6, Index: wire.Index(10 + i)},
			Entries: s.entries(6, wire.Index(11+i), 700, 800), Compact: wire.Index(11 + i),
		})
	}
	return s
}

func scriptReopen() *script {
	s := newScript("open and close")
	s.reopen()
	for i := range 8 {
		s.save(s.append(1, 1, filling(1+i%4)))
		s.reopen()
		if i%3 == 2 {
			s.reopen()
		}
	}
	return s
}

func scriptLargeSave() *script {
	s := newScript("save of several segments")
	for save := range wire.Index(2) {
		var updates []wire.Update
		for i := range wire.Index(7) {
			updates = append(updates, wire.Update{
				Group: 1, HardState: wire.HardState{Term: 1, Vote: 2}, Entries: s.entries(1, 14*save+2*i+1, 900, 900),
			})
		}
		s.saveLarge(updates...)
	}
	return s
}

// scriptLetGo lets go of more segments at once than are kept as spares.
func scriptLetGo() *script {
	s := newScript("let go")
	for range 8 {
		s.save(s.append(1, 1, filling(13)))
	}
	s.save(wire.Update{Group: 1, Compact: 8})
	s.save(s.append(1, 1, 10))
	return s
}

// scriptBlocks has blocks of eight sectors.
func scriptBlocks() *script {
	s := newScript("larger blocks")
	s.options.BlockBytes, s.options.SegmentBytes = 4096, 32<<10
	for i := range 10 {
		u := s.append(1, 1, filling(1+3*(i%4)))
		if i > 6 {
			u.Compact = wire.Index(i - 3)
		}
		s.save(u)
	}
	return s
}

// scriptIdleGroup has groups of which nothing is saved any more.
func scriptIdleGroup() *script {
	s := newScript("idle groups")
	s.save(s.append(1, 1, 100, 200), s.append(2, 1, 300))
	s.save(wire.Update{Group: 3, HardState: wire.HardState{Term: 1}}, s.append(1, 2, 50))
	for i := range 20 {
		u := s.append(4, 1, filling(6))
		if i > 1 {
			u.Compact = wire.Index(i - 1)
		}
		s.save(u)
		if i == 12 {
			s.reopen()
		}
	}
	s.save(s.append(1, 3, 10))
	return s
}

func scriptRandom(seed uint64, saves int) *script {
	s := newScript("random")
	s.random = rand.New(rand.NewPCG(seed, 7))
	s.options.BlockBytes = 512 << (seed % 3)
	for i := range saves {
		m := maps.Clone(s.model)
		var updates []wire.Update
		for range 1 + s.random.IntN(3) {
			if u := randomUpdate(s.random, m); !isEmpty(u) {
				m.apply(u)
				updates = append(updates, u)
			}
		}
		if len(updates) > 0 {
			s.save(updates...)
		}
		if i%9 == 8 {
			s.reopen()
		}
	}
	return s
}
