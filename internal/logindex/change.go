// SPDX-License-Identifier: Apache-2.0

package logindex

import (
	"slices"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// Append adds entries of one term at the end. The term must not be lower than that
// of the last entry, nor zero; count must be positive.
func (l *Log) Append(term wire.Term, count int) {
	lastTerm := l.LastID().Term
	invariant.Check(term >= lastTerm && term > 0, "terms in a log never fall", "term", term, "last", lastTerm)
	invariant.Check(count > 0, "something is appended", "count", count)
	invariant.Check(l.last+wire.Index(count) > l.last, "indexes do not overflow", "last", l.last)
	if len(l.runs) == 0 || term > lastTerm {
		l.runs = append(l.runs, wire.TermStart{Term: term, First: l.last + 1})
	}
	l.last += wire.Index(count)
}

// TruncateFrom drops the entry and all behind it. It does nothing if there are none.
// What was compacted cannot be dropped: i must be greater than Compacted().Index.
func (l *Log) TruncateFrom(i wire.Index) {
	invariant.Check(i > l.compacted.Index, "no compacted entry is truncated", "from", i, "compacted", l.compacted.Index)
	if i > l.last {
		return
	}
	n := l.runOf(i)
	if l.runs[n].First < i {
		n++
	}
	l.runs = l.runs[:n]
	l.last = i - 1
	l.checkExpensive()
}

// CompactTo drops the entries up to and including i, which becomes the compacted
// point. It does nothing if that was compacted already; i must not be beyond the last
// entry.
func (l *Log) CompactTo(i wire.Index) {
	invariant.Check(i <= l.last, "only entries held are compacted", "to", i, "last", l.last)
	if i <= l.compacted.Index {
		return
	}
	n := l.runOf(i)
	l.compacted = wire.LogID{Term: l.runs[n].Term, Index: i}
	if i == l.last {
		n++
	}
	l.runs = slices.Delete(l.runs, 0, n)
	if len(l.runs) > 0 {
		l.runs[0].First = max(l.runs[0].First, i+1)
		l.dropEmptyRun()
	}
	l.checkExpensive()
}

// dropEmptyRun drops the first run if the second begins where it does: the compacted
// entry was its last.
func (l *Log) dropEmptyRun() {
	if len(l.runs) > 1 && l.runs[0].First == l.runs[1].First {
		l.runs = slices.Delete(l.runs, 0, 1)
	}
}

// Reset drops everything; the log then begins right behind id, which a snapshot covers.
func (l *Log) Reset(id wire.LogID) {
	l.compacted, l.last, l.runs = id, id.Index, nil
}

// check verifies the invariants of the fields.
func (l *Log) check() {
	invariant.Check(l.last >= l.compacted.Index, "the log ends at or behind the compacted point",
		"last", l.last, "compacted", l.compacted)
	invariant.Check((len(l.runs) == 0) == (l.last == l.compacted.Index), "there are runs if and only if there are entries",
		"runs", l.runs, "last", l.last, "compacted", l.compacted)
	for i, run := range l.runs {
		if i == 0 {
			invariant.Check(run.First == l.compacted.Index+1 && run.Term >= l.compacted.Term && run.Term > 0,
				"the first run follows the compacted point", "run", run, "compacted", l.compacted)
			continue
		}
		invariant.Check(run.First > l.runs[i-1].First && run.Term > l.runs[i-1].Term,
			"runs ascend", "run", run, "before", l.runs[i-1])
	}
	if n := len(l.runs); n > 0 {
		invariant.Check(l.runs[n-1].First <= l.last, "the last run is not empty", "run", l.runs[n-1], "last", l.last)
	}
}

func (l *Log) checkExpensive() {
	if invariant.Enabled {
		l.check()
	}
}
