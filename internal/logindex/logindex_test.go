// SPDX-License-Identifier: Apache-2.0

package logindex

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// TestAgainstModel runs random operations on a log and on its model.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		l, m := new(Log), new(model)
		for range 40 {
			apply(l, m, byte(random.Uint32()), byte(random.Uint32()))
			compare(t, l, m)
		}
	}
}

func TestZeroValue(t *testing.T) {
	var l Log
	compare(t, &l, &model{})
	l.Append(1, 3)
	compare(t, &l, &model{terms: []wire.Term{1, 1, 1}})
}

// TestLastNotAfter checks the fast back-up over conflicting terms (§5.3).
func TestLastNotAfter(t *testing.T) {
	// Entries 5..14 with terms 4 4 5 5 6 6 6 9 9 9, compacted to t3/i4.
	l := New(wire.LogState{
		Compacted: wire.LogID{Term: 3, Index: 4},
		Last:      14,
		Terms:     []wire.TermStart{{Term: 4, First: 5}, {Term: 5, First: 7}, {Term: 6, First: 9}, {Term: 9, First: 12}},
	})
	tests := []struct {
		name string
		i    wire.Index
		t    wire.Term
		want string
	}{
		{"the log is shorter", 99, 9, "t9/i14"},
		{"the log is shorter, a later term", 99, 12, "t9/i14"},
		{"conflict with a later term", 13, 6, "t6/i11"},
		{"conflict in a term that the log lacks", 14, 8, "t6/i11"},
		{"index inside a run", 10, 9, "t6/i10"},
		{"index inside a run of too late a term", 10, 5, "t5/i8"},
		{"first entry", 5, 4, "t4/i5"},
		{"only the compacted point", 14, 3, "t3/i4"},
		{"the compacted point itself", 4, 3, "t3/i4"},
		{"before the compacted point", 3, 9, "t0/i0"},
		{"term before the compacted point's", 14, 2, "t0/i0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := l.LastNotAfter(test.i, test.t).String(); got != test.want {
				t.Errorf("LastNotAfter(%d, %d) is %s, want %s", test.i, test.t, got, test.want)
			}
		})
	}
}

func TestCompactInsideRuns(t *testing.T) {
	tests := []struct {
		to   wire.Index
		want string
	}{
		{0, "t0/i0 [{1 1} {2 3} {4 4}]"},
		{1, "t1/i1 [{1 2} {2 3} {4 4}]"},
		{2, "t1/i2 [{2 3} {4 4}]"},
		{3, "t2/i3 [{4 4}]"},
		{4, "t4/i4 [{4 5}]"},
		{6, "t4/i6 []"},
	}
	for _, test := range tests {
		var l Log
		l.Append(1, 2)
		l.Append(2, 1)
		l.Append(4, 3)
		l.CompactTo(test.to)
		l.CompactTo(0)
		if got := fmt.Sprint(l.Compacted(), " ", l.Runs()); got != test.want || l.Last() != 6 {
			t.Errorf("compacted to %d: %s, last %d, want %s, last 6", test.to, got, l.Last(), test.want)
		}
	}
}

func TestViolations(t *testing.T) {
	log := func() *Log {
		var l Log
		l.Append(2, 3)
		l.Append(4, 3)
		l.CompactTo(2)
		return &l
	}
	at := func(term wire.Term, index wire.Index) wire.LogID { return wire.LogID{Term: term, Index: index} }
	tests := map[string]func(){
		"a term falls":                func() { log().Append(3, 1) },
		"a term of zero":              func() { new(Log).Append(0, 1) },
		"nothing appended":            func() { log().Append(4, 0) },
		"overflow":                    func() { l := new(Log); l.Reset(at(1, ^wire.Index(0))); l.Append(1, 1) },
		"truncation of compacted":     func() { log().TruncateFrom(2) },
		"compaction beyond the end":   func() { log().CompactTo(7) },
		"state: last too low":         func() { New(wire.LogState{Compacted: at(1, 5), Last: 4}) },
		"state: entries without runs": func() { New(wire.LogState{Last: 4}) },
		"state: runs without entries": func() { New(wire.LogState{Terms: []wire.TermStart{{Term: 1, First: 1}}}) },
		"state: a hole in front":      func() { New(wire.LogState{Last: 4, Terms: []wire.TermStart{{Term: 1, First: 2}}}) },
		"state: a term of zero":       func() { New(wire.LogState{Last: 4, Terms: []wire.TermStart{{Term: 0, First: 1}}}) },
		"state: term before compacted": func() {
			New(wire.LogState{Compacted: at(5, 1), Last: 4, Terms: []wire.TermStart{{Term: 4, First: 2}}})
		},
		"state: terms not ascending": func() {
			New(wire.LogState{Last: 4, Terms: []wire.TermStart{{Term: 4, First: 1}, {Term: 4, First: 2}}})
		},
		"state: starts not ascending": func() {
			New(wire.LogState{Last: 4, Terms: []wire.TermStart{{Term: 4, First: 1}, {Term: 5, First: 1}}})
		},
		"state: run behind the end": func() {
			New(wire.LogState{Last: 4, Terms: []wire.TermStart{{Term: 4, First: 1}, {Term: 5, First: 5}}})
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if _, ok := recover().(*invariant.Violation); !ok {
					t.Error("no invariant was violated")
				}
			}()
			f()
		})
	}
}

// TestBelongsToItself makes sure that neither New nor Runs shares its list.
func TestBelongsToItself(t *testing.T) {
	terms := []wire.TermStart{{Term: 1, First: 1}}
	l := New(wire.LogState{Last: 2, Terms: terms})
	terms[0].Term = 9
	l.Runs()[0].Term = 9
	if id := l.LastID(); id != (wire.LogID{Term: 1, Index: 2}) {
		t.Errorf("last is %v", id)
	}
}
