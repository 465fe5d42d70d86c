// SPDX-License-Identifier: Apache-2.0

package core

import "slices"

// Clone returns a member that is in the same state and goes its own way from here:
// whatever happens to one is nothing to the other, so that both may be used by
// different goroutines. They share only what is never changed, such as memberships,
// messages and the entries' data. The effects of the last Handle stay with c.
func (c *Core) Clone() *Core {
	clone := *c
	clone.log = c.log.Clone()
	clone.memberships = slices.Clone(c.memberships)
	clone.lane.pending = slices.Clone(c.lane.pending)
	clone.lane.held = slices.Clone(c.lane.held)
	clone.election = c.election.clone()
	clone.leader = c.leader.clone()
	clone.effects = nil
	clone.starting = slices.Clone(c.starting)
	return &clone
}

func (e *electionState) clone() *electionState {
	if e == nil {
		return nil
	}
	clone := *e
	clone.voters = slices.Clone(e.voters)
	clone.votes = slices.Clone(e.votes)
	clone.incarnations = slices.Clone(e.incarnations)
	return &clone
}

func (l *leaderState) clone() *leaderState {
	if l == nil {
		return nil
	}
	clone := *l
	clone.peers = make([]*peerState, len(l.peers))
	for i, p := range l.peers {
		peer := *p
		peer.Progress = p.Progress.Clone()
		clone.peers[i] = &peer
	}
	return &clone
}
