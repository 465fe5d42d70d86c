// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"flag"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

var allGraphs = flag.Bool("all", false, "try all graphs between five nodes, and not one in eight")

// calm is a cluster without faults, which has a leader.
func calm(t *testing.T, nodes int, seed uint64) *world {
	t.Helper()
	w := newWorld(&Options{Seed: seed, Nodes: nodes, Without: AllFaults})
	p := &w.plan
	p.electionTimeout, p.heartbeat, p.writeStall = 150*time.Millisecond, 15*time.Millisecond, 300*time.Millisecond
	p.diskLatency, p.linkDelay = 200*time.Microsecond, 500*time.Microsecond
	p.disableForwarding, p.tells, p.initializers = false, 0, 1<<nodes-1
	p.commandMax, p.commandBytes, p.pendingMax, p.batchMax = 256, 64, 1<<20, 4<<10
	p.inflightBytes, p.inflightMessages, p.cache = 1<<20, 64, 1<<20
	p.rate, p.batch, p.clients = 20, 1, 2
	for _, n := range w.nodes {
		w.after(0, n.start)
	}
	if !w.waitFor(func() bool { return w.leader() != nil }, 10) {
		t.Fatalf("no leader: %v", w.check.Violation())
	}
	w.work.start()
	return w
}

// cutBy cuts the links that a graph lacks, each bit of which is a link.
func (w *world) cutBy(isLink func(from, to wire.NodeID) bool) {
	for _, from := range w.nodes {
		for _, to := range w.nodes {
			w.net.cut(from.id, to.id, from != to && !isLink(from.id, to.id))
		}
	}
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
	inParallel(64, func(i int) {
		graph := uint64(i)
		w := calm(t, 3, graph+1)
		w.cutBy(func(from, to wire.NodeID) bool { return graph>>linkOfThree[from-1][to-1]&1 == 1 })
		endures(t, w, graph)
	})
}

// linkOfThree numbers the six links.
var linkOfThree = [3][3]int{{0, 0, 1}, {2, 0, 3}, {4, 5, 0}}

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
	inParallel(1024/step, func(i int) {
		graph := uint64(i*step + i%step)
		w := calm(t, 5, graph+1)
		w.cutBy(func(from, to wire.NodeID) bool {
			return graph>>linkOfFive(min(from, to)-1, max(from, to)-1)&1 == 1
		})
		endures(t, w, graph)
	})
}

// linkOfFive numbers the ten links, a < b.
func linkOfFive(a, b wire.NodeID) int { return int(a)*(9-int(a))/2 + int(b-a) - 1 }
