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
		visit(p)
	}
}

// Membership returns the membership in effect. It must not be changed.
func (c *Core) Membership() *wire.Membership { return c.membership() }

// Quiet reports whether nothing waits for the log writer.
func (c *Core) Quiet() bool { return len(c.lane.pending) == 0 && len(c.lane.held) == 0 }
