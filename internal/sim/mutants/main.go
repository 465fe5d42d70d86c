// SPDX-License-Identifier: Apache-2.0

// Command mutants proves that the tests catch what they are there for. It puts bugs
// that other implementations of Raft shipped, one at a time, into a copy of this
// module, and runs the layer of tests that has to notice, which must fail because of
// the property that the bug violates, within a budget. A mutant that survives is a hole
// in the net.
//
//	go run ./internal/sim/mutants            all of them
//	go run ./internal/sim/mutants -json      the same, with a line of JSON for each
//	go run ./internal/sim/mutants -list      what there is
//	go run ./internal/sim/mutants -only wal  those whose name or layer matches
//
// The exit status is 0 if every mutant was killed, 1 if one survived, and 2 if the
// proof could not be run: a layer fails without any bug, a mutant does not compile,
// or its old text isn't in the code exactly once any more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
)

// The exit statuses.
const (
	exitKilled   = 0
	exitSurvived = 1
	exitFailed   = 2
)

// options are what the command line says.
type options struct {
	json, list bool
	only       *regexp.Regexp
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// command is main with everything that it touches as an argument.
func command(ctx context.Context, arguments []string, out, progress io.Writer) int {
	options, err := parse(arguments, progress)
	if errors.Is(err, flag.ErrHelp) {
		return exitKilled
	}
	if err == nil {
		var survived int
		if survived, err = prove(ctx, options, out, progress); err == nil && survived > 0 {
			return exitSurvived
		}
	}
	if err != nil {
		fmt.Fprintln(progress, "mutants:", err)
		return exitFailed
	}
	return exitKilled
}

func parse(arguments []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.BoolVar(&o.json, "json", false, "print a line of JSON for each mutant, and one in the end")
	flags.BoolVar(&o.list, "list", false, "list the mutants and run nothing")
	only := flags.String("only", "", "run the mutants whose name or layer matches this regular expression")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	return o, nil
}

// prove does what the options say, and returns how many mutants survived.
func prove(ctx context.Context, o options, out, progress io.Writer) (survived int, err error) {
	var chosen []mutant
	for _, m := range museum() {
		if o.only.MatchString(m.name) || o.only.MatchString(m.layer) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return 0, errors.New("no mutant matches")
	}
	if o.list {
		return 0, list(chosen, out)
	}
	root, err := moduleRoot()
	if err != nil {
		return 0, err
	}
	r := report{out: out, progress: progress, json: o.json, total: len(chosen), bugs: map[string]bool{}}
	if err := run(ctx, root, layers, chosen, &r); err != nil {
		return 0, err
	}
	return r.survivors(), r.summary()
}
