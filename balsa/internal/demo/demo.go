// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/balsa-raft/raft"
)

// Config says how the demo is to run.
type Config struct {
	// Out gets the narration, and the result.
	Out io.Writer
	// Exit ends the demo after the tour; otherwise the cluster stays up until the context ends.
	Exit bool
	// JSON prints the result as JSON on the last line.
	JSON bool
	// Version is balsa's version.
	Version string
	// Logger gets what the nodes have to say.
	Logger *slog.Logger

	// pace is unhurried, and snapshots are taken as ever, unless a test sets it otherwise.
	pace      pace
	snapshots raft.SnapshotPolicy
}

// Run runs the demo. The error tells also of a cluster that did not keep its promises.
// All files are removed.
func Run(ctx context.Context, cfg Config) (err error) {
	dir, err := os.MkdirTemp("", "balsa-demo-")
	if err != nil {
		return fmt.Errorf("demo: make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	out := newNarrator(cfg.Out)
	out.line("Three balsa nodes in this process, over TCP, with their logs in %s", dir)
	c, err := startCluster(ctx, dir, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if cfg.pace == (pace{}) {
		cfg.pace = unhurried
	}
	t := &tour{pace: cfg.pace, out: out, cluster: c, pulse: newPulse()}
	if err := t.run(ctx); err != nil {
		return err
	}
	result := t.result()
	out.result(result)
	if !cfg.Exit {
		stay(ctx, out, c)
	}
	if cfg.JSON {
		if err := result.print(cfg.Out); err != nil {
			return err
		}
	}
	return result.verdict()
}

// stay keeps the cluster up until ctx ends.
func stay(ctx context.Context, out *narrator, c *cluster) {
	out.line("")
	out.line("The cluster stays up until Ctrl-C. Every node takes every command:")
	for _, m := range c.members {
		a := c.node(m.ID).Addresses()
		out.line("  node %d:  redis-cli -p %s   curl http://%s/status", m.ID, portOf(a.Client), a.Admin)
	}
	<-ctx.Done()
	out.line("Stopping.")
}
