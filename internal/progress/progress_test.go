// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"errors"
	"testing"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// want compares a progress, but for what only heartbeats look at.
func want(t *testing.T, p *Progress, want Progress) {
	t.Helper()
	got := *p
	got.mark = mark{}
	want.ID, want.Contact = p.ID, p.Contact
	if got != want {
		t.Fatalf("the progress is %+v, want %+v", got, want)
	}
}

func TestNewKnowsNothing(t *testing.T) {
	p := New(7, 10, 42)
	want(t, p, Progress{State: Probe, Next: 11, Epoch: 1})
	if p.ID != 7 || p.Contact != 42 {
		t.Fatalf("the progress is of %d, with contact %d", p.ID, p.Contact)
	}
	p.Check(10)
	New(7, 0, 0).Check(0)
}

func TestAcknowledge(t *testing.T) {
	p := New(2, 10, 0)
	if p.Acknowledge(0) {
		t.Fatal("nothing is acknowledged, and match moves")
	}
	want(t, p, Progress{State: Replicate, Next: 11, Epoch: 1})
	if !p.Acknowledge(8) {
		t.Fatal("8 is acknowledged, and match does not move")
	}
	want(t, p, Progress{State: Replicate, Match: 8, Next: 11, Epoch: 1})
	if !p.Acknowledge(15) {
		t.Fatal("15 is acknowledged, and match does not move")
	}
	want(t, p, Progress{State: Replicate, Match: 15, Next: 16, Epoch: 1})
	if p.Acknowledge(9) || p.Acknowledge(15) {
		t.Fatal("match moves without need")
	}
	want(t, p, Progress{State: Replicate, Match: 15, Next: 16, Epoch: 1})
	p.Check(15)
}

func TestBecomeProbeBeginsNewStream(t *testing.T) {
	p := New(2, 10, 0)
	p.BecomeProbe(4)
	want(t, p, Progress{State: Probe, Next: 4, Epoch: 2})
	p.Acknowledge(6)
	p.ReportSent(2, 9)
	p.BecomeProbe(3) // It holds more than that.
	want(t, p, Progress{State: Probe, Match: 6, Next: 7, Epoch: 3})
	p.Check(9)
}

func TestRepeat(t *testing.T) {
	p := New(2, 1000, 0)
	p.Repeat() // A lost probe is asked again where it was.
	want(t, p, Progress{State: Probe, Next: 1001, Epoch: 2})
	p.Acknowledge(1000)
	p.ReportSent(2, 1010)
	p.Repeat() // Lost entries are sent again from the first that is not acknowledged.
	want(t, p, Progress{State: Probe, Match: 1000, Next: 1001, Epoch: 3})
}

func TestReportSent(t *testing.T) {
	p := New(2, 10, 0)
	p.ReportSent(1, 12)
	p.ReportSent(1, 11) // Reports may come late,
	p.ReportSent(0, 15) // and for a stream that is over,
	p.ReportSent(2, 15) // but not for one that has not begun.
	if p.Sent != 12 {
		t.Fatalf("12 was sent, the progress says %d", p.Sent)
	}
	p.BecomeProbe(4)
	if p.Sent != 0 {
		t.Fatalf("nothing was sent in the new epoch, the progress says %d", p.Sent)
	}
}

