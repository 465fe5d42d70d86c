// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// TermOf returns the term that the sender of a message was in, zero if that cannot be told, and
// whether the message is of that term: a request for a pre-vote is of the one after it.
func TermOf(message wire.Message) (term wire.Term, isOwn bool) {
	switch m := message.(type) {
	case *wire.AppendEntries:
		return m.Term, true
	case *wire.AppendReply:
		return m.Term, true
	case *wire.Heartbeat:
		return m.Term, true
	case *wire.HeartbeatReply:
		return m.Term, true
	case *wire.PreVoteReply:
		return m.Term, true
	case *wire.RequestVote:
		return m.Term, true
	case *wire.VoteReply:
		return m.Term, true
	case *wire.TimeoutNow:
		return m.Term, true
	case *wire.SnapshotOffer:
		return m.Term, true
	case *wire.SnapshotWanted:
		return m.Term, true
	case *wire.RequestPreVote:
		return m.Term - 1, false
	}
	return 0, false
}
