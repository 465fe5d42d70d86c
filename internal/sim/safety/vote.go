// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const singleVote = "I2 single vote"

// SingleVote is I2: a member votes for one candidate a term, over all its restarts. It
// looks at what becomes durable, and at what is promised to others.
type SingleVote struct {
	votes map[ballot]wire.NodeID
}

type ballot struct {
	voter wire.NodeID
	term  wire.Term
}

// Forget is told that a voter has lost its disk in a way that does not matter.
func (c *SingleVote) Forget(voter wire.NodeID) {
	for b := range c.votes {
		if b.voter == voter {
			delete(c.votes, b)
		}
	}
}

// Votes is told that a vote became durable or was promised.
func (c *SingleVote) Votes(voter wire.NodeID, term wire.Term, candidate wire.NodeID) *Violation {
	if candidate == 0 {
		return nil
	}
	if c.votes == nil {
		c.votes = make(map[ballot]wire.NodeID)
	}
	b := ballot{voter, term}
	if other, found := c.votes[b]; found && other != candidate {
		return violated(singleVote, "node %d votes for %d and for %d in term %d", voter, other, candidate, term)
	}
	c.votes[b] = candidate
	return nil
}
