// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// report tells what happens, line by line. Its methods may be called from any
// goroutine.
type report struct {
	out, progress io.Writer
	json          bool
	total         int
	begun         time.Time

	mu    sync.Mutex
	tries int
	// bugs has all that were tried, and whether every layer that had to notice has.
	bugs map[string]bool
}

// mutantLine is what is told of a mutant in JSON.
type mutantLine struct {
	Name     string   `json:"name"`
	Cites    []string `json:"cites"`
	Layer    string   `json:"layer"`
	Property string   `json:"property"`
	Killed   bool     `json:"killed"`
	Seconds  float64  `json:"seconds"`
	Evidence string   `json:"evidence"`
}

// summaryLine is the last line. A mutant that two layers have to notice is one mutant
// and two trials, and is killed if both have noticed.
type summaryLine struct {
	Mutants  int     `json:"mutants"`
	Killed   int     `json:"killed"`
	Survived int     `json:"survived"`
	Trials   int     `json:"trials"`
	Seconds  float64 `json:"seconds"`
}

// passed: a layer passes without any mutant.
func (r *report) passed(l layer, took time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := fmt.Fprintf(r.progress, "layer %s passes without any mutant, %.1f s\n", l.name, took.Seconds())
	return err
}

// tried: there is a verdict.
func (r *report) tried(m *mutant, v verdict) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	before, known := r.bugs[m.bug()]
	r.bugs[m.bug()] = v.killed && (before || !known)
	word := "killed"
	if !v.killed {
		word = "SURVIVED"
	}
	_, err := fmt.Fprintf(r.progress, "%d/%d %s: %s by %s, %.1f s: %s\n", r.tries, r.total, m.name, word, m.layer, v.took.Seconds(), v.evidence)
	if err != nil || !r.json {
		return err
	}
	return r.line(mutantLine{
		Name: m.name, Cites: m.cites, Layer: m.layer, Property: m.property,
		Killed: v.killed, Seconds: rounded(v.took), Evidence: v.evidence,
	})
}

// summary tells the outcome.
func (r *report) summary() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := time.Since(r.begun)
	mutants, survived := len(r.bugs), r.survivors()
	if r.json {
		return r.line(summaryLine{
			Mutants: mutants, Killed: mutants - survived, Survived: survived, Trials: r.tries, Seconds: rounded(took),
		})
	}
	_, err := fmt.Fprintf(r.out, "%d mutants, %d killed, %d survived, %.0f s\n", mutants, mutants-survived, survived, took.Seconds())
	return err
}

// survivors returns how many mutants a layer has not noticed that had to.
func (r *report) survivors() int {
	count := 0
	for _, killed := range r.bugs {
		if !killed {
			count++
		}
	}
	return count
}

func (r *report) line(value any) error {
	encoder := json.NewEncoder(r.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// rounded returns seconds with three digits behind the point.
func rounded(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// list tells what mutants there are.
func list(mutants []mutant, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MUTANT\tSEEN\tLAYER\tBUDGET\tPROPERTY")
	for i := range mutants {
		m := &mutants[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%v\t%s\n", m.name, strings.Join(m.cites, " "), m.layer, m.budget, m.property)
	}
	return table.Flush()
}
