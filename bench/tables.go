// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/balsa-raft/raft/bench/load"
)

// key names a cell; the rounds have it in common.
type key struct {
	system                       string
	gomaxprocs, payload, clients int
}

// cells are all rounds of all cells.
type cells map[key][]load.Result

func collect(results []load.Result) cells {
	all := make(cells)
	for _, r := range results {
		k := key{r.System, r.GOMAXPROCS, r.Payload, r.Clients}
		all[k] = append(all[k], r)
	}
	return all
}

// median returns the median of a value over the rounds; a cell that is invalid in
// one round has none.
func (c cells) median(k key, value func(load.Result) float64) (float64, bool) {
	var values []float64
	for _, r := range c[k] {
		if r.Invalid != "" {
			return 0, false
		}
		values = append(values, value(r))
	}
	if len(values) == 0 {
		return 0, false
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2, true
}

func rate(r load.Result) float64       { return r.OpsPerSecond }
func p50(r load.Result) float64        { return r.P50 / 1000 }
func p99(r load.Result) float64        { return r.P99 / 1000 }
func processors(r load.Result) float64 { return r.CPUSeconds * 1e6 / float64(max(r.Ops, 1)) }

// printTables prints the medians, and then what does not count.
func printTables(w io.Writer, o options, results []load.Result) error {
	all := collect(results)
	for _, payload := range o.payloads {
		for _, procs := range o.gomaxprocs {
			t := tables{w, o, all, payload, procs}
			t.print("writes a second", func(k key) string { return all.format(k, "%.0f", rate) }, t.ratios)
			t.print("latency p50 / p99, ms", func(k key) string {
				return all.format(k, "%.2f", p50) + " / " + all.format(k, "%.2f", p99)
			}, nil)
			t.print("processor time a write, us, three replicas and the clients", func(k key) string {
				return all.format(k, "%.1f", processors)
			}, nil)
		}
	}
	return printInvalid(w, results)
}

func (c cells) format(k key, format string, value func(load.Result) float64) string {
	v, ok := c.median(k, value)
	if !ok {
		return "invalid"
	}
	return fmt.Sprintf(format, v)
}

// tables prints the tables for one size and one value of GOMAXPROCS.
type tables struct {
	w       io.Writer
	o       options
	cells   cells
	payload int
	procs   int
}

func (t tables) key(system string, clients int) key {
	return key{system, t.procs, t.payload, clients}
}

func (t tables) print(title string, cell func(key) string, more func() [][]string) {
	fmt.Fprintf(t.w, "%s, %d-byte commands, GOMAXPROCS=%d, median of %d\n\n", title, t.payload, t.procs, t.o.rounds)
	head := []string{"clients"}
	for _, n := range t.o.clients {
		head = append(head, fmt.Sprint(n))
	}
	rows := [][]string{head}
	for _, system := range t.o.systems {
		row := []string{system}
		for _, n := range t.o.clients {
			row = append(row, cell(t.key(system, n)))
		}
		rows = append(rows, row)
	}
	if more != nil {
		rows = append(rows, more()...)
	}
	printRows(t.w, rows)
}

// ratios compares this library with the best of its peers and with the limit.
func (t tables) ratios() [][]string {
	if !slices.Contains(t.o.systems, ours) {
		return nil
	}
	peer, limit := []string{ours + " / best peer"}, []string{ours + " / " + bound}
	for _, n := range t.o.clients {
		mine, _ := t.cells.median(t.key(ours, n), rate)
		best := 0.0
		for _, system := range t.o.systems {
			if v, _ := t.cells.median(t.key(system, n), rate); system != ours && system != bound {
				best = max(best, v)
			}
		}
		most, _ := t.cells.median(t.key(bound, n), rate)
		peer, limit = append(peer, ratio(mine, best)), append(limit, ratio(mine, most))
	}
	return [][]string{peer, limit}
}

func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// printRows prints a table that is readable as text and as Markdown: names to the
// left, numbers to the right.
func printRows(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], len(text))
		}
	}
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width) + ":"
	}
	rule[0] = strings.Repeat("-", widths[0]+1)
	for i, row := range rows {
		fmt.Fprintf(w, "| %-*s ", widths[0], row[0])
		for column, text := range row[1:] {
			fmt.Fprintf(w, "| %*s ", widths[column+1], text)
		}
		fmt.Fprintln(w, "|")
		if i == 0 {
			fmt.Fprintf(w, "| %s|\n", strings.Join(rule, "| "))
		}
	}
	fmt.Fprintln(w)
}

func printInvalid(w io.Writer, results []load.Result) error {
	bad := 0
	for _, r := range results {
		if r.Invalid != "" {
			bad++
			fmt.Fprintf(w, "does not count: %s, %d clients, %d bytes, GOMAXPROCS=%d, round %d: %s\n",
				r.System, r.Clients, r.Payload, r.GOMAXPROCS, r.Round, r.Invalid)
		}
	}
	if bad > 0 {
		return errInvalid
	}
	return nil
}
