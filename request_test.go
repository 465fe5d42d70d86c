// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func TestRequestStates(t *testing.T) {
	leave := func(r *request) bool {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, left := (&Group{inbox: newInbox(1)}).leave(ctx, r)
		return left
	}
	steps := map[string]func(*request) bool{"take": (*request).take, "untake": (*request).untake, "leave": leave}
	tests := []struct {
		from   int32
		step   string
		want   bool
		wantIn int32
	}{
		{requestQueued, "take", true, requestTaken},
		{requestTaken, "take", true, requestTaken},
		{requestWithdrawn, "take", false, requestWithdrawn},
		{requestAbandoned, "take", false, requestAbandoned},
		{requestQueued, "untake", true, requestQueued},
		{requestTaken, "untake", true, requestQueued},
		{requestWithdrawn, "untake", false, requestWithdrawn},
		{requestAbandoned, "untake", false, requestAbandoned},
		{requestQueued, "leave", true, requestWithdrawn},
		{requestTaken, "leave", true, requestAbandoned},
		{requestWithdrawn, "leave", false, requestWithdrawn},
		{requestAbandoned, "leave", false, requestAbandoned},
	}
	for _, test := range tests {
		r := &request{}
		r.state.Store(test.from)
		if got := steps[test.step](r); got != test.want || r.state.Load() != test.wantIn {
			t.Errorf("%s in state %d: %v, then state %d; want %v and %d", test.step, test.from, got, r.state.Load(), test.want, test.wantIn)
		}
	}
}

func TestLeavingTellsWhatIsKnown(t *testing.T) {
	cause := errors.New("no patience")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	g := &Group{inbox: newInbox(1)}
	queued, taken, placed := &request{}, &request{}, &request{}
	taken.take()
	placed.take()
	placed.place(LogID{Term: 3, Index: 9})
	if err, _ := g.leave(ctx, queued); !errors.Is(err, ErrNoLeader) || !errors.Is(err, cause) || families(err) != "not applied" {
		t.Errorf("leaving before it was proposed: %v", err)
	}
	returned := &request{}
	returned.take()
	returned.place(LogID{Term: 3, Index: 9})
	returned.untake()
	if returned.logID() != (LogID{}) {
		t.Errorf("a request that lost its place is at %v", returned.logID())
	}
	for r, want := range map[*request]LogID{taken: {}, placed: {Term: 3, Index: 9}} {
		err, _ := g.leave(ctx, r)
		var unknown *UnknownOutcomeError
		if !errors.As(err, &unknown) || unknown.LogID != want || !errors.Is(err, cause) || families(err) != "unknown" {
			t.Errorf("leaving afterwards: %v, want an unknown outcome at %v", err, want)
		}
	}
}

func TestUnknownNamesTheFirstCommandWithoutResult(t *testing.T) {
	r := &request{commands: make([][]byte, 3), results: make([]Result, 2)}
	var unknown *UnknownOutcomeError
	if errors.As(r.unknown(errPeerLost), &unknown); unknown.LogID != (LogID{}) {
		t.Errorf("a request without place is at %v", unknown.LogID)
	}
	r.place(LogID{Term: 2, Index: 10})
	if errors.As(r.unknown(errPeerLost), &unknown); unknown.LogID != (LogID{Term: 2, Index: 12}) {
		t.Errorf("it is at %v, want t2/i12", unknown.LogID)
	}
}

func TestPooledRequestsAreClean(t *testing.T) {
	var pool requestPool
	for range 100 {
		r := pool.get([]byte("abc"))
		if len(r.commands) != 1 || string(r.commands[0]) != "abc" || len(r.results) != 0 || r.err != nil || r.logID() != (LogID{}) ||
			r.state.Load() != requestQueued || r.bytes != wire.EntryOverhead+3 || len(r.done) != 0 {
			t.Fatalf("a request from the pool is %+v", r)
		}
		r.take()
		r.place(LogID{Term: 1, Index: 2})
		r.results = append(r.results, Result{LogID: LogID{Term: 1, Index: 2}, Value: []byte("x")})
		r.finish(errPeerLost)
		<-r.done
		pool.put(r)
	}
}

func TestFinishTellsWhoWaits(t *testing.T) {
	r := &request{done: make(chan struct{}, 1)}
	r.finish(ErrNoLeader)
	if <-r.done; r.err != ErrNoLeader {
		t.Errorf("a caller is told %v", r.err)
	}
	var told []any
	callback := func(result Result, err error) { told = append(told, string(result.Value), err) }
	(&request{callback: callback, results: []Result{{Value: []byte("v")}}}).finish(nil)
	(&request{callback: callback}).finish(ErrNoLeader)
	if len(told) != 4 || told[0] != "v" || told[1] != nil || told[2] != "" || told[3] != ErrNoLeader {
		t.Errorf("callbacks are told %v", told)
	}
}

func TestForwardResults(t *testing.T) {
	applied := Result{LogID: LogID{Term: 2, Index: 10}, Value: []byte("v")}
	tests := []struct {
		name  string
		err   error
		first LogID
		want  [2]wire.ForwardResult // for the second and third of three commands
	}{
		{"too busy", ErrTooBusy, LogID{}, [2]wire.ForwardResult{{Outcome: wire.OutcomeTooBusy}, {Outcome: wire.OutcomeTooBusy}}},
		{"not the leader", ErrNotLeader, LogID{}, [2]wire.ForwardResult{{Outcome: wire.OutcomeNotApplied}, {Outcome: wire.OutcomeNotApplied}}},
		{"stopped before", &stoppedError{cause: errPeerLost}, LogID{}, [2]wire.ForwardResult{{Outcome: wire.OutcomeNotApplied}, {Outcome: wire.OutcomeNotApplied}}},
		{"unknown", &UnknownOutcomeError{Cause: errGroupStopped}, LogID{Term: 2, Index: 10}, [2]wire.ForwardResult{
			{Outcome: wire.OutcomeUnknown, LogID: LogID{Term: 2, Index: 11}}, {Outcome: wire.OutcomeUnknown, LogID: LogID{Term: 2, Index: 12}}}},
		{"unknown without place", &UnknownOutcomeError{Cause: errGroupStopped}, LogID{}, [2]wire.ForwardResult{
			{Outcome: wire.OutcomeUnknown}, {Outcome: wire.OutcomeUnknown}}},
	}
	for _, test := range tests {
		r := &request{commands: make([][]byte, 3), results: []Result{applied}, err: test.err}
		r.place(test.first)
		if got := forwardResult(r, 0); got.Outcome != wire.OutcomeApplied || got.LogID != applied.LogID || string(got.Value) != "v" {
			t.Errorf("%s: the applied one is told as %+v", test.name, got)
		}
		for i, want := range test.want {
			if got := forwardResult(r, i+1); got.Outcome != want.Outcome || got.LogID != want.LogID || got.Value != nil {
				t.Errorf("%s: command %d is told as %+v, want %+v", test.name, i+1, got, want)
			}
		}
	}
}
