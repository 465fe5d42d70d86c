// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

var quick = pace{calm: 200 * time.Millisecond, without: 200 * time.Millisecond, together: 100 * time.Millisecond, acknowledgedMin: 500}

// runQuick runs the whole tour at a quicker pace.
func runQuick(t *testing.T, snapshots raft.SnapshotPolicy) (r Result) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	cfg := Config{
		Out: &out, Exit: true, JSON: true, Version: "test", Logger: slog.New(slog.DiscardHandler), pace: quick, snapshots: snapshots,
	}
	if err := Run(t.Context(), cfg); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatalf("%v in the last line of\n%s", err, &out)
	}
	return r
}

func TestDemo(t *testing.T) {
	r := runQuick(t, raft.SnapshotPolicy{})
	if r.Acknowledged < quick.acknowledgedMin || r.LeaderChanges < 1 || r.FailoverMS <= 0 || r.WritesPerSecond <= 0 || r.Keys == 0 {
		t.Errorf("result %+v", r)
	}
}

// TestDemoTakesSnapshots has the nodes forget the beginnings of their logs all the time.
func TestDemoTakesSnapshots(t *testing.T) {
	r := runQuick(t, raft.SnapshotPolicy{Entries: 100, TrailingEntries: 50})
	if r.LogsFrom <= 1 || r.LogsFrom > r.AppliedIndex+1 {
		t.Errorf("the logs were compared from %d to %d", r.LogsFrom, r.AppliedIndex)
	}
}

func TestIsAtRest(t *testing.T) {
	for name, test := range map[string]struct {
		status raft.Status
		want   bool
	}{
		"at rest":         {raft.Status{LastIndex: 9, DurableIndex: 9, AppliedIndex: 9}, true},
		"behind":          {raft.Status{LastIndex: 8, DurableIndex: 8, AppliedIndex: 8}, false},
		"not applied":     {raft.Status{LastIndex: 9, DurableIndex: 9, AppliedIndex: 8}, false},
		"not on its disk": {raft.Status{LastIndex: 9, DurableIndex: 8, AppliedIndex: 9}, false},
		"more to come":    {raft.Status{LastIndex: 10, DurableIndex: 10, AppliedIndex: 9}, false},
	} {
		if got := isAtRest(test.status, 9); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestDemoIsInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Run(ctx, Config{Out: &bytes.Buffer{}, Logger: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestVerdict(t *testing.T) {
	good := Result{StatesEqual: true, LogsEqual: true, LeaderChanges: 1}
	if err := good.verdict(); err != nil {
		t.Errorf("a good result: %v", err)
	}
	for name, spoil := range map[string]func(*Result){
		"lost":           func(r *Result) { r.Lost = 1 },
		"more than once": func(r *Result) { r.Duplicated = 1 },
		"states":         func(r *Result) { r.StatesEqual = false },
		"logs":           func(r *Result) { r.LogsEqual = false },
		"took over":      func(r *Result) { r.LeaderChanges = 0 },
		"cannot be":      func(r *Result) { r.Complaint = "odd" },
	} {
		r := good
		spoil(&r)
		if err := r.verdict(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -5000: "-5,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestPulse(t *testing.T) {
	p := newPulse()
	at := func(ms int) { p.beat(time.UnixMilli(int64(ms))) }
	at(1000)
	at(1900)
	p.reset()
	at(1910)
	at(2400)
	at(2410)
	if got, want := p.pause(), 490*time.Millisecond; got != want {
		t.Errorf("pause %v, want %v", got, want)
	}
}
