// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/balsa-raft/raft/internal/sim"
)

// summary is the last line of the output.
type summary struct {
	Seeds          int               `json:"seeds"`
	Violations     int               `json:"violations"`
	SimulatedHours float64           `json:"simulated_hours"`
	NodeHours      float64           `json:"node_hours"`
	Events         uint64            `json:"events"`
	RefinedSteps   uint64            `json:"refined_steps"`
	Acknowledged   uint64            `json:"acknowledged"`
	Refused        uint64            `json:"refused"`
	Unknown        uint64            `json:"unknown"`
	Abandoned      uint64            `json:"abandoned"`
	Committed      uint64            `json:"committed"`
	LostDisks      int               `json:"lost_disks"`
	Faults         map[string]uint64 `json:"faults"`
	Kinds          int               `json:"kinds"`
	// Snapshots counts what happened about snapshots.
	Snapshots sim.SnapshotCounts `json:"snapshots"`
	// Changes counts what happened about changes of membership.
	Changes sim.ChangeCounts `json:"changes"`
	Idle    []string         `json:"kinds_without_effect,omitempty"`
	Failed  []uint64         `json:"failed_seeds,omitempty"`
	// HealMax is the longest time, in election time-outs, that a cluster needed to settle.
	HealMax     float64 `json:"heal_max_timeouts"`
	Hash        string  `json:"hash"`
	WallSeconds float64 `json:"wall_seconds"`
	// HoursPerMinute is how many hours of a cluster one minute of this machine is worth.
	HoursPerMinute float64 `json:"cluster_hours_per_minute"`
}

// runMany runs seeds side by side and reports them in order.
func runMany(s *settings, base sim.Options, stdout io.Writer) int {
	began := time.Now()
	t := total{summary: summary{Faults: map[string]uint64{}}}
	t.isSample = s.seeds < wholeSeeds || base.Standard || base.Duration > 0 || !base.Without.IsEmpty()
	each(s.seeds, s.workers, func(i int) sim.Result {
		o := base
		o.Seed = s.first + uint64(i)
		return sim.Run(o)
	}, func(result sim.Result) {
		t.add(&result)
		printProgress(stdout, s.asJSON, &result)
		if result.Violation != nil {
			o := base
			o.Seed = result.Seed
			printFailure(stdout, o, &result)
		}
	})
	return t.print(stdout, time.Since(began))
}

// each does something with the numbers below count, as many at once as there are workers,
// and hands over the results in order.
func each[T any](count, workers int, do func(i int) T, take func(T)) {
	results := make([]chan T, count)
	for i := range results {
		results[i] = make(chan T, 1)
	}
	next := make(chan int)
	var running sync.WaitGroup
	for range max(workers, 1) {
		running.Go(func() {
			for i := range next {
				results[i] <- do(i)
			}
		})
	}
	running.Go(func() {
		defer close(next)
		for i := range results {
			next <- i
		}
	})
	for i := range results {
		take(<-results[i])
	}
	running.Wait()
}

// total adds up results.
type total struct {
	summary
	counts  sim.Counts
	planned sim.Faults
	useful  sim.Faults
	hash    uint64
	// isSample says that the run is not one that has to see everything.
	isSample bool
}

func (t *total) add(r *sim.Result) {
	t.Seeds++
	if r.Violation != nil {
		t.Violations++
		t.Failed = append(t.Failed, r.Seed)
	}
	t.SimulatedHours += r.Simulated.Hours()
	t.NodeHours += r.Simulated.Hours() * float64(r.Nodes)
	t.Events += r.Events
	t.RefinedSteps += r.RefinedSteps
	t.Acknowledged += r.Acknowledged
	t.Refused += r.Refused
	t.Unknown += r.Unknown
	t.Abandoned += r.Lost
	t.Committed += r.Committed
	t.LostDisks += r.LostDisks
	t.Snapshots.Add(&r.Snapshots)
	t.Changes.Add(&r.Changes)
	t.HealMax = max(t.HealMax, r.HealingTimeouts())
	t.hash = t.hash*0x100000001b3 ^ r.Hash
	for f, count := range r.Counts {
		t.counts[f] += count
	}
	t.planned, t.useful = t.planned.And(r.Planned), t.useful.And(r.Useful)
}

// wholeSeeds is how many seeds are enough for everything to happen about snapshots.
const wholeSeeds = 300

// idleSnapshots names what never happened about snapshots.
func (t *total) idleSnapshots() (idle []string) {
	c := &t.Snapshots
	for _, kind := range []struct {
		name  string
		count uint64
	}{
		{"taken", c.Taken}, {"sent", c.Sent}, {"installed", c.Installed},
		{"interrupted", c.Interrupted}, {"resumed", c.Resumed}, {"compacted", c.Compacted},
	} {
		if kind.count == 0 {
			idle = append(idle, "snapshots "+kind.name)
		}
	}
	return idle
}

