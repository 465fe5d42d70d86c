// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/balsa-raft/raft/internal/sim"
)

// measurement is something that is measured in virtual time, over many seeds.
type measurement struct {
	name, what, unit string
	trials           int // of a full measurement
	run              func(seed uint64) sim.Trial
	value            func(t *sim.Trial) float64
	// skips says which trials have no value.
	skips func(t *sim.Trial) bool
	// goals are bounds, by the name of the figure.
	goals map[string]float64
}

// figures are what a measurement comes to.
type figures struct {
	Name   string             `json:"name"`
	What   string             `json:"what"`
	Unit   string             `json:"unit"`
	Trials int                `json:"trials"`
	Values map[string]float64 `json:"values"`
	Goals  map[string]float64 `json:"goals,omitempty"`
	Missed []string           `json:"missed,omitempty"`
	Failed []string           `json:"failed,omitempty"`
}

// runMeasurements measures what has the given name, or a name that begins with it, and
// prints a table. A missed goal is no failure; a violation is.
func runMeasurements(s *settings, stdout io.Writer) int {
	status, found := 0, false
	for _, m := range measurements {
		if s.measure != "all" && !strings.HasPrefix(m.name, s.measure) {
			continue
		}
		if !found && !s.asJSON {
			fmt.Fprintf(stdout, "%-22s %7s  %-9s %8s %8s %8s %8s %8s  goals\n", "what", "trials", "unit", "mean", "p50", "p99", "p99.9", "max")
		}
		found = true
		f := m.measure(s)
		f.print(s, stdout)
		if len(f.Failed) > 0 {
			status = 1
		}
	}
	if !found {
		fmt.Fprintf(stdout, "raftsim: nothing that is measured is called %q\n", s.measure)
		return 2
	}
	return status
}

func (m *measurement) measure(s *settings) *figures {
	f := &figures{Name: m.name, What: m.what, Unit: m.unit, Trials: m.trials, Goals: m.goals}
	if s.trials > 0 {
		f.Trials = s.trials
	}
	var values []float64
	seed := s.first
	each(f.Trials, s.workers, func(i int) sim.Trial { return m.run(s.first + uint64(i)) }, func(t sim.Trial) {
		switch {
		case t.Violation != nil:
			f.Failed = append(f.Failed, fmt.Sprintf("seed %d: %v", seed, t.Violation))
		case m.skips == nil || !m.skips(&t):
			values = append(values, m.value(&t))
		}
		seed++
	})
	f.sum(values)
	return f
}

// sum computes the figures, and compares them with the goals.
func (f *figures) sum(values []float64) {
	f.Trials = len(values)
	if len(values) == 0 {
		return
	}
	slices.Sort(values)
	total := 0.0
	for _, v := range values {
		total += v
	}
	at := func(share float64) float64 { return values[min(int(share*float64(len(values))), len(values)-1)] }
	f.Values = map[string]float64{
		"mean": total / float64(len(values)), "p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": at(1),
	}
	for _, name := range figureNames {
		if goal, has := f.Goals[name]; has && f.Values[name] > goal {
			f.Missed = append(f.Missed, name)
		}
	}
}

var figureNames = []string{"mean", "p50", "p99", "p99.9", "max"}

func (f *figures) print(s *settings, stdout io.Writer) {
	if s.asJSON {
		line, err := json.Marshal(f)
		if err != nil {
			fmt.Fprintln(stdout, err)
			return
		}
		fmt.Fprintf(stdout, "%s\n", line)
		return
	}
	fmt.Fprintf(stdout, "%-22s %7d  %-9s", f.Name, f.Trials, f.Unit)
	for _, name := range figureNames {
		fmt.Fprintf(stdout, " %8.3f", f.Values[name])
	}
	for _, name := range figureNames {
		if goal, has := f.Goals[name]; has {
			verdict := "met"
			if slices.Contains(f.Missed, name) {
				verdict = "MISSED"
			}
			fmt.Fprintf(stdout, "  %s <= %v %s", name, goal, verdict)
		}
	}
	fmt.Fprintf(stdout, "  (%s)\n", f.What)
	for _, failure := range f.Failed {
		fmt.Fprintf(stdout, "  FAILED %s\n", failure)
	}
}

// Of a trial.
func took(t *sim.Trial) float64  { return t.Took }
func other(t *sim.Trial) float64 { return t.Other }
func count(t *sim.Trial) float64 { return float64(t.Count) }

// anHour is a number of election time-outs.
func anHour(electionTimeout time.Duration) float64 {
	return float64(time.Hour) / float64(electionTimeout)
}
