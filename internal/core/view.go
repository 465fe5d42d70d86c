// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// View is what a member shows of itself to those who check it from outside; see
// internal/refine.
type View struct {
	Role      Role
	HardState wire.HardState
	// Last is the last entry, Compacted the last that is not held, Snapshot the last that a
	// durable snapshot covers.
	Last, Compacted, Snapshot wire.LogID
	// Durable, Commit and Applied are as in Status.
	Durable, Commit, Applied wire.Index
	// Membership is the index of the membership in effect, zero if there is none.
	Membership wire.Index
	// Granted are those whose votes a candidate has counted; empty in other roles.
	Granted []wire.NodeID
}

// View fills in how the member looks now. It uses the space that Granted has.
func (c *Core) View(v *View) {
	granted := v.Granted[:0]
	if c.role == Candidate {
		for i, id := range c.election.voters {
			if c.election.votes[i] == quorum.Granted {
				granted = append(granted, id)
			}
		}
	}
	*v = View{
		Role: c.role, HardState: c.hard, Last: c.log.LastID(), Compacted: c.log.Compacted(), Snapshot: c.snapshot,
		Durable: c.lane.durable, Commit: c.commit, Applied: c.applied,
		Membership: c.memberships[len(c.memberships)-1].index, Granted: granted,
	}
}

// EntryTerm returns the term of an entry, or of the last that is not held; false for all
// others.
func (c *Core) EntryTerm(index wire.Index) (wire.Term, bool) { return c.log.Term(index) }

// TakeEffects returns what the last Handle has returned, valid until the next, and nothing
// if it was taken before. It is for those who watch what somebody else lets the core do.
func (c *Core) TakeEffects() []Effect {
	taken := c.effects
	c.effects = c.effects[:0]
	return taken
}
