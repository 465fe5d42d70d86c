// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
)

// errInvalid means that the run is complete but that some cells do not count.
var errInvalid = errors.New("bench: some cells do not count, see above")

func main() {
	// An interrupt ends the cell that runs, so that its folder is removed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	bin, err := os.MkdirTemp("", "raft-bench-bin-")
	if err != nil {
		return fmt.Errorf("bench: create folder for programs: %w", err)
	}
	defer os.RemoveAll(bin)
	programs, err := build(o.systems, bin)
	if err != nil {
		return err
	}
	printHeader(os.Stdout, o, programs)
	if o.verify {
		return verifySyncs(ctx, os.Stdout, o, programs)
	}
	results, err := measure(ctx, o, programs)
	if err != nil {
		return err
	}
	if err := writeJSON(o.json, results); err != nil {
		return err
	}
	return printTables(os.Stdout, o, results)
}