// idleChanges names what never happened about changes of membership.
func (t *total) idleChanges() (idle []string) {
	c := &t.Changes
	for _, kind := range []struct {
		name  string
		count uint64
	}{
		{"begun", c.Begun}, {"caught up", c.CaughtUp}, {"joint", c.Joint}, {"final", c.Final}, {"of one step", c.OneStep},
		{"retargeted", c.Retargeted}, {"cancelled", c.Cancelled}, {"refused", c.Refused},
		{"with a leader killed in catch-up", c.KilledIn.CatchUp}, {"with a leader killed while joint", c.KilledIn.Joint},
		{"with a leader killed at the end", c.KilledIn.Final},
	} {
		if kind.count == 0 {
			idle = append(idle, "changes "+kind.name)
		}
	}
	return idle
}

// print prints the sum. A kind of fault that was planned and never happened, or never
// with a command acknowledged afterwards, is a failure: the run has not tested it.
func (t *total) print(stdout io.Writer, took time.Duration) int {
	for f, count := range t.counts {
		kind := sim.Fault(f)
		t.Faults[kind.String()] = count
		if count > 0 {
			t.Kinds++
		}
		if t.planned.Has(kind) && (count == 0 || !t.useful.Has(kind)) {
			t.Idle = append(t.Idle, kind.String())
		}
	}
	if !t.isSample {
		t.Idle = append(t.Idle, t.idleSnapshots()...)
		t.Idle = append(t.Idle, t.idleChanges()...)
	}
	t.Hash = fmt.Sprintf("%016x", t.hash)
	t.WallSeconds = took.Seconds()
	t.HoursPerMinute = t.SimulatedHours / took.Minutes()
	line, err := json.Marshal(&t.summary)
	if err != nil {
		fmt.Fprintln(stdout, err)
		return 2
	}
	fmt.Fprintf(stdout, "%s\n", line)
	if t.Violations > 0 || len(t.Idle) > 0 {
		return 1
	}
	return 0
}

func printProgress(stdout io.Writer, asJSON bool, r *sim.Result) {
	if !asJSON {
		printResult(stdout, r)
		return
	}
	violation := ""
	if r.Violation != nil {
		violation = r.Violation.Error()
	}
	line, err := json.Marshal(map[string]any{
		"seed": r.Seed, "nodes": r.Nodes, "violation": violation, "simulated_s": r.Simulated.Seconds(), "events": r.Events,
		"acknowledged": r.Acknowledged, "committed": r.Committed, "term": r.Term, "heal_timeouts": r.HealingTimeouts(), "hash": fmt.Sprintf("%016x", r.Hash),
	})
	if err == nil {
		fmt.Fprintf(stdout, "%s\n", line)
	}
}

func printResult(stdout io.Writer, r *sim.Result) {
	verdict := "ok"
	if r.Violation != nil {
		verdict = "VIOLATION " + r.Violation.Error()
	}
	fmt.Fprintf(stdout, "seed %d: %d nodes, %.1f s, %d events, %d commands acknowledged, %d refused, %d unknown, %d abandoned, "+
		"%d committed, term %d, healed in %v, hash %016x: %s\n",
		r.Seed, r.Nodes, r.Simulated.Seconds(), r.Events, r.Acknowledged, r.Refused, r.Unknown, r.Lost,
		r.Committed, r.Term, r.Healing.Round(time.Millisecond), r.Hash, verdict)
}

// printFailure says how to see a failure again, and how with less.
func printFailure(stdout io.Writer, o sim.Options, r *sim.Result) {
	fmt.Fprintf(stdout, "reproduce: go run ./cmd/raftsim -seed %d%s -v\n", r.Seed, flags(o))
	smaller, result := sim.Shrink(o, *r)
	fmt.Fprintf(stdout, "smaller:   go run ./cmd/raftsim -seed %d%s -v   # %v\n", r.Seed, flags(smaller), result.Violation)
}

// flags are what makes the command run with the same options.
func flags(o sim.Options) string {
	text := ""
	if o.Long {
		text += " -long"
	}
	if o.Standard {
		text += " -standard"
	}
	if o.Duration > 0 {
		text += fmt.Sprintf(" -duration %v", o.Duration)
	}
	if o.Nodes > 0 {
		text += fmt.Sprintf(" -nodes %d", o.Nodes)
	}
	if !o.Without.IsEmpty() {
		text += " -without " + o.Without.String()
	}
	return text
}
