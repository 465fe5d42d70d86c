// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// Probing lets a cluster run for a while, in election time-outs, with the faults of the
// setting. Took is the longest, in heartbeats, that a leader looked for the place
// where its log and a follower's agree without getting on, while both were well and the
// links between them open (L3).
func Probing(s Setting, timeouts float64, seed uint64) Trial {
	w := s.begin(seed)
	w.unleash()
	watch := probeWatch{w: w}
	end := w.now + int64(timeouts*float64(w.plan.electionTimeout))
	for w.now < end && w.check.Violation() == nil {
		w.runUntil(min(w.now+int64(w.plan.heartbeat)/4, end))
		watch.look()
	}
	if w.check.Violation() != nil {
		return w.ended("")
	}
	return Trial{Took: float64(watch.longest) / float64(w.plan.heartbeat)}
}

// probeWatch watches how long followers are probed without getting on.
type probeWatch struct {
	w *world
	// since is when the follower got on last, or something was not well.
	since   [nodesMax + 1]int64
	seen    [nodesMax + 1]probeView
	longest time.Duration
}

// probeView is what belongs to one attempt to get on with a follower.
type probeView struct {
	leader               wire.NodeID
	leaderLife, peerLife int
	term                 wire.Term
	match                wire.Index
}

func (p *probeWatch) look() {
	leader := p.w.leader()
	if leader == nil {
		p.seen = [nodesMax + 1]probeView{}
		return
	}
	for _, peer := range leader.group.Status().Peers {
		p.lookAt(leader, &peer)
	}
}

func (p *probeWatch) lookAt(leader *node, peer *raft.PeerStatus) {
	n := p.w.nodes[peer.ID-1]
	now := probeView{leader.id, leader.life, n.life, leader.view.Term, peer.MatchIndex}
	isFine := peer.State == "probe" && leader.isWell() && n.isWell() &&
		p.w.net.isOpen(leader.id, n.id) && p.w.net.isOpen(n.id, leader.id)
	if !isFine || p.seen[n.id] != now {
		p.seen[n.id], p.since[n.id] = now, p.w.now
		return
	}
	p.longest = max(p.longest, time.Duration(p.w.now-p.since[n.id]))
}

// isWell reports whether the process runs as fast as it should, and its disk works.
func (n *node) isWell() bool {
	d := n.disk
	return n.isUp() && n.slow == 1 && n.beat == 0 && n.stalledUntil <= n.w.now && d.slow == 1 && !d.full && !d.noFiles &&
		d.readsFail == faultCount && d.fails == diskFailure{}
}

// isOpen reports whether messages go from one node to another.
func (net *network) isOpen(from, to wire.NodeID) bool {
	l := net.link(from, to)
	return !l.cut && !l.lossy && l.clogged <= net.w.now
}
