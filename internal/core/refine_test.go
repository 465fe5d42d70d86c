// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/internal/refine"
	"github.com/balsa-raft/raft/wire"
)

// TestRefinement runs the random schedules, without their end, and has every turn of
// every node explained by the specification of package refine. What the other checks say
// is not waited for: they are on, too, and mostly sooner.
func TestRefinement(t *testing.T) {
	refineSchedules(t, *seedsFlag, func(*schedule) {})
}

// TestRefinementOfChanges does that for those with changes of membership.
func TestRefinementOfChanges(t *testing.T) {
	refineSchedules(t, *seedsFlag/3, (*schedule).drawChanges)
}

func refineSchedules(t *testing.T, seeds uint64, draw func(*schedule)) {
	t.Helper()
	seeds = max(seeds/slowdown, 1)
	steps, installed := uint64(0), 0
	for seed := *firstFlag; seed < *firstFlag+seeds; seed++ {
		w := newWorld(t, seed, faults{})
		s := newSchedule(w)
		if w.now > testElection {
			continue // It was formed on a calm day, unobserved.
		}
		draw(s)
		r := newRefined(s)
		end := w.now + troubleLasts
		s.plan(end, end)
		for w.now < end && r.advance(end) {
			if r.violation != nil {
				t.Fatalf("seed %d at %d us: %v", seed, w.now/1000, r.violation)
			}
		}
		steps, installed = steps+r.spec.Steps(), installed+r.installed
	}
	if t.Logf("%d steps, %d snapshots installed", steps, installed); steps < 100*seeds || installed == 0 && seeds > 100 {
		t.Errorf("only %d steps, %d snapshots installed in %d schedules", steps, installed, seeds)
	}
}

// refined is a world whose nodes are watched from outside, between its steps.
type refined struct {
	w         *world
	spec      *refine.Spec
	watched   []watched // of the node with ID i at place i-1
	sent      []func() *refine.Violation
	installed int // snapshots
	violation *refine.Violation
}

// watched is a node as it was before a step.
type watched struct {
	core  *Core
	inbox []Event
}

func newRefined(s *schedule) *refined {
	w := s.w
	r := &refined{w: w, spec: refine.New(len(w.nodes)), watched: make([]watched, len(w.nodes))}
	if s.formed {
		r.spec.Forms(bound(s.membership))
	}
	w.wiped = r.spec.Forgets
	w.seen = func(from, _ wire.NodeID, m wire.Message) bool {
		r.sent = append(r.sent, func() *refine.Violation { return r.spec.Sends(from, m) })
		return true
	}
	for _, n := range w.nodes {
		r.look(n)
	}
	return r
}

func (r *refined) note(v *refine.Violation) {
	if r.violation == nil {
		r.violation = v
	}
}

// advance lets the world take a step, and explains it.
func (r *refined) advance(limit Instant) bool {
	for i, n := range r.w.nodes {
		r.watched[i].inbox = n.inbox
	}
	more := r.w.step(limit)
	for _, n := range r.w.nodes {
		r.look(n)
	}
	for _, sends := range r.sent {
		r.note(sends())
	}
	r.sent = r.sent[:0]
	return more
}

// look explains what a node has become in a step.
func (r *refined) look(n *node) {
	before := &r.watched[n.id-1]
	switch {
	case n.core == nil:
	case n.core != before.core:
		r.note(r.spec.Start(n.id, viewOf(n.core)))
	default:
		step := refine.Step{Node: n.id, Post: viewOf(n.core)}
		if len(before.inbox) > 0 && (len(n.inbox) == 0 || &n.inbox[0] != &before.inbox[0]) {
			tell(&step, before.inbox)
		}
		for _, effect := range n.core.TakeEffects() {
			do(&step, effect)
			if write, ok := effect.(WriteLog); ok && write.Reset.Index > 0 {
				r.installed++
			}
		}
		r.note(r.spec.Step(&step))
	}
	before.core = n.core
}

func tell(step *refine.Step, events []Event) {
	for _, event := range events {
		switch e := event.(type) {
		case MessageArrived:
			step.Received = append(step.Received, refine.Received{From: e.From, Message: e.Message})
		case LogSynced:
			step.Synced = max(step.Synced, refine.Seq(e.Seq))
		}
	}
}

func do(step *refine.Step, effect Effect) {
	switch e := effect.(type) {
	case WriteLog:
		step.Effects = append(step.Effects, refine.Effect{Kind: refine.Wrote, Seq: refine.Seq(e.Seq), HardState: e.HardState, Reset: e.Reset, Entries: e.Entries})
	case Send:
		step.Effects = append(step.Effects, refine.Effect{Kind: refine.Sent, To: e.To, Message: e.Message})
	case RoleChanged:
		step.Effects = append(step.Effects, refine.Effect{Kind: refine.Became, Role: abstractRole(e.Role), Term: e.Term})
	case Replicate:
		step.Effects = append(step.Effects, refine.Effect{
			Kind: refine.Streamed, To: e.To, Term: e.Term, Prev: e.Prev, Last: e.Last, Commit: e.Commit, Match: e.Match,
		})
	case OfferSnapshot:
		step.Effects = append(step.Effects, refine.Effect{Kind: refine.Offered, To: e.To, Term: e.Term})
	case Apply:
		step.Effects = append(step.Effects, refine.Effect{Kind: refine.Applied, Through: e.Through})
	}
}

func viewOf(c *Core) refine.View {
	var v View
	c.View(&v)
	view := refine.View{
		HardState: v.HardState, Role: abstractRole(v.Role), Last: v.Last, Compacted: v.Compacted, Snapshot: v.Snapshot,
		Durable: v.Durable, Commit: v.Commit, Applied: v.Applied, Membership: v.Membership, Granted: v.Granted, Log: c,
		Incarnation: c.cfg.Incarnation,
	}
	c.VisitPeers(func(p *progress.Progress) {
		view.Matches = append(view.Matches, refine.Match{Peer: p.ID, Index: p.Match})
	})
	return view
}

func abstractRole(role Role) refine.Role {
	switch role {
	case Candidate:
		return refine.Candidate
	case Leader:
		return refine.Leader
	}
	return refine.Follower
}
