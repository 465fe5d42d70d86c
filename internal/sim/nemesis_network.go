// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/balsa-raft/raft/wire"

// cutLinks cuts the links that a function chooses, and mends them later.
func (w *world) cutLinks(f Fault, chosen func(from, to wire.NodeID) bool) {
	var links [][2]wire.NodeID
	for _, from := range w.nodes {
		for _, to := range w.nodes {
			if from != to && chosen(from.id, to.id) {
				links = append(links, [2]wire.NodeID{from.id, to.id})
			}
		}
	}
	if len(links) == 0 {
		return
	}
	w.cut(links, true)
	w.fault(f)
	w.say(0, "%v: %v", f, links)
	w.later(func() { w.cut(links, false) })
}

// cut cuts links, or mends them.
func (w *world) cut(links [][2]wire.NodeID, cut bool) {
	for _, ends := range links {
		w.net.cut(ends[0], ends[1], cut)
	}
}

// isolate keeps a node from being heard, from hearing, or both.
func (w *world) isolate(f Fault, id wire.NodeID, mute, deaf bool) {
	w.cutLinks(f, func(from, to wire.NodeID) bool { return mute && from == id || deaf && to == id })
}

func (w *world) cutNode() { w.isolate(CutNode, w.anyNode().id, true, true) }

func (w *world) cutLeader() {
	if leader := w.leader(); leader != nil {
		w.isolate(CutLeader, leader.id, true, true)
	}
}

func (w *world) cutHalves() {
	side := w.injecting.IntN(1 << w.plan.nodes)
	w.cutLinks(CutHalves, func(from, to wire.NodeID) bool { return side>>(from-1)&1 != side>>(to-1)&1 })
}

func (w *world) cutOneWay() {
	a, b := w.anyNode().id, w.anyNode().id
	w.cutLinks(CutOneWay, func(from, to wire.NodeID) bool { return from == a && to == b })
}

func (w *world) cutPartial() {
	var cut [nodesMax + 1][nodesMax + 1]bool
	for from := range cut {
		for to := range cut[from] {
			cut[from][to] = w.injecting.IntN(2) == 0
		}
	}
	w.cutLinks(CutPartial, func(from, to wire.NodeID) bool { return cut[min(from, to)][max(from, to)] })
}

func (w *world) cutRing() {
	n := wire.NodeID(w.plan.nodes)
	w.cutLinks(CutRing, func(from, to wire.NodeID) bool { return (from-1+1)%n != to-1 && (to-1+1)%n != from-1 })
}

func (w *world) cutBridge() {
	bridge, side := w.anyNode().id, w.injecting.IntN(1<<w.plan.nodes)
	w.cutLinks(CutBridge, func(from, to wire.NodeID) bool {
		return from != bridge && to != bridge && side>>(from-1)&1 != side>>(to-1)&1
	})
}

func (w *world) cutLeaderLink() {
	if leader := w.leader(); leader != nil {
		other := w.anyNode().id
		w.cutLinks(CutLeaderLink, func(from, to wire.NodeID) bool {
			return from == leader.id && to == other || from == other && to == leader.id
		})
	}
}

// flap cuts and mends a node's links several times, each for a moment.
func (w *world) flap() {
	id, end := w.anyNode().id, w.now+w.duration()
	var toggle func(cut bool)
	toggle = func(cut bool) {
		if w.healing {
			return
		}
		for _, n := range w.nodes {
			w.net.cut(id, n.id, cut)
			w.net.cut(n.id, id, cut)
		}
		if w.now < end || cut {
			w.fault(Flap)
			w.after(logDuration(w.injecting, w.plan.electionTimeout/50, w.plan.electionTimeout), func() { toggle(!cut) })
		}
	}
	toggle(true)
}

func (w *world) breakLink() {
	a, b := w.anyNode().id, w.anyNode().id
	if a != b {
		w.fault(Break)
		w.net.breaks(a, b)
		w.net.breaks(b, a)
	}
}

// starve lets a link carry so little that ten usual heartbeats take an election time-out,
// or up to a hundred times as much.
func (w *world) starve() {
	l := w.anyLink()
	w.fault(Starve)
	l.perByte = int64(logDuration(w.injecting, w.plan.electionTimeout/50_000, w.plan.electionTimeout/500))
	w.later(func() { l.perByte = 0 })
}

func (w *world) slowPeer() {
	n := w.anyNode()
	w.fault(SlowPeer)
	n.far = 2 << w.injecting.IntN(6)
	w.later(func() { n.far = 1 })
}
