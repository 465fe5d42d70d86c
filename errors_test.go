// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// families names the families that an error belongs to.
func families(err error) string {
	var names []string
	for _, family := range []struct {
		err  error
		name string
	}{{ErrNotApplied, "not applied"}, {ErrOutcomeUnknown, "unknown"}, {ErrStopped, "stopped"}} {
		if errors.Is(err, family.err) {
			names = append(names, family.name)
		}
	}
	return strings.Join(names, " and ")
}

func TestEveryErrorBelongsToOneFamily(t *testing.T) {
	r := &request{commands: make([][]byte, 1)}
	stopped := &Group{logger: slog.New(slog.DiscardHandler)}
	stopped.fail(errors.New("disk on fire"))
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"too large", ErrTooLarge, "not applied"},
		{"overwritten", ErrOverwritten, "not applied"},
		{"no leader", errors.Join(ErrNoLeader, context.Canceled), "not applied"},
		{"not the leader", ErrNotLeader, "not applied"},
		{"too busy", errors.Join(ErrTooBusy, context.DeadlineExceeded), "not applied"},
		{"leadership lost", r.unknown(errLeadershipLost), "unknown"},
		{"peer lost", r.unknown(errPeerLost), "unknown"},
		{"no answer", r.unknown(errNoAnswer), "unknown"},
		{"group stopped", r.unknown(errGroupStopped), "unknown"},
		{"context ended", &UnknownOutcomeError{Cause: context.Canceled}, "unknown"},
		{"closed", new(Group).stopped(), "stopped"},
		{"failed", stopped.stopped(), "stopped"},
		{"told not applied", outcomeError(r, wire.ForwardResult{Outcome: wire.OutcomeNotApplied}), "not applied"},
		{"told too busy", outcomeError(r, wire.ForwardResult{Outcome: wire.OutcomeTooBusy}), "not applied"},
		{"told unknown", outcomeError(r, wire.ForwardResult{Outcome: wire.OutcomeUnknown}), "unknown"},
	}
	for _, test := range tests {
		if got := families(test.err); got != test.want {
			t.Errorf("%s: %v is %q, want %q", test.name, test.err, got, test.want)
		}
		if !strings.HasPrefix(test.err.Error(), "raft: ") {
			t.Errorf("%s: the text %q does not say whose it is", test.name, test.err)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	tests := map[string]error{
		"raft: outcome unknown: entry t3/i7: context canceled": &UnknownOutcomeError{LogID: LogID{Term: 3, Index: 7}, Cause: context.Canceled},
		"raft: stopped: disk on fire":                          &stoppedError{cause: errors.New("disk on fire")},
		"raft: not applied: too busy":                          ErrTooBusy,
	}
	for want, err := range tests {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
