// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// member is the abstract state of a member: figure 2's, and its disk.
type member struct {
	id wire.NodeID
	// incarnation is that of the disk, zero if the member does not show it.
	incarnation wire.Incarnation
	// image is currentTerm, votedFor and log[].
	image
	role            Role
	commit, applied wire.Index
	// compacted is the last entry that the member does not hold any more, snapshot the last
	// one that a durable snapshot covers.
	compacted, snapshot wire.LogID
	// latest is the membership in effect, before the one before it; nil if none.
	latest, before *membershipAt

	// granted are the votes that a candidate has received.
	granted []wire.NodeID
	// matches are matchIndex[] of a leader: what was acknowledged to it, acks with which disk.
	matches []Match
	acks    []acknowledgement
	// matched is how far the log is known to be that of the leader of the current term.
	matched wire.Index

	// durable is the disk; pending are the writes on their way to it, oldest first.
	durable image
	pending []pendingWrite
	issued  Seq
	// spoken is the highest term that was heard of from this member.
	spoken wire.Term
}

// image is a state as a disk may hold it.
type image struct {
	hard wire.HardState
	log  wire.LogID
}

type pendingWrite struct {
	seq   Seq
	after image
}

// stepDown makes a follower of a candidate or leader, which forgets what only they know.
func (n *member) stepDown() {
	n.role = Follower
	n.granted, n.matches, n.acks = n.granted[:0], n.matches[:0], n.acks[:0]
}

// enter begins a term.
func (n *member) enter(hard wire.HardState) {
	n.stepDown()
	n.hard = hard
	n.matched = 0
}

func (n *member) match(peer wire.NodeID) *Match {
	i := slices.IndexFunc(n.matches, func(m Match) bool { return m.Peer == peer })
	if i < 0 {
		n.matches = append(n.matches, Match{Peer: peer})
		i = len(n.matches) - 1
	}
	return &n.matches[i]
}

// acknowledgement is how far a disk of a peer holds a leader's log.
type acknowledgement struct {
	peer        wire.NodeID
	incarnation wire.Incarnation
	index       wire.Index
}

func (n *member) acknowledged(a acknowledgement) {
	for i := range n.acks {
		if known := &n.acks[i]; known.peer == a.peer && known.incarnation == a.incarnation {
			known.index = max(known.index, a.index)
			return
		}
	}
	n.acks = append(n.acks, a)
}

// isHeldBy reports whether a voter has acknowledged an entry with the disk that the membership
// means: with another one it has lost what it had promised to other leaders. Zero is what is not known.
func (n *member) isHeldBy(voter wire.NodeID, index wire.Index) bool {
	meant := n.latest.membership.Incarnation(voter)
	return slices.ContainsFunc(n.acks, func(a acknowledgement) bool {
		return a.peer == voter && a.index >= index && (meant == 0 || a.incarnation == 0 || a.incarnation == meant)
	})
}

func (n *member) grant(voter wire.NodeID) {
	if !slices.Contains(n.granted, voter) {
		n.granted = append(n.granted, voter)
	}
}

// covered returns how much of the log survives a crash, whenever it happens: the disk
// has it, and no write on its way there takes it away in between.
func (n *member) covered(h *history) wire.Index {
	least := h.common(n.recovered(h, n.durable.log), n.log)
	for i := range n.pending {
		if log := n.pending[i].after.log; log != n.log {
			least = min(least, h.common(n.recovered(h, log), n.log))
		}
	}
	return least
}

// recovered returns the log of a member that finds one on its disk. If that lacks what the
// snapshot covers, the snapshot is installed first of all.
func (n *member) recovered(h *history, log wire.LogID) wire.LogID {
	if h.holds(log, n.snapshot) {
		return log
	}
	return n.snapshot
}

// isQuorum reports whether those that answer yes are a quorum: more than half of the
// voters and, while a change is under way, more than half of the old ones, too (§6).
func isQuorum(m *membershipAt, yes func(wire.NodeID) bool) bool {
	if m == nil || !isMajority(m.membership.Voters, yes) {
		return false
	}
	return len(m.membership.Outgoing) == 0 || isMajority(m.membership.Outgoing, yes)
}

func isMajority(voters []wire.NodeID, yes func(wire.NodeID) bool) bool {
	count := 0
	for _, id := range voters {
		if yes(id) {
			count++
		}
	}
	return 2*count > len(voters)
}
