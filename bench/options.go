// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balsa-raft/raft/bench/load"
)

// ours and bound are the systems that the others are not compared with: this
// library, and what the machine allows.
const (
	ours  = "raft"
	bound = "limit"
)

// allSystems are the folders of peers, in the order of the tables.
var allSystems = []string{ours, "hashicorp", "dragonboat", "etcd", bound}

// options is what the command line asks for.
type options struct {
	systems    []string
	clients    []int
	payloads   []int
	gomaxprocs []int
	rounds     int
	warmup     time.Duration
	window     time.Duration
	dir        string
	json       string
	verify     bool
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	systems := flags.String("systems", "all", "systems to compare: all, or some of "+strings.Join(allSystems, ","))
	clients := flags.String("clients", "1,256,1024", "numbers of closed-loop clients")
	payloads := flags.String("payload", "128", "sizes of a command in bytes")
	procs := flags.String("gomaxprocs", strconv.Itoa(4*runtime.NumCPU()), "values of GOMAXPROCS; the default is four times the cores")
	seconds := flags.Float64("seconds", 5, "how long to measure a cell")
	flags.DurationVar(&o.warmup, "warmup", time.Second, "how long to run a cell before measuring")
	flags.IntVar(&o.rounds, "rounds", 3, "how often to measure every cell; the tables show medians")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "where to put the logs: a folder on a real disk")
	flags.StringVar(&o.json, "json", "", "where to write every cell as a line of JSON; - is the standard output")
	flags.BoolVar(&o.verify, "verify", false, "instead of measuring, count with strace how often each system syncs")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.window = time.Duration(*seconds * float64(time.Second))
	var err error
	if o.systems, err = systemNames(*systems); err != nil {
		return o, err
	}
	for _, list := range []struct {
		flag, text string
		least      int
		into       *[]int
	}{
		{"clients", *clients, 1, &o.clients},
		{"payload", *payloads, load.CommandBytesMin, &o.payloads},
		{"gomaxprocs", *procs, 1, &o.gomaxprocs},
	} {
		if *list.into, err = numbers(list.text, list.least); err != nil {
			return o, fmt.Errorf("bench: -%s: %w", list.flag, err)
		}
	}
	if o.rounds < 1 || o.window <= 0 || flags.NArg() > 0 {
		return o, fmt.Errorf("bench: -rounds and -seconds must be positive, and %q is too much", flags.Args())
	}
	return o, nil
}

func systemNames(list string) ([]string, error) {
	if list == "all" {
		return allSystems, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(allSystems, name) {
			return nil, fmt.Errorf("bench: -systems: there is no %q among %s", name, strings.Join(allSystems, ", "))
		}
	}
	return names, nil
}

func numbers(list string, least int) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < least {
			return nil, fmt.Errorf("%q is not a number of at least %d", text, least)
		}
		all = append(all, n)
	}
	return all, nil
}
