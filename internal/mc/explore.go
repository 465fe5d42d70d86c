// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a scope is searched.
type Options struct {
	// Workers is the number of goroutines that search, at least one.
	Workers int
	// StatesMax ends the search when as many states were found; zero is never.
	StatesMax int
	// Level is told when all states of a depth have been expanded, unless nil.
	Level func(Report)
}

// Report says what a search has found.
type Report struct {
	Part     string `json:"part"`
	Bounds   Bounds `json:"bounds"`
	Distinct uint64 `json:"distinct"`
	// Generated counts the steps tried, less those that do nothing.
	Generated uint64 `json:"generated"`
	Depth     int    `json:"depth"`
	// Closed says that there is nothing left to try within the bounds.
	Closed     bool    `json:"closed"`
	Violations int     `json:"violations"`
	Seconds    float64 `json:"seconds"`
	// Members, Messages and Answers count the different states of one member, the
	// different messages, and the events that the core was asked about.
	Members  int `json:"members"`
	Messages int `json:"messages"`
	Answers  int `json:"answers"`
	// Frontier is the number of states to be expanded next.
	Frontier int `json:"frontier"`
	// Violation is what was found, nil if nothing.
	Violation *Violation `json:"violation,omitempty"`
}

// Check searches a part of a scope, level by level, until nothing is left to try, or an invariant
// is violated: then by a behaviour than which none is shorter. All counts depend on the
// part alone, and so does the violation.
func Check(part Part, options Options) Report {
	return newModel(part.Bounds).search(part.Name, options)
}

// search is Check. Which violation of the shortest is found first depends on the workers;
// a single one finds the same each time.
func (m *model) search(name string, options Options) Report {
	e := newExplorer(m, name, options)
	report := e.run()
	if report.Violations > 0 && options.Workers > 1 {
		options.Workers = 1
		alone := newModel(m.bounds)
		alone.tamper, alone.ignored, alone.isPlain, alone.isNamed = m.tamper, m.ignored, m.isPlain, m.isNamed
		report = newExplorer(alone, name, options).run()
	}
	return report
}

// explorer is a search under way.
type explorer struct {
	m       *model
	options Options
	visited *visited
	workers []*worker
	begun   time.Time
	report  Report
	// origins are those of all states that were reached, by number.
	origins []origin
	// pieces are the records of the states to be expanded, numbers those of the first
	// state of each.
	pieces  [][]uint32
	numbers []uint32
}

func newExplorer(m *model, name string, options Options) *explorer {
	e := &explorer{m: m, options: options, visited: newVisited(), begun: time.Now()}
	e.report = Report{Part: name, Bounds: m.bounds, Distinct: 1, Frontier: 1}
	for range max(options.Workers, 1) {
		e.workers = append(e.workers, newWorker(m, e.visited))
	}
	first := m.initial()
	sums := make([]hash, len(m.relabels))
	m.sums(first, sums)
	e.visited.add(m.least(sums))
	e.origins = []origin{{}}
	e.pieces, e.numbers = [][]uint32{first.appendTo(nil)}, []uint32{0}
	return e
}

func (e *explorer) run() Report {
	for len(e.pieces) > 0 && e.report.Violation == nil {
		if e.options.StatesMax > 0 && len(e.origins) >= e.options.StatesMax {
			break
		}
		e.expandLevel()
		e.collect()
		if e.options.Level != nil {
			e.options.Level(e.report)
		}
	}
	e.report.Closed = len(e.pieces) == 0 && e.report.Violation == nil
	return e.report
}

// expandLevel lets the workers expand all pieces, and waits for them.
func (e *explorer) expandLevel() {
	var next atomic.Int64
	var wait sync.WaitGroup
	for _, w := range e.workers {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(e.pieces)) && w.violation == nil; i = next.Add(1) - 1 {
				w.expandPiece(e.pieces[i], e.numbers[i])
			}
		})
	}
	wait.Wait()
}

func (w *worker) expandPiece(piece []uint32, number uint32) {
	for w.number = number; len(piece) > 0 && w.violation == nil; w.number++ {
		piece = w.state.read(piece, w.m.bounds.Nodes)
		w.expand()
	}
}

// collect takes over what the workers have found, which is the next level.
func (e *explorer) collect() {
	e.pieces, e.numbers = nil, nil
	e.report.Generated, e.report.Frontier = 0, 0
	for _, w := range e.workers {
		number := uint32(len(e.origins))
		for _, piece := range w.records {
			e.pieces, e.numbers = append(e.pieces, piece), append(e.numbers, number)
			number += countRecords(piece)
		}
		e.origins = append(e.origins, w.origins...)
		e.report.Frontier += len(w.origins)
		e.report.Generated += w.generated
		w.records, w.origins = nil, w.origins[:0]
		if w.violation != nil && e.report.Violation == nil {
			e.report.Violation = e.witness(w.violation, w.violatedBy)
			e.report.Violations = 1
		}
	}
	if len(e.pieces) > 0 || e.report.Violation != nil {
		e.report.Depth++
	}
	e.report.Distinct = uint64(len(e.origins))
	e.report.Seconds = time.Since(e.begun).Seconds()
	e.report.Members, e.report.Messages, e.report.Answers = e.m.locals.count(), e.m.messages.count(), e.m.outcomes.count()
}

func countRecords(piece []uint32) uint32 {
	n := uint32(0)
	for ; len(piece) > 0; n++ {
		piece = piece[1+piece[0]:]
	}
	return n
}
