// SPDX-License-Identifier: Apache-2.0

package logindex

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Log is the index of one group's log. The zero value is an empty log, whose first
// entry will have index 1.
type Log struct {
	// compacted is the point before the first entry held.
	compacted wire.LogID
	// last is the last entry. Invariant: last >= compacted.Index.
	last wire.Index
	// runs are the runs of one term. Invariant: ascending strictly in Term and in
	// First, and none below compacted.Term; the first begins right behind compacted;
	// the last begins at or before last; empty if and only if last == compacted.Index.
	runs []wire.TermStart
}

// New returns the log that a log store describes with Compacted, Last and Terms,
// which it copies. A description that contradicts itself violates an invariant.
func New(state wire.LogState) *Log {
	l := &Log{compacted: state.Compacted, last: state.Last, runs: slices.Clone(state.Terms)}
	l.check()
	return l
}

// Compacted returns the point before the first entry held: the last entry that was
// compacted, or that a snapshot covers. It is zero when the log is whole.
func (l *Log) Compacted() wire.LogID { return l.compacted }

// First returns the index of the first entry held, or of the next entry if none is.
func (l *Log) First() wire.Index { return l.compacted.Index + 1 }

// Last returns the index of the last entry, that of Compacted if none is held.
func (l *Log) Last() wire.Index { return l.last }

// LastID returns the last entry, or Compacted if none is held.
func (l *Log) LastID() wire.LogID {
	if len(l.runs) == 0 {
		return l.compacted
	}
	return wire.LogID{Term: l.runs[len(l.runs)-1].Term, Index: l.last}
}

// Term returns the term of an entry held or of the compacted point, which is index 0
// with term 0 while nothing is compacted. It is false for every other index.
func (l *Log) Term(i wire.Index) (wire.Term, bool) {
	if i == l.compacted.Index {
		return l.compacted.Term, true
	}
	if i < l.compacted.Index || i > l.last {
		return 0, false
	}
	return l.runs[l.runOf(i)].Term, true
}

// Matches reports whether the log has this entry, held or as the compacted point.
func (l *Log) Matches(id wire.LogID) bool {
	term, ok := l.Term(id.Index)
	return ok && term == id.Term
}

// LastNotAfter returns the last entry, or the compacted point, whose index is at most
// i and whose term is at most t. That is how a follower answers a request whose
// previous entry it lacks: no entry between the two can match (§5.3). It is zero if
// even the compacted point lies behind i or t.
func (l *Log) LastNotAfter(i wire.Index, t wire.Term) wire.LogID {
	if i < l.compacted.Index || t < l.compacted.Term {
		return wire.LogID{}
	}
	n, _ := slices.BinarySearchFunc(l.runs, t, func(run wire.TermStart, t wire.Term) int {
		if run.Term <= t {
			return -1
		}
		return 1
	})
	end := l.last
	if n < len(l.runs) {
		end = l.runs[n].First - 1
	}
	end = min(end, i)
	term, _ := l.Term(end)
	return wire.LogID{Term: term, Index: end}
}

// Runs returns the runs of entries of one term, as wire.LogState.Terms has them. They
// are a copy.
func (l *Log) Runs() []wire.TermStart { return slices.Clone(l.runs) }

// Clone returns a copy that shares nothing with the log.
func (l *Log) Clone() *Log {
	return &Log{compacted: l.compacted, last: l.last, runs: slices.Clone(l.runs)}
}

// runOf returns the position of the run that holds the entry. The entry must be held.
func (l *Log) runOf(i wire.Index) int {
	// The newest entries are asked for most.
	if n := len(l.runs) - 1; l.runs[n].First <= i {
		return n
	}
	n, _ := slices.BinarySearchFunc(l.runs, i, func(run wire.TermStart, i wire.Index) int {
		if run.First <= i {
			return -1
		}
		return 1
	})
	return n - 1
}
