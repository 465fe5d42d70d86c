// SPDX-License-Identifier: Apache-2.0

// Command raftsim runs clusters of the production code in a simulated world with
// faults, and looks for violations of what Raft promises. See package internal/sim.
//
//	raftsim -seed 7 -v        run one seed, and tell what happens
//	raftsim -seeds 500 -json  run the seeds 1 to 500, and sum up
//
// It exits with 1 if there was a violation, or if a kind of fault that was to happen
// never did.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/balsa-raft/raft/internal/sim"
)

// settings are the command's flags.
type settings struct {
	seed, first    uint64
	seeds, workers int
	asJSON         bool
	verbose        bool
	duration       time.Duration
	nodes          int
	without, only  string
	standard, long bool
	pairs          int
	measure        string
	trials         int
	profile        string
}

// A run needs little memory and makes much garbage, which may pile up to these bounds.
const (
	garbagePercent = 800
	memoryBytes    = 1 << 30
)

func main() {
	var s settings
	flag.Uint64Var(&s.seed, "seed", 0, "run this seed only")
	flag.Uint64Var(&s.first, "first", 1, "with -seeds, the first of them")
	flag.IntVar(&s.seeds, "seeds", 100, "how many seeds to run")
	flag.IntVar(&s.workers, "workers", runtime.GOMAXPROCS(0), "how many seeds to run at once")
	flag.BoolVar(&s.asJSON, "json", false, "print what became of each seed and a sum as JSON, one object a line")
	flag.BoolVar(&s.verbose, "v", false, "with -seed, tell what happens")
	flag.DurationVar(&s.duration, "duration", 0, "how long faults happen; 0 means what the seed says")
	flag.IntVar(&s.nodes, "nodes", 0, "how many nodes there are; 0 means what the seed says")
	flag.BoolVar(&s.long, "long", false, "make each run one with ten minutes of faults")
	flag.IntVar(&s.pairs, "pairs", 0, "run so many seeds twice, on one processor and on all, and compare")
	flag.StringVar(&s.measure, "measure", "", "measure what has this name, or a name that begins so, or all, in virtual time, and compare it with the goals")
	flag.IntVar(&s.trials, "trials", 0, "with -measure, how many trials; 0 means as many as usual")
	flag.BoolVar(&s.standard, "standard", false, "instead of what seeds say, have three nodes, ten commands a second, and common faults, and say how fast that was")
	flag.StringVar(&s.without, "without", "", "kinds of faults to leave out, separated by commas")
	flag.StringVar(&s.only, "only", "", "kinds of faults that alone may happen")
	flag.StringVar(&s.profile, "cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(memoryBytes)
	os.Exit(run(&s, os.Stdout, os.Stderr))
}

func run(s *settings, stdout, stderr io.Writer) int {
	base, err := s.options()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	if s.profile != "" {
		file, err := os.Create(s.profile)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 2
		}
		defer func() { _ = file.Close() }() // A lost profile is noticed by who wants it.
		if err := pprof.StartCPUProfile(file); err != nil {
			fmt.Fprintln(stderr, err)
			return 2
		}
		defer pprof.StopCPUProfile()
	}
	switch {
	case s.measure != "":
		return runMeasurements(s, stdout)
	case s.seed != 0:
		return runOne(s, base, stdout)
	case s.pairs > 0:
		return runPairs(s, base, stdout)
	}
	return runMany(s, base, stdout)
}

// options are those that all seeds have in common.
func (s *settings) options() (sim.Options, error) {
	without, err := sim.ParseFaults(s.without)
	if err != nil {
		return sim.Options{}, err
	}
	if s.only != "" {
		only, err := sim.ParseFaults(s.only)
		if err != nil {
			return sim.Options{}, err
		}
		without = without.And(sim.AllFaults().Minus(only))
	}
	if s.nodes < 0 || s.nodes > 7 {
		return sim.Options{}, fmt.Errorf("raftsim: %d nodes; there can be 1 to 7", s.nodes)
	}
	return sim.Options{Duration: s.duration, Nodes: s.nodes, Without: without, Long: s.long, Standard: s.standard}, nil
}

// runOne runs one seed and, if that fails, looks for less that fails.
func runOne(s *settings, o sim.Options, stdout io.Writer) int {
	o.Seed = s.seed
	if s.verbose {
		buffered := bufio.NewWriterSize(stdout, 1<<20)
		o.Transcript = buffered
		defer func() { _ = buffered.Flush() }() // Nobody is left to be told.
		stdout = buffered
	}
	result := sim.Run(o)
	printResult(stdout, &result)
	if result.Violation == nil {
		return 0
	}
	o.Transcript = nil
	printFailure(stdout, o, &result)
	return 1
}
