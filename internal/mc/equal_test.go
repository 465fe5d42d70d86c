// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// view is a member and the renaming under which it looks like another.
type view struct {
	l       *local
	relabel int
}

// walk takes random steps, and never replaces a member by one that encodes equal: what
// differs between the two, such as clocks and the names of writes, stays different.
type walk struct {
	m      *model
	recall *recall
	random *rand.Rand
	state  state
	actual []*local
	// seen are members by their encoding, which is that of the least hash.
	seen map[hash]view
	// compared counts the answers that were compared, renamed those of members with
	// other names.
	compared, renamed int
}

func newWalk(m *model, recall *recall, seed uint64, seen map[hash]view) *walk {
	w := &walk{m: m, recall: recall, random: rand.New(rand.NewPCG(seed, 1)), state: *m.initial(), seen: seen}
	for _, number := range w.state.nodes {
		w.actual = append(w.actual, m.locals.at(number))
	}
	return w
}

// step takes one step that may happen, or reports false: nothing may.
func (w *walk) step(t *testing.T) bool {
	var actions []action
	w.m.visit(&w.state, func(a action) { actions = append(actions, a) })
	if len(actions) == 0 {
		return false
	}
	a := actions[w.random.IntN(len(actions))]
	if a.kind() != drop {
		w.actual[a.place()] = w.m.run(w.actual[a.place()], a.event(), nil).l
	}
	o := &outcome{next: w.state.nodes[a.place()]}
	if a.kind() != drop {
		o = w.m.work(w.state.nodes[a.place()], a.event())
	}
	var next state
	w.m.apply(w.recall, &w.state, &next, a, o)
	w.state = next
	w.meet(t, a.place())
	return true
}

// meet compares a member with another that encodes equal, in all that may happen to it.
func (w *walk) meet(t *testing.T, place int) {
	mine := view{l: w.actual[place]}
	var hashes []hash
	for _, relabel := range w.m.relabels {
		hashes = append(hashes, hashOf(mine.l.appendTo(nil, relabel)))
	}
	least := slices.MinFunc(hashes, compareHashes)
	mine.relabel = slices.Index(hashes, least)
	other, known := w.seen[least]
	if !known {
		w.seen[least] = mine
		return
	}
	if other.l == mine.l {
		return
	}
	w.m.visit(&w.state, func(a action) {
		if a.place() == place && a.kind() != drop {
			w.compare(t, mine, other, a.event())
		}
	})
}

// compare lets the same happen to both.
func (w *walk) compare(t *testing.T, mine, other view, event action) {
	w.compared++
	if mine.l.id != other.l.id {
		w.renamed++
	}
	a, b := w.m.run(mine.l, event, nil), w.m.run(other.l, w.translate(event, mine, other), nil)
	from, to := w.m.relabels[mine.relabel], w.m.relabels[other.relabel]
	if !bytes.Equal(a.l.appendTo(nil, from), b.l.appendTo(nil, to)) || !slices.Equal(sent(a, from), sent(b, to)) {
		t.Fatalf("two that encode equal differ after: %s\n%+v sends %v\n%+v sends %v", w.m.describe(event), a.l.status, a.sends, b.l.status, b.sends)
	}
}

// translate renames what happens to one member so that it happens to the other.
func (w *walk) translate(event action, mine, other view) action {
	name := func(id wire.NodeID) wire.NodeID {
		common := w.m.relabels[mine.relabel](id)
		for candidate := wire.NodeID(1); ; candidate++ {
			if w.m.relabels[other.relabel](candidate) == common {
				return candidate
			}
		}
	}
	number := event.number()
	switch event.kind() {
	case deliver, deliverLate:
		m := w.m.messages.at(number)
		number = w.m.internMessage(newMessage(name(m.from), name(m.to), m.payload))
	case unreachable, makeOffer:
		number = uint32(name(wire.NodeID(number)))
	}
	return newAction(event.kind(), int(other.l.id)-1, number)
}

// sent hashes what a step sends, whatever the order.
func sent(s *step, relabel core.Relabel) []hash {
	var hashes []hash
	for _, m := range s.sends {
		hashes = append(hashes, m.hash(relabel))
	}
	slices.SortFunc(hashes, compareHashes)
	return hashes
}

// TestEqualEncodingsBehaveEqual walks at random, and whenever a member encodes like one
// that was met before, maybe with other names, lets the same happen to both.
func TestEqualEncodingsBehaveEqual(t *testing.T) {
	compared, renamed := 0, 0
	for _, bounds := range []Bounds{
		{Nodes: 3, TermMax: 6, Timeouts: 6, StepDowns: 2, Heartbeats: 6, Proposals: 4, Duplicates: 4, Unreachables: 2, Crashes: 2, EntriesPerMessage: 2},
		{
			Nodes: 3, Logs: overtaken, Committed: 2, Snapshots: []wire.Index{2, 0, 0}, Bases: []wire.Index{2, 0, 0}, Offered: true, TermMax: 6,
			Timeouts: 3, StepDowns: 1, Heartbeats: 4, Proposals: 2, Duplicates: 3, Unreachables: 2, Crashes: 1, Takes: 4, Compactions: 4,
			StateLosses: 2, Wants: 3, LateOffers: true, EntriesPerMessage: 2,
		},
		{Nodes: 3, TermMax: 5, Timeouts: 5, StepDowns: 1, Heartbeats: 3, Proposals: 3, Duplicates: 2, Crashes: 2, EntriesPerMessage: 1, InstantDisk: true},
	} {
		m := newModel(bounds)
		seen, recall := map[hash]view{}, new(recall)
		for seed := range uint64(60) {
			w := newWalk(m, recall, seed, seen)
			for steps := 0; steps < 150 && w.step(t); steps++ {
			}
			compared, renamed = compared+w.compared, renamed+w.renamed
		}
	}
	if compared < 1500 || renamed < 400 {
		t.Errorf("only %d answers were compared, %d of them of members with other names", compared, renamed)
	}
	t.Logf("%d answers, %d of them of members with other names", compared, renamed)
}
