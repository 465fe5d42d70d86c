// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"github.com/balsa-raft/raft/wire"
)

// graphTimeouts is how long a graph lasts, in election time-outs, and how long the cluster
// is watched after it.
const graphTimeouts = 10

// Graph says which links there are between nodes. Graphs are numbered: there are
// GraphsOfThree with directed links, GraphsOfFive without.
type Graph func(from, to wire.NodeID) bool

// How many graphs there are between three nodes, with directed links, and between five.
const (
	GraphsOfThree = 64
	GraphsOfFive  = 1024
)

// linkOfThree numbers the six links.
var linkOfThree = [3][3]int{{0, 0, 1}, {2, 0, 3}, {4, 5, 0}}

// GraphOfThree is one of the graphs of directed links.
func GraphOfThree(number int) Graph {
	return func(from, to wire.NodeID) bool { return number>>linkOfThree[from-1][to-1]&1 == 1 }
}

// linkOfFive numbers the ten links, a < b.
func linkOfFive(a, b wire.NodeID) int { return int(a)*(9-int(a))/2 + int(b-a) - 1 }

// GraphOfFive is one of the graphs of links that go both ways.
func GraphOfFive(number int) Graph {
	return func(from, to wire.NodeID) bool { return number>>linkOfFive(min(from, to)-1, max(from, to)-1)&1 == 1 }
}

// cutBy cuts the links that a graph lacks.
func (w *world) cutBy(isLink Graph) {
	for _, from := range w.nodes {
		for _, to := range w.nodes {
			w.net.cut(from.id, to.id, from != to && !isLink(from.id, to.id))
		}
	}
}

// mayServe reports whether somebody is linked in both directions with so many that they
// are a quorum, who might lead for as long as the graph lasts.
func (g Graph) mayServe(nodes int) bool {
	for hub := wire.NodeID(1); hub <= wire.NodeID(nodes); hub++ {
		linked := 1
		for other := wire.NodeID(1); other <= wire.NodeID(nodes); other++ {
			if other != hub && g(hub, other) && g(other, hub) {
				linked++
			}
		}
		if linked > nodes/2 {
			return true
		}
	}
	return false
}

// Partition leaves a cluster only the links of a graph for a while, and heals it. Took is
// how long it takes after that until something new is committed. Other is how long it
// took before, or -1 if the graph lets nobody serve, and Count the most terms that passed
// with one of the two changes.
func Partition(s Setting, graph Graph, seed uint64) Trial {
	w := s.begin(seed)
	began, term, committed := w.now, w.term(), w.check.Committed()
	w.cutBy(graph)
	trial := Trial{Other: -1}
	if graph.mayServe(s.Nodes) {
		if !w.stepUntil(func() bool { return w.check.Committed() > committed }) {
			return w.ended("nothing is committed though a quorum is connected")
		}
		trial.Other = w.timeouts(began)
	}
	w.runUntil(began + graphTimeouts*int64(w.plan.electionTimeout))
	trial.Count = int(w.term() - term)

	w.net.heal()
	healed, term := w.now, w.term()
	committed = w.check.Committed()
	if !w.stepUntil(func() bool { return w.check.Committed() > committed }) {
		return w.ended("nothing is committed after the partition")
	}
	trial.Took = w.timeouts(healed)
	w.runUntil(healed + graphTimeouts*int64(w.plan.electionTimeout))
	trial.Count = max(trial.Count, int(w.term()-term))
	return trial
}
