// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// Status is what a member knows, in brief.
type Status struct {
	Role                           Role
	HardState                      wire.HardState
	Leader                         wire.NodeID
	Last, Durable, Commit, Applied wire.Index
	// Compacted is the last entry that the log has no more, Snapshot the last one that a
	// durable snapshot covers.
	Compacted, Snapshot wire.LogID
	// StateLost says that the state machine lacks what the log has no more.
	StateLost bool
}

// Brief returns what the member knows now.
func (c *Core) Brief() Status {
	return Status{
		Role: c.role, HardState: c.hard, Leader: c.knownLeader(),
		Last: c.log.Last(), Durable: c.lane.durable, Commit: c.commit, Applied: c.applied,
		Compacted: c.log.Compacted(), Snapshot: c.snapshot, StateLost: c.stateLost,
	}
}

// Standing is what a member knows of the membership, and of its own part in it.
type Standing struct {
	// At is the index of the membership in effect, CommittedAt of the latest that is known
	// to be committed.
	At, CommittedAt wire.Index
	// RemovedAt is where this member was removed, as far as it knows, zero if it was not.
	RemovedAt wire.Index
	// Drained says that the member is not to lead, Transferring to whom a leader is handing over.
	Drained      bool
	Transferring wire.NodeID
	// IsForming says that nothing but its first membership is in the group's log.
	IsForming bool
}

// Standing returns what the member knows of the membership now.
func (c *Core) Standing() Standing {
	s := Standing{
		At: c.memberships[len(c.memberships)-1].index, CommittedAt: c.committedMembership().index,
		RemovedAt: c.removedAt, Drained: c.drained, IsForming: c.isForming(),
	}
	if c.leader != nil {
		s.Transferring = c.leader.transferTo
	}
	return s
}

// PeerState is what a leader knows of a peer beside its progress.
type PeerState struct {
	*progress.Progress
	// LostDisk says that the peer answers with another disk than the membership means.
	LostDisk bool
	// CaughtUp says that a learner could vote by now; Goal is the entry that it is to reach
	// in this round of catching up.
	CaughtUp bool
	Goal     wire.Index
}

// HasPeer reports whether a leader replicates to a node.
func (c *Core) HasPeer(id wire.NodeID) bool { return c.leader != nil && c.leader.peer(id) != nil }

// CommittedMembership returns the latest membership that is known to be committed. It must
// not be changed.
func (c *Core) CommittedMembership() *wire.Membership { return &c.committedMembership().membership }

// VisitPeerStates shows a leader's peers, by ascending ID. They must not be changed or kept.
func (c *Core) VisitPeerStates(visit func(p PeerState)) {
	if c.leader == nil {
		return
	}
	for _, p := range c.leader.peers {
		visit(PeerState{Progress: p.Progress, LostDisk: !p.isMeant(), CaughtUp: p.catchUp.done, Goal: p.catchUp.goal})
	}
}

// Term returns the current term.
func (c *Core) Term() wire.Term { return c.hard.Term }

// AcceptsProposals reports whether ProposalsArrived would be accepted now.
func (c *Core) AcceptsProposals() bool { return c.leader != nil && c.leader.transferTo == 0 }

// VisitPeers shows a leader's peers, by ascending ID. They must not be changed or kept.
func (c *Core) VisitPeers(visit func(p *progress.Progress)) {
	if c.leader == nil {
		return
	}
	for _, p := range c.leader.peers {
		visit(p.Progress)
	}
}

// Membership returns the membership in effect. It must not be changed.
func (c *Core) Membership() *wire.Membership { return c.membership() }

// Quiet reports whether nothing waits for the log writer.
func (c *Core) Quiet() bool { return len(c.lane.pending) == 0 && len(c.lane.held) == 0 }
