// SPDX-License-Identifier: Apache-2.0

package logindex

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// model is a log as a plain list of terms: terms[k] is that of entry
// compacted.Index+1+k.
type model struct {
	compacted wire.LogID
	terms     []wire.Term
}

func (m *model) last() wire.Index { return m.compacted.Index + wire.Index(len(m.terms)) }

func (m *model) term(i wire.Index) (wire.Term, bool) {
	switch {
	case i == m.compacted.Index:
		return m.compacted.Term, true
	case i > m.compacted.Index && i <= m.last():
		return m.terms[i-m.compacted.Index-1], true
	}
	return 0, false
}

func (m *model) lastNotAfter(i wire.Index, t wire.Term) wire.LogID {
	for at := min(i, m.last()) + 1; at > 0; at-- {
		if term, ok := m.term(at - 1); ok && term <= t {
			return wire.LogID{Term: term, Index: at - 1}
		}
	}
	return wire.LogID{}
}

func (m *model) state() wire.LogState {
	state := wire.LogState{Compacted: m.compacted, Last: m.last()}
	for k, term := range m.terms {
		if k == 0 || m.terms[k-1] != term {
			state.Terms = append(state.Terms, wire.TermStart{Term: term, First: m.compacted.Index + 1 + wire.Index(k)})
		}
	}
	return state
}

// compare asks the log and the model every question that makes a difference.
func compare(t *testing.T, l *Log, m *model) {
	t.Helper()
	l.check()
	lastTerm, _ := m.term(m.last())
	if l.Compacted() != m.compacted || l.First() != m.compacted.Index+1 || l.Last() != m.last() ||
		l.LastID() != (wire.LogID{Term: lastTerm, Index: m.last()}) {
		t.Fatalf("log %+v, model %+v", l, m)
	}
	if !slices.Equal(l.Runs(), m.state().Terms) {
		t.Fatalf("runs %v, want %v", l.Runs(), m.state().Terms)
	}
	low := max(m.compacted.Index, 2) - 2
	for i := low; i <= m.last()+2; i++ {
		got, gotOK := l.Term(i)
		want, wantOK := m.term(i)
		if got != want || gotOK != wantOK {
			t.Fatalf("Term(%d) is %d, %v, want %d, %v", i, got, gotOK, want, wantOK)
		}
		if l.Matches(wire.LogID{Term: want, Index: i}) != wantOK || l.Matches(wire.LogID{Term: want + 1, Index: i}) {
			t.Fatalf("Matches at %d is wrong", i)
		}
		for term := max(m.compacted.Term, 1) - 1; term <= lastTerm+1; term++ {
			if got, want := l.LastNotAfter(i, term), m.lastNotAfter(i, term); got != want {
				t.Fatalf("LastNotAfter(%d, %d) is %v, want %v; log %+v", i, term, got, want, l)
			}
		}
	}
}

// apply changes both in the way that two bytes say.
func apply(l *Log, m *model, operation, operand byte) {
	lastTerm, _ := m.term(m.last())
	held := wire.Index(len(m.terms))
	switch operation % 6 {
	case 0, 1, 2:
		term, count := max(lastTerm+wire.Term(operand>>5), 1), int(operand%7)+1
		l.Append(term, count)
		for range count {
			m.terms = append(m.terms, term)
		}
	case 3:
		keep := wire.Index(operand) % (held + 2)
		l.TruncateFrom(m.compacted.Index + 1 + keep)
		m.terms = m.terms[:min(keep, held)]
	case 4:
		drop := wire.Index(operand) % (held + 1)
		to := m.compacted.Index + drop
		l.CompactTo(to)
		term, _ := m.term(to)
		m.compacted, m.terms = wire.LogID{Term: term, Index: to}, m.terms[drop:]
	case 5:
		if operand%4 == 0 {
			id := wire.LogID{Term: lastTerm + wire.Term(operand>>6), Index: m.last() + wire.Index(operand>>3)}
			l.Reset(id)
			*m = model{compacted: id}
		}
	}
}

// FuzzLog runs the operations that the data spells on a log and on its model.
func FuzzLog(f *testing.F) {
	f.Add([]byte{0, 3, 1, 40, 3, 2, 4, 1, 0, 99})
	f.Add([]byte{0, 33, 0, 33, 0, 33, 4, 1, 4, 1, 3, 0, 5, 64, 0, 7})
	f.Add([]byte{4, 0, 3, 0, 5, 0, 0, 6, 3, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64 {
			return
		}
		l, m := new(Log), new(model)
		compare(t, l, m)
		for ; len(data) >= 2; data = data[2:] {
			before, beforeModel := l.Clone(), model{m.compacted, slices.Clone(m.terms)}
			apply(l, m, data[0], data[1])
			compare(t, l, m)
			compare(t, before, &beforeModel)
			compare(t, New(m.state()), m)
		}
	})
}
