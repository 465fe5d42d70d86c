// SPDX-License-Identifier: Apache-2.0

// Command raftmc tries every behaviour of a few members of a group, within bounds, on
// the core itself (see internal/mc):
//
//	go run ./cmd/raftmc -scope mc1
//	go run ./cmd/raftmc -scope mc2 -json
//	go run ./cmd/raftmc -scope mc4 -json
//	go run ./cmd/raftmc -scope mc5 -json
//	go run ./cmd/raftmc -scope mc8 -json
//
// It lists the bounds, then says for each part of the scope what was tried. Its last
// line sums up, as JSON with -json. The exit status is 1 if an invariant was violated
// or a part was not closed, and 2 if the command line makes no sense. A violation prints
// as a transcript and a script, which -part and -replay tell again.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/balsa-raft/raft/internal/mc"
)

// memoryMax is when the collector stops to let garbage lie. The states that are
// remembered are no garbage.
const memoryMax = 5 << 30

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// command is what the command line asks for.
type command struct {
	scope     mc.Scope
	part      int // from 1; zero is all
	script    string
	options   mc.Options
	isJSON    bool
	out, news io.Writer
}

func run(args []string, out, news io.Writer) int {
	c := command{out: out, news: news}
	flags := flag.NewFlagSet("raftmc", flag.ContinueOnError)
	flags.SetOutput(news)
	scope := flags.String("scope", "mc1", "what to try: mc1, mc2, mc4, mc5 or mc8")
	flags.IntVar(&c.part, "part", 0, "the number of the only `part` to try")
	flags.StringVar(&c.script, "replay", "", "tell what happens in a `script` in the part")
	flags.IntVar(&c.options.Workers, "workers", runtime.GOMAXPROCS(0), "how many goroutines search")
	flags.IntVar(&c.options.StatesMax, "states", 0, "give up a part at this many states; 0 is never")
	flags.BoolVar(&c.isJSON, "json", false, "print the last line as JSON")
	isVerbose := flags.Bool("v", false, "tell of every depth")
	if flags.Parse(args) != nil {
		return 2
	}
	scopes := mc.Scopes()
	i := slices.IndexFunc(scopes, func(s mc.Scope) bool { return s.Name == *scope })
	if i < 0 || c.part < 0 || c.part > len(scopes[i].Parts) || c.script != "" && c.part == 0 {
		fmt.Fprintf(news, "raftmc: there is no scope %q with part %d, or -replay without -part\n", *scope, c.part)
		return 2
	}
	c.scope = scopes[i]
	if *isVerbose {
		c.options.Level = c.tell
	}
	if c.script != "" {
		return c.replay()
	}
	debug.SetMemoryLimit(memoryMax)
	return c.check()
}

func (c *command) tell(r mc.Report) {
	fmt.Fprintf(c.news, "%s: depth %d, %d states, %d to expand, %.1f s\n", r.Part, r.Depth, r.Distinct, r.Frontier, r.Seconds)
}

func (c *command) replay() int {
	if err := mc.Replay(c.scope.Parts[c.part-1], c.script, c.out); err != nil {
		fmt.Fprintln(c.news, "raftmc:", err)
		return 2
	}
	return 0
}

func (c *command) check() int {
	total := mc.Total{Scope: c.scope.Name, Closed: true}
	fmt.Fprintf(c.out, "%s: %s\n", c.scope.Name, c.scope.About)
	for i, part := range c.scope.Parts {
		if c.part != 0 && c.part != i+1 {
			continue
		}
		bounds, err := json.Marshal(part.Bounds)
		if err != nil {
			fmt.Fprintln(c.news, "raftmc:", err)
			return 2
		}
		fmt.Fprintf(c.out, "part %d: %s\n  bounds %s\n", i+1, part.Name, bounds)
		report := mc.Check(part, c.options)
		total.Add(report)
		fmt.Fprintf(c.out, "  %d states, %d steps, depth %d, closed %v, %.1f s\n", report.Distinct, report.Generated, report.Depth, report.Closed, report.Seconds)
		// The states of a part are let go before the next one begins.
		debug.FreeOSMemory()
		if v := report.Violation; v != nil {
			fmt.Fprintf(c.out, "%s  violated: %s: %s\n  again: raftmc -scope %s -part %d -replay %q\n", v.Transcript, v.Invariant, v.Detail, c.scope.Name, i+1, v.Script)
			break
		}
	}
	return c.conclude(&total)
}

func (c *command) conclude(total *mc.Total) int {
	if c.isJSON {
		line, err := json.Marshal(total)
		if err != nil {
			fmt.Fprintln(c.news, "raftmc:", err)
			return 2
		}
		fmt.Fprintf(c.out, "%s\n", line)
	} else {
		fmt.Fprintf(c.out, "%s: %d states, %d steps, depth %d, closed %v, %d violations, %.1f s\n",
			total.Scope, total.Distinct, total.Generated, total.Depth, total.Closed, total.Violations, total.Seconds)
	}
	if total.Violations > 0 || !total.Closed {
		return 1
	}
	return 0
}
