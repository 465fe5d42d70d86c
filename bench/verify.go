// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// syncsLeast is how many syncs a write of a lone client needs at the least: it is
// alone in its batch and must be durable on two of three replicas.
const syncsLeast = 2

// verifySyncs has the kernel count how often each system syncs while one client
// writes. What does not sync has no place in the comparison.
func verifySyncs(ctx context.Context, w io.Writer, o options, programs []program) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return fmt.Errorf("bench: -verify needs strace: %w", err)
	}
	dir, err := os.MkdirTemp("", "raft-bench-strace-")
	if err != nil {
		return errors.Join(errSetup, err)
	}
	defer os.RemoveAll(dir)
	o.warmup, o.window = 0, min(o.window, 2*time.Second)
	rows := [][]string{{"system", "writes", "syncs", "syncs a write", ""}}
	failed := false
	for _, p := range programs {
		counts := filepath.Join(dir, p.system)
		wrapper := []string{strace, "-f", "--seccomp-bpf", "-c", "-e", "trace=fsync,fdatasync", "-o", counts}
		r, err := runCell(ctx, o, setting{1, o.gomaxprocs[0], o.payloads[0], 1}, p, wrapper)
		if err != nil {
			return fmt.Errorf("bench: verify %s: %w", p.system, err)
		}
		syncs, err := countCalls(counts)
		if err != nil {
			return fmt.Errorf("bench: verify %s: %w", p.system, err)
		}
		each := float64(syncs) / float64(max(r.Ops, 1))
		verdict := "durable"
		if each < syncsLeast {
			verdict, failed = "NOT DURABLE", true
		}
		rows = append(rows, []string{p.system, fmt.Sprint(r.Ops), fmt.Sprint(syncs), fmt.Sprintf("%.2f", each), verdict})
	}
	printRows(w, rows)
	if failed {
		return errInvalid
	}
	return nil
}

// countCalls adds up the calls in strace's summary, whose lines end in the number
// of calls, perhaps the number of errors, and the name.
func countCalls(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	total := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 5 || !slices.Contains([]string{"fsync", "fdatasync"}, fields[len(fields)-1]) {
			continue
		}
		calls, err := strconv.Atoi(fields[3])
		if err != nil {
			return 0, fmt.Errorf("read strace's summary: %w", err)
		}
		total += calls
	}
	return total, nil
}
