// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/balsa-raft/raft/bench/load"
)

// cellExtra is how long a cell may take beyond its warm-up and its window.
const cellExtra = 90 * time.Second

// setting is what all systems are measured under at a time.
type setting struct {
	round, gomaxprocs, payload, clients int
}

func (o options) settings() []setting {
	var all []setting
	for round := range o.rounds {
		for _, procs := range o.gomaxprocs {
			for _, payload := range o.payloads {
				for _, clients := range o.clients {
					all = append(all, setting{round + 1, procs, payload, clients})
				}
			}
		}
	}
	return all
}

// measure runs all cells. The systems take turns under each setting, and another
// one begins each time, so that what drifts on the machine meets all of them alike.
func measure(ctx context.Context, o options, programs []program) ([]load.Result, error) {
	var results []load.Result
	for i, s := range o.settings() {
		for turn := range programs {
			p := programs[(i+turn)%len(programs)]
			r, err := runCell(ctx, o, s, p, nil)
			if errors.Is(err, errSetup) || ctx.Err() != nil {
				return nil, errors.Join(err, context.Cause(ctx))
			}
			if err != nil {
				r.Invalid = err.Error()
			}
			r.System, r.Clients, r.Payload = p.system, s.clients, s.payload
			r.GOMAXPROCS, r.Round, r.Version = s.gomaxprocs, s.round, p.version
			results = append(results, r)
			progress(o, r)
		}
	}
	return results, nil
}

func progress(o options, r load.Result) {
	fmt.Fprintf(os.Stderr, "round %d/%d, GOMAXPROCS %d, %d bytes, %4d clients: %-10s %9.0f/s  p50 %6.0f us  p99 %6.0f us  cpu %.2f us/op %s\n",
		r.Round, o.rounds, r.GOMAXPROCS, r.Payload, r.Clients, r.System, r.OpsPerSecond, r.P50, r.P99,
		r.CPUSeconds*1e6/float64(max(r.Ops, 1)), r.Invalid)
}

// errSetup means that the machine, not a system, failed.
var errSetup = errors.New("bench: cannot prepare a cell")

// runCell runs one cell in a process and a folder of its own. A wrapper, if there
// is one, is a command line that the program is started by.
func runCell(ctx context.Context, o options, s setting, p program, wrapper []string) (r load.Result, err error) {
	dir, err := os.MkdirTemp(o.dir, "raft-bench-")
	if err != nil {
		return r, errors.Join(errSetup, err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, o.warmup+o.window+cellExtra)
	defer cancel()
	args := append(wrapper[:len(wrapper):len(wrapper)], p.path, "-dir", dir,
		"-clients", fmt.Sprint(s.clients), "-payload", fmt.Sprint(s.payload),
		"-warmup", o.warmup.String(), "-window", o.window.String())
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", s.gomaxprocs))
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return r, fmt.Errorf("the process failed: %w: %s", err, lastLine(complaints.Bytes()))
	}
	if err := json.Unmarshal(lastLine(output), &r); err != nil {
		return r, fmt.Errorf("the process printed no result: %w", err)
	}
	return r, nil
}

func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}

// writeJSON writes one line for each cell.
func writeJSON(path string, results []load.Result) error {
	var out io.Writer = os.Stdout
	switch path {
	case "":
		return nil
	case "-":
	default:
		file, err := os.Create(path)
		if err != nil {
			return fmt.Errorf("bench: create %s: %w", path, err)
		}
		defer file.Close()
		out = file
	}
	encoder := json.NewEncoder(out)
	for _, r := range results {
		if err := encoder.Encode(r); err != nil {
			return fmt.Errorf("bench: write results: %w", err)
		}
	}
	return nil
}
