// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft/internal/core"
)

// TestTroubles: of each message the last time is remembered, and how often it came.
func TestTroubles(t *testing.T) {
	var kept troubles
	var written bytes.Buffer
	now := core.Instant(time.Hour)
	inner := slog.New(slog.NewTextHandler(&written, &slog.HandlerOptions{Level: slog.LevelError})).With("node", 7)
	logger := kept.logTo(inner, func() core.Instant { return now })
	logger.Info("role changed")
	logger.Warn("message dropped", "peer", uint64(2), "reason", "absurd term")
	now += core.Instant(time.Second)
	logger.Error("disk on fire", "error", errors.New("smoke"))
	now += core.Instant(time.Second)
	logger.With("more", 1).WithGroup("g").Warn("message dropped", "peer", uint64(3))
	now += core.Instant(time.Second)

	want := []Trouble{{What: "message dropped (peer: 3)", Count: 2, Ago: time.Second}, {What: "disk on fire (error: smoke)", Count: 1, Ago: 2 * time.Second}}
	if got := kept.describe(now); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := written.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "node=7 error=smoke") {
		t.Errorf("passed on: %q, want what is an error, with all of its attributes", got)
	}
	if logger.Enabled(context.Background(), slog.LevelInfo) || !logger.Enabled(context.Background(), slog.LevelWarn) {
		t.Error("what is neither passed on nor remembered need not be written")
	}
	for n := range 3 * troublesMax {
		logger.Warn(fmt.Sprint("trouble ", n))
	}
	if got := kept.describe(now); len(got) != troublesMax || got[0].What != fmt.Sprint("trouble ", 3*troublesMax-1) {
		t.Errorf("%d are remembered: %+v", len(got), got)
	}
}
