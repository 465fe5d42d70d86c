// SPDX-License-Identifier: Apache-2.0

package quorum

import "github.com/balsa-raft/raft/wire"

// Vote is what one voter has answered a candidate.
type Vote uint8

// The votes. The zero value is that of a voter that was not heard from.
const (
	// NoAnswer means that the voter has not answered yet.
	NoAnswer Vote = iota
	// Granted means that the voter votes for the candidate.
	Granted
	// Refused means that the voter does not, and will not in this term.
	Refused
)

// String names the vote.
func (v Vote) String() string {
	switch v {
	case NoAnswer:
		return "no answer"
	case Granted:
		return "granted"
	case Refused:
		return "refused"
	}
	return "unknown vote"
}

// Verdict is how an election stands.
type Verdict uint8

// The verdicts.
const (
	// Pending means that the answers still out decide.
	Pending Verdict = iota
	// Won means that a quorum has granted its vote.
	Won
	// Lost means that no quorum can grant its vote any more.
	Lost
)

// String names the verdict.
func (v Verdict) String() string {
	switch v {
	case Pending:
		return "pending"
	case Won:
		return "won"
	case Lost:
		return "lost"
	}
	return "unknown verdict"
}

// Votes returns how an election stands, where vote tells what a voter has answered.
// Without voters it is lost. An answer that is not one of the constants counts as a
// refusal.
//
// It is won if a quorum has reached the grant, and lost unless a quorum still could,
// if all that have not answered granted: the same arithmetic as for a commit index.
func (c Config) Votes(vote func(id wire.NodeID) Vote) Verdict {
	granted := c.Reached(func(id wire.NodeID) uint64 { return oneIf(vote(id) == Granted) })
	if granted == 1 {
		return Won
	}
	possible := c.Reached(func(id wire.NodeID) uint64 { return oneIf(vote(id) == Granted || vote(id) == NoAnswer) })
	if possible == 1 {
		return Pending
	}
	return Lost
}

func oneIf(condition bool) uint64 {
	if condition {
		return 1
	}
	return 0
}