func TestHeartbeats(t *testing.T) {
	replicating := func(match, sent wire.Index) *Progress {
		p := New(2, 10, 0)
		p.Acknowledge(match)
		p.ReportSent(1, sent)
		return p
	}
	cases := []struct {
		name     string
		progress *Progress
		between  func(p *Progress) // the heartbeat and its answer
		round    wire.Round
		accepted wire.Index
		lost     bool
	}{
		{name: "nothing missing", progress: replicating(10, 15), accepted: 15},
		{name: "not durable yet", progress: replicating(10, 15), accepted: 20},
		{name: "entries missing", progress: replicating(10, 15), accepted: 14, lost: true},
		{name: "all missing", progress: replicating(10, 15), accepted: 0, lost: true},
		{name: "forgotten what it had acknowledged", progress: replicating(10, 0), accepted: 0, lost: true},
		{name: "idle", progress: replicating(10, 0), accepted: 10},
		{name: "an unanswered probe", progress: New(2, 10, 0), accepted: 10, lost: true},
		{name: "a probe that was answered", progress: New(2, 10, 0), between: func(p *Progress) { p.Acknowledge(10) }, accepted: 10},
		{name: "sent later", progress: replicating(10, 15), between: func(p *Progress) { p.ReportSent(1, 30) }, accepted: 15},
		{name: "acknowledged later", progress: replicating(10, 15), between: func(p *Progress) { p.Acknowledge(30) }, accepted: 15},
		{name: "an earlier round", progress: replicating(10, 15), round: 4, accepted: 0},
		{name: "a later round", progress: replicating(10, 15), round: 6, accepted: 0, lost: true},
		{name: "an earlier stream", progress: replicating(10, 15), between: func(p *Progress) { p.BecomeProbe(5) }, accepted: 0},
	}
	for _, c := range cases {
		c.progress.HeartbeatSent(5)
		if c.between != nil {
			c.between(c.progress)
		}
		round := c.round
		if round == 0 {
			round = 5
		}
		if lost := c.progress.HeartbeatAnswered(round, c.accepted); lost != c.lost {
			t.Errorf("%s: lost is %v, want %v", c.name, lost, c.lost)
		}
		if round >= 5 && c.progress.HeartbeatAnswered(round, 0) {
			t.Errorf("%s: the second answer finds a loss again", c.name)
		}
	}
	if New(2, 10, 0).HeartbeatAnswered(1, 0) {
		t.Error("the answer to a heartbeat that was never sent finds a loss")
	}
}

// An answer that is lost does not keep later ones from being looked at; and the first
// heartbeat of those under way is what counts, or a loss were never found while
// answers take longer than an interval.
func TestMarkStaysUntilAnswered(t *testing.T) {
	p := New(2, 10, 0)
	p.Acknowledge(10)
	p.ReportSent(1, 15)
	p.HeartbeatSent(1)
	p.ReportSent(1, 25)
	p.HeartbeatSent(2)
	if p.HeartbeatAnswered(2, 20) {
		t.Fatal("what was sent before the first heartbeat has arrived")
	}
	p.HeartbeatSent(3)
	if !p.HeartbeatAnswered(3, 20) {
		t.Fatal("what was sent before the next one has not, and that is not noticed")
	}
}

func TestCheckFindsViolations(t *testing.T) {
	for name, p := range map[string]Progress{
		"match at next":           {Match: 5, Next: 5},
		"match beyond the log":    {Match: 11, Next: 12},
		"next far beyond the log": {Next: 12},
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				var violation *invariant.Violation
				if !errors.As(err, &violation) {
					t.Errorf("%s: passes the check", name)
				}
			}()
			p.Check(10)
		}()
	}
}

func TestStatesAreNamed(t *testing.T) {
	if Probe.String() != "probe" || Replicate.String() != "replicate" {
		t.Errorf("the states are %v and %v", Probe, Replicate)
	}
}

// A peer that waits for a snapshot begins a new epoch; only an acknowledgement in it ends
// that, and the stream goes on behind what was acknowledged.
func TestBecomeSnapshot(t *testing.T) {
	p := New(2, 10, 0)
	p.Acknowledge(3)
	p.ReportSent(1, 9)
	p.HeartbeatSent(4)
	p.BecomeProbe(4)
	p.HeartbeatSent(5)
	p.BecomeSnapshot(8)
	want(t, p, Progress{State: Snapshot, Match: 3, Next: 4, Epoch: 3, Pin: 8})
	if p.HeartbeatAnswered(5, 3) {
		t.Error("something of an older stream is lost")
	}
	p.ReportSent(2, 10)
	want(t, p, Progress{State: Snapshot, Match: 3, Next: 4, Epoch: 3, Pin: 8})
	if !p.Acknowledge(9) {
		t.Error("match does not move")
	}
	want(t, p, Progress{State: Replicate, Match: 9, Next: 10, Epoch: 3, Pin: 8})
	p.Check(10)
	p.BecomeSnapshot(20)
	want(t, p, Progress{State: Snapshot, Match: 9, Next: 10, Epoch: 4, Pin: 20})
}

// What decides differently is told apart, and every state has a name.
func TestSnapshotWords(t *testing.T) {
	a, b, c := New(2, 10, 0), New(2, 10, 0), New(2, 10, 0)
	a.BecomeSnapshot(5)
	b.BecomeSnapshot(6)
	c.BecomeProbe(11)
	if a.Words() == b.Words() || a.Words() == c.Words() {
		t.Error("they are encoded alike")
	}
	for state, name := range map[State]string{Probe: "probe", Replicate: "replicate", Snapshot: "snapshot"} {
		if state.String() != name {
			t.Errorf("%v is not %s", state, name)
		}
	}
}
