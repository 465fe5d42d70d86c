// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"flag"
	"testing"
	"time"
)

var allGraphs = flag.Bool("all", false, "try all graphs between five nodes, and not one in eight")

// calm is a cluster without faults, which has a leader.
func calm(t *testing.T, nodes int, seed uint64) *world {
	t.Helper()
	w := newWorld(&Options{Seed: seed, shape: func(p *plan) {
		*p = steadyPlan(nodes, 150*time.Millisecond)
		p.commandMax, p.pendingMax, p.batchMax = 256, 1<<20, 4<<10
		p.inflightBytes, p.inflightMessages, p.cache = 1<<20, 64, 1<<20
		p.rate = 20
	}})
	for _, n := range w.nodes {
		w.after(0, n.start)
	}
	if !w.waitFor(func() bool { return w.leader() != nil }, 10) {
		t.Fatalf("no leader: %v", w.check.Violation())
	}
	w.work.start()
	return w
}

// endures lets a partition last for a while, heals it, and reports how long, in
// election time-outs, it took until something new was committed.
func endures(t *testing.T, w *world, what uint64) float64 {
	t.Helper()
	w.runUntil(w.now + 6*int64(w.plan.electionTimeout))
	w.net.heal()
	healed, committed := w.now, w.check.Committed()
	if !w.waitFor(func() bool { return w.check.Committed() > committed }, 12) {
		t.Errorf("graph %b: nothing is committed after the partition: %v", what, w.check.Violation())
	}
	if took := w.recover(); w.check.Violation() != nil {
		t.Errorf("graph %b: %v (%v)", what, w.check.Violation(), took)
	}
	return float64(w.now-healed) / float64(w.plan.electionTimeout)
}

// TestAllPartitionsOfThree has each of the 64 directed graphs between three nodes for a
// while, and demands progress afterwards.
func TestAllPartitionsOfThree(t *testing.T) {
	inParallel(GraphsOfThree, func(i int) {
		w := calm(t, 3, uint64(i)+1)
		w.cutBy(GraphOfThree(i))
		endures(t, w, uint64(i))
	})
}

// TestAllPartitionsOfFive has each of the 1,024 undirected graphs between five nodes, or
// a sample, and demands progress afterwards.
func TestAllPartitionsOfFive(t *testing.T) {
	step := 8
	switch {
	case *allGraphs:
		step = 1
	case isBrief():
		step = 64
	}
	inParallel(GraphsOfFive/step, func(i int) {
		graph := i*step + i%step
		w := calm(t, 5, uint64(graph)+1)
		w.cutBy(GraphOfFive(graph))
		endures(t, w, uint64(graph))
	})
}
