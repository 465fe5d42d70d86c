// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"
	"time"
)

// someSetting is a cluster on a fast network.
func someSetting(nodes int) Setting {
	return Setting{Nodes: nodes, ElectionTimeout: 150 * time.Millisecond, Rate: 20}
}

// trials runs a measurement with some seeds, none of which may break a promise.
func trials(t *testing.T, count int, run func(seed uint64) Trial) []Trial {
	t.Helper()
	if isBrief() {
		count = min(count, 4)
	}
	results := make([]Trial, count)
	inParallel(count, func(i int) { results[i] = run(uint64(i + 1)) })
	for i := range results {
		if v := results[i].Violation; v != nil {
			t.Errorf("seed %d: %v", i+1, v)
		}
	}
	return results
}

// TestFailover: after a crash nobody leads before the rest has missed the leader for an
// election time-out; then it does not take long.
func TestFailover(t *testing.T) {
	for _, nodes := range []int{3, 5} {
		s := someSetting(nodes)
		for i, r := range trials(t, 40, func(seed uint64) Trial { return Failover(s, seed) }) {
			if r.Took < 0.85 || r.Took > 6 || r.Other > r.Took {
				t.Errorf("%d nodes, seed %d: elected after %.2f time-outs, committed after %.2f", nodes, i+1, r.Other, r.Took)
			}
		}
	}
}

// TestStall: a leader whose disk hangs hands over as soon as that has lasted too long, and
// nobody waits for an election time-out on top of it.
func TestStall(t *testing.T) {
	s := someSetting(3)
	s.WriteStall = s.ElectionTimeout / 2
	for i, r := range trials(t, 40, func(seed uint64) Trial { return Stall(s, seed) }) {
		if r.Took < 0.5 || r.Took > 3 || r.Other < r.Took {
			t.Errorf("seed %d: another leads after %.2f time-outs, and has committed after %.2f", i+1, r.Took, r.Other)
		}
	}
}

// TestPartitions: while a graph lets somebody serve, somebody does after three election
// time-outs, at the price of one term at most; when it is healed, there is progress at once.
func TestPartitions(t *testing.T) {
	for _, test := range []struct {
		nodes, graphs, step int
		graph               func(int) Graph
	}{{3, GraphsOfThree, 1, GraphOfThree}, {5, GraphsOfFive, 17, GraphOfFive}} {
		s := someSetting(test.nodes)
		s.ElectionTimeout = time.Second // A shorter one makes split votes likelier, on the same network.
		for i, r := range trials(t, test.graphs/test.step, func(seed uint64) Trial {
			return Partition(s, test.graph(int(seed)*test.step%test.graphs), seed)
		}) {
			if r.Took > 3 || r.Other > 3 || r.Other >= 0 && r.Count > 1 {
				t.Errorf("%d nodes, graph %b: %+v", test.nodes, (i+1)*test.step%test.graphs, r)
			}
		}
	}
}

// TestMayServe counts the graphs in which somebody sees a quorum.
func TestMayServe(t *testing.T) {
	three, five := 0, 0
	for i := range GraphsOfThree {
		if GraphOfThree(i).mayServe(3) {
			three++
		}
	}
	for i := range GraphsOfFive {
		if GraphOfFive(i).mayServe(5) {
			five++
		}
	}
	// At least one of three pairs is linked both ways: 64 - 27. Some node of five has
	// two links or more: 1024 less the 26 graphs of single pairs.
	if three != 37 || five != 998 {
		t.Errorf("%d and %d", three, five)
	}
}

// TestSteadyUnderLoss: a tenth of the messages lost is no reason for an election.
func TestSteadyUnderLoss(t *testing.T) {
	s := someSetting(3)
	s.Loss = 0.1
	timeouts := 2000.0
	if isRace {
		timeouts = 200
	}
	for i, r := range trials(t, 4, func(seed uint64) Trial { return Steady(s, timeouts, seed) }) {
		if r.Count != 0 {
			t.Errorf("seed %d: %d terms in %.0f election time-outs", i+1, r.Count, timeouts)
		}
	}
}

// TestProbing: no follower that can be reached is left behind (L3).
func TestProbing(t *testing.T) {
	s := someSetting(3)
	s.Faults = Faults{}.With(CrashPower).With(CutNode).With(CutOneWay).With(Pause).With(Break)
	longest := 0.0
	for i, r := range trials(t, 10, func(seed uint64) Trial { return Probing(s, 300, seed) }) {
		longest = max(longest, r.Took)
		if r.Took > 10 {
			t.Errorf("seed %d: %.1f heartbeats", i+1, r.Took)
		}
	}
	if longest == 0 {
		t.Error("no follower was ever probed")
	}
}
