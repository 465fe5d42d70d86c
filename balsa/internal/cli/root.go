// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Run carries out the command line and returns the process's exit status. An error is
// one line on stderr, which says what to do where that is known.
func Run(args []string, stdout, stderr io.Writer) (status int) {
	useSpareProcessors()
	ctx, stop := untilSignal(context.Background())
	defer stop()
	root := &cobra.Command{
		Use:           "balsa",
		Short:         "A replicated key-value server that speaks the Redis protocol",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(serveCommand(), demoCommand(), backupCommand(), restoreCommand(), dumpCommand(), versionCommand())
	root.AddCommand(adminCommands()...)
	root.AddCommand(offlineCommands(args)...)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "balsa: interrupted:", oneLine(err))
		return exitInterrupted
	}
	fmt.Fprintln(stderr, "balsa:", oneLine(err))
	switch {
	case errors.Is(err, errGoesOn):
		return exitGoesOn
	case errors.Is(err, errDryRun):
		return exitDryRun
	}
	return 1
}

// oneLine writes an error that joins several on one line, with advice.
func oneLine(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if advice := adviceOn(err); advice != "" {
		text += " (" + advice + ")"
	}
	return text
}

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. The second
// one ends the process.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// exitGoesOn is the exit status of a change that goes on though nobody waits for it any more.
const exitGoesOn = 2

// exitInterrupted is the exit status of a command that a signal has cut short, and of a node after a second
// one: what a shell reports of a process that SIGINT has ended.
const exitInterrupted = 130

// processorsMin is how many goroutines may run at once, at least.
const processorsMin = 8

// useSpareProcessors raises GOMAXPROCS on small machines, unless it is set in the
// environment.
//
// A goroutine that waits in fdatasync loses its place among the running ones, and with
// as many places as processors it gets back in line behind whatever keeps them
// busy: on two busy cores the 99th percentile of a sync was measured at over 10 ms
// with two places, and at 0.4 ms with eight. With places to spare, the operating
// system's scheduler decides, which is fair to who has waited.
func useSpareProcessors() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < processorsMin {
		runtime.GOMAXPROCS(processorsMin)
	}
}
