// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// slot is what stands at an index of a log.
type slot struct {
	term    Term
	command bool
}

// naiveWaiter is one request in the model: it waits for count commands from first on.
type naiveWaiter struct {
	first Index
	count int
	term  Term
}

// waitersModel drives waiters with what may happen to a member's log, and a map that
// says who should be waiting.
type waitersModel struct {
	*testing.T
	random  *rand.Rand
	ws      waiters
	log     []slot // the entry with index i is at i-1
	applied Index
	term    Term

	number  map[*request]int
	waiting map[int]*naiveWaiter
	next    int
}

func newWaitersModel(t *testing.T, seed uint64) *waitersModel {
	return &waitersModel{
		T: t, random: rand.New(rand.NewPCG(seed, 3)), term: 1,
		number: map[*request]int{}, waiting: map[int]*naiveWaiter{},
	}
}

// lead binds some requests behind the end of the log, in the current term.
func (m *waitersModel) lead() {
	first := Index(len(m.log) + 1)
	var requests []*request
	var want []int
	for n, w := range m.waiting {
		if w.first+Index(w.count) > first {
			want = append(want, n)
			delete(m.waiting, n)
		}
	}
	for range 1 + m.random.IntN(3) {
		r := &request{commands: make([][]byte, 1+m.random.IntN(4))}
		m.number[r] = m.next
		m.waiting[m.next] = &naiveWaiter{first: Index(len(m.log) + 1), count: len(r.commands), term: m.term}
		m.next++
		requests = append(requests, r)
		for range r.commands {
			m.log = append(m.log, slot{m.term, true})
		}
	}
	var got []int
	for _, r := range m.ws.bind(requests, first, m.term) {
		got = append(got, m.number[r])
	}
	m.compare("overwritten by bind", got, want)
	if id := requests[0].logID(); id != (LogID{Term: m.term, Index: first}) {
		m.Fatalf("a request knows its place as %v", id)
	}
}

// follow begins a term, in which another leader replaces the end of the log by its own.
func (m *waitersModel) follow() {
	m.term++
	kept := int(m.applied) + m.random.IntN(len(m.log)-int(m.applied)+1)
	m.log = m.log[:kept]
	for range m.random.IntN(6) {
		m.log = append(m.log, slot{m.term, m.random.IntN(3) > 0})
	}
	m.term++
	if m.random.IntN(2) == 0 {
		m.log = append(m.log, slot{m.term, false}) // The blank entry of the next leadership.
	}
}

// apply applies a batch, as the applier does.
func (m *waitersModel) apply() {
	through := m.applied + Index(m.random.IntN(len(m.log)-int(m.applied)+1))
	var commands []wire.Entry
	var values [][]byte
	for i := m.applied + 1; i <= through; i++ {
		if s := m.log[i-1]; s.command {
			commands = append(commands, wire.Entry{Index: i, Term: s.term, Kind: wire.EntryCommand})
			values = append(values, fmt.Append(nil, i))
		}
	}
	m.applied = through
	done := m.ws.applied(nil, commands, values)
	done = m.ws.appliedThrough(done, through)
	var got, want []int
	for _, f := range done {
		got = append(got, m.number[f.request])
		m.checkFinished(f)
	}
	for n, w := range m.waiting {
		if isOver, _ := m.fate(w); isOver {
			want = append(want, n)
			delete(m.waiting, n)
		}
	}
	if !slices.IsSorted(got) {
		m.Fatalf("finished %v, not in the order of the log", got)
	}
	m.compare("finished", got, want)
}

// fate says what the log that was applied means for a request.
func (m *waitersModel) fate(w *naiveWaiter) (isOver bool, results int) {
	for i := w.first; i < w.first+Index(w.count) && i <= m.applied; i++ {
		if m.log[i-1] != (slot{w.term, true}) {
			return true, results
		}
		results++
	}
	return results == w.count, results
}

func (m *waitersModel) checkFinished(f finished) {
	w := m.waiting[m.number[f.request]]
	if w == nil {
		m.Fatalf("request %d is finished twice", m.number[f.request])
	}
	_, results := m.fate(w)
	if (f.err == nil) != (results == w.count) || f.err != nil && !errors.Is(f.err, ErrOverwritten) || len(f.request.results) != results {
		m.Fatalf("request %d ended with %v after %d results, want %d of %d", m.number[f.request], f.err, len(f.request.results), results, w.count)
	}
	for i, result := range f.request.results {
		at := w.first + Index(i)
		if result.LogID != (LogID{Term: w.term, Index: at}) || string(result.Value) != fmt.Sprint(at) {
			m.Fatalf("request %d at %d has the result %v %q", m.number[f.request], at, result.LogID, result.Value)
		}
	}
}

// giveUp takes out those of earlier terms.
func (m *waitersModel) giveUp() {
	below := m.term - Term(m.random.IntN(3))%m.term
	var got, want []int
	for _, r := range m.ws.takeBelow(below) {
		got = append(got, m.number[r])
	}
	for n, w := range m.waiting {
		if w.term < below {
			want = append(want, n)
			delete(m.waiting, n)
		}
	}
	m.compare("given up", got, want)
}

func (m *waitersModel) compare(what string, got, want []int) {
	m.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.Fatalf("%s: %v, want %v", what, got, want)
	}
	if m.ws.count() != len(m.waiting) {
		m.Fatalf("%s: %d wait, want %d", what, m.ws.count(), len(m.waiting))
	}
}

func TestWaitersAgainstAMap(t *testing.T) {
	for seed := range uint64(200) {
		m := newWaitersModel(t, seed)
		for range 300 {
			switch op := m.random.IntN(20); {
			case op < 11:
				m.lead()
			case op < 17:
				m.apply()
			case op < 19:
				m.follow()
			default:
				m.giveUp()
			}
		}
	}
}

func TestWaitersForgetWhoIsDone(t *testing.T) {
	var ws waiters
	var commands []wire.Entry
	const window, rounds = 3000, 20
	for i := range Index(window * rounds) {
		ws.bind([]*request{{commands: make([][]byte, 1)}}, i+1, 1)
		commands = append(commands, wire.Entry{Index: i + 1, Term: 1})
		if i >= window {
			if done := ws.applied(nil, commands[i-window:i-window+1], nil); len(done) != 1 {
				t.Fatalf("%d finished by entry %d", len(done), i-window+1)
			}
		}
	}
	if ws.count() != window || cap(ws.queue) > 8*window {
		t.Errorf("%d wait in room for %d", ws.count(), cap(ws.queue))
	}
}

func TestTakeBelowAtTheEndTakesAll(t *testing.T) {
	var ws waiters
	ws.bind([]*request{{commands: make([][]byte, 2)}, {commands: make([][]byte, 1)}}, 5, 7)
	if taken := ws.takeBelow(7); len(taken) != 0 {
		t.Errorf("%d of term 7 are below it", len(taken))
	}
	if taken := ws.takeBelow(1<<64 - 1); len(taken) != 2 || ws.count() != 0 {
		t.Errorf("%d taken, %d left", len(taken), ws.count())
	}
}
