// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft/internal/refine"
	"github.com/balsa-raft/raft/wire"
)

// TestRefinementIsOn demands that runs have their steps explained, and that it changes
// nothing in them.
func TestRefinementIsOn(t *testing.T) {
	for seed := uint64(3); seed <= 6; seed++ {
		o := Options{Seed: seed, Duration: 2 * time.Second}
		on := Run(o)
		o.plant.apply = func(_ *machine, value uint64) uint64 { return value }
		off := Run(o)
		if on.RefinedSteps < on.Committed || off.RefinedSteps != 0 {
			t.Errorf("seed %d: %d and %d steps for %d entries", seed, on.RefinedSteps, off.RefinedSteps, on.Committed)
		}
		if on.Hash != off.Hash {
			t.Errorf("seed %d: a run that is watched differs from one that isn't", seed)
		}
	}
}

// staged is a cluster of three with a leader that has committed something.
func staged(t *testing.T) *world {
	t.Helper()
	w := newWorld(&Options{Seed: 1, Nodes: 3, Without: AllFaults()})
	w.plan.initializers = 1<<3 - 1
	for _, n := range w.nodes {
		w.after(0, n.start)
	}
	isReady := func() bool {
		leader := w.leader()
		return leader != nil && leader.view.Commit > 1
	}
	if !w.waitFor(isReady, 50) {
		t.Fatalf("no leader: %v", w.check.Violation())
	}
	return w
}

// TestRefinementReports changes what the specification knows behind its back, and demands
// that the next steps are not explained.
func TestRefinementReports(t *testing.T) {
	for name, test := range map[string]struct {
		tamper func(w *world, r *refinement)
		want   refine.Rule
	}{
		"a leader that was never elected": {func(w *world, r *refinement) { r.spec.Forgets(w.leader().id) }, refine.WritesOutOfOrder},
		"a message that nobody has sent": {func(w *world, _ *refinement) {
			n := w.nodes[w.leader().id%3]
			n.transport.arrives(w.leader().id, wire.Envelope{Group: groupID, Message: &wire.VoteReply{Term: 77}})
		}, refine.NeverSent},
		"a request of who does not lead": {func(w *world, r *refinement) {
			r.sends(&sentMessage{w.nodes[w.leader().id%3].id, &wire.AppendEntries{Term: 99}})
		}, refine.SaysLeader},
	} {
		t.Run(name, func(t *testing.T) {
			w := staged(t)
			test.tamper(w, w.refine)
			w.work.propose(w.leader(), opBytes)
			w.waitFor(func() bool { return false }, 5)
			v := w.check.Violation()
			if v == nil || !strings.HasPrefix(v.Invariant, "refinement, "+string(test.want)) {
				t.Fatalf("seen as %v, want %s", v, test.want)
			}
		})
	}
}

// TestRefinementFollowsRestarts crashes members again and again, with and without their
// last writes, and demands that it goes on.
func TestRefinementFollowsRestarts(t *testing.T) {
	w := staged(t)
	for i := range 12 {
		w.nodes[i%3].down(i%2 == 0)
		w.nodes[i%3].start()
		steps := w.refine.steps()
		w.work.propose(w.nodes[(i+1)%3], opBytes)
		if !w.waitFor(func() bool { return w.refine.steps() > steps+50 && w.leader() != nil }, 50) {
			t.Fatalf("restart %d: %d steps, then %d: %v", i, steps, w.refine.steps(), w.check.Violation())
		}
	}
}
