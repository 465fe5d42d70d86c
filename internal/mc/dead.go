// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// undertaker finds the messages that can do nothing any more, whatever happens before
// they arrive: a state is the same as the one without them. The reasons are given case
// by case, and reductions_test.go compares what is reached with and without.
//
// They rest on the disks: a member never again has a lower term than its disk, and is
// Candidate or Leader in a term only straight after it was a follower in an earlier one.
type undertaker struct {
	m *model
	r *recall
	s *state
	// ceiling is the highest term that anybody will ever be in, from this state on.
	ceiling              wire.Term
	mayCrash, mayTimeout bool
	// wipeable is who may yet lose its disk, zero if nobody may.
	wipeable wire.NodeID
}

// bury drops the dead messages of a state.
func (m *model) bury(r *recall, s *state) {
	u := undertaker{m: m, r: r, s: s, mayTimeout: s.left[forTimeout] > 0}
	u.mayCrash = s.left[forCrash] > 0 || s.left[forStateLoss] > 0
	for _, number := range s.nodes {
		status := m.locals.at(number).status
		u.ceiling = max(u.ceiling, status.HardState.Term)
		if status.Role == core.PreCandidate || u.mayTimeout {
			u.ceiling = max(u.ceiling, min(status.HardState.Term+1, m.bounds.TermMax))
		}
	}
	if u.mayTimeout || m.mayRetire {
		u.ceiling = m.bounds.TermMax
	}
	if s.left[forWipe] > 0 {
		u.wipeable = m.bounds.Wiped
	}
	s.messages = slices.DeleteFunc(s.messages, u.isDead)
}

func (u *undertaker) at(id wire.NodeID) *local { return u.m.locals.at(u.s.nodes[id-1]) }

func (u *undertaker) isDead(number uint32) bool {
	sent := u.m.messages.at(number)
	if sent.to == u.wipeable {
		return false // Nothing of what it was may count.
	}
	return u.isDeadReply(sent) || u.isDeadRequest(sent, number)
}

func (u *undertaker) isDeadReply(sent *message) bool {
	receiver := u.at(sent.to)
	switch reply := sent.payload.(type) {
	case *wire.PreVoteReply:
		// It has no term to teach, and answers a round that is over. A restart begins
		// to count rounds anew, so that one that is over may come again.
		isCurrent := reply.Round == receiver.round && receiver.status.Role == core.PreCandidate
		mayBe := u.mayTimeout && (reply.Round > receiver.round || u.mayCrash)
		return reply.Term <= receiver.disk.hard.Term && !isCurrent && !mayBe
	case *wire.VoteReply:
		return isOver(reply.Term, receiver, core.Candidate)
	case *wire.HeartbeatReply:
		return isOver(reply.Term, receiver, core.Leader)
	case *wire.SnapshotWanted:
		return isOver(reply.Term, receiver, core.Leader)
	case *wire.AppendReply:
		return isOver(reply.Term, receiver, core.Leader) || u.isKnown(reply, receiver, sent.from)
	}
	return false
}

// isOver reports whether a reply has no term to teach and is for a candidacy, or a
// leadership, that is over.
func isOver(term wire.Term, receiver *local, role core.Role) bool {
	if term > receiver.disk.hard.Term {
		return false
	}
	status := receiver.status
	return term < status.HardState.Term || status.Role != role && status.Role != core.Candidate
}

// isKnown reports whether a reply to a leader is of an epoch that is over, or says what
// the leader knows: match never falls, and a stream does not return to probing in one
// epoch. But who has to catch up may have to say it again, and another disk makes a
// leader forget what it knew.
func (u *undertaker) isKnown(reply *wire.AppendReply, leader *local, from wire.NodeID) bool {
	p := leader.peer(from)
	if p == nil || reply.Term != leader.status.HardState.Term || from == u.m.bounds.Wiped {
		return false
	}
	switch {
	case reply.Epoch != p.Epoch:
		return reply.Epoch < p.Epoch
	case reply.Rejected:
		return reply.Match <= p.Match
	}
	return reply.Match <= p.Match && p.State == progress.Replicate && !u.m.known.mayLearn(from)
}

// isDeadRequest reports whether a request does nothing to its receiver, now and for
// ever, but to make it say what is dead on arrival. That is so only if the receiver's
// disk is in the last term that anybody will be in, where it takes no step back any
// more: what it refuses, it will refuse; what it has, it will have, unless it crashes.
func (u *undertaker) isDeadRequest(sent *message, number uint32) bool {
	receiver := u.at(sent.to)
	if receiver.disk.hard.Term != u.ceiling {
		return false
	}
	// A snapshot that was to be fetched in an earlier term may take the place of what the
	// leader of this one has sent; one that this leader has offered cannot.
	isForgetful := u.mayCrash || len(receiver.fetches) > 0
	isSilent := false
	switch request := sent.payload.(type) {
	case *wire.TimeoutNow:
		return request.Term < u.ceiling || u.m.isBeyondBounds(sent, receiver)
	case *wire.RequestPreVote:
	case *wire.RequestVote:
		if isForgetful && request.Term == u.ceiling && receiver.disk.hard.Vote == 0 {
			return false // The vote, or what speaks against it, may be lost.
		}
	case *wire.AppendEntries:
		if isForgetful && request.Term == u.ceiling {
			return false // What it carries may be lost.
		}
		// What is refused in this term may be taken later: then it is not silent now.
		isSilent = request.Term == u.ceiling
	case *wire.Heartbeat:
		if request.Term == u.ceiling {
			return false // It may bring news when the entries are there.
		}
	case *wire.SnapshotOffer:
		if isForgetful && request.Term == u.ceiling {
			return false // What it offers may be needed later.
		}
		isSilent = request.Term == u.ceiling
	default:
		return false
	}
	place := int(sent.to) - 1
	o := u.m.outcomeOf(u.r, u.s.nodes[place], newAction(deliver, place, number))
	if o.broken != nil {
		return false // It is a violation, not a message without consequence.
	}
	if o.next != u.s.nodes[place] || isSilent && len(o.sends) > 0 {
		return false
	}
	return !slices.ContainsFunc(o.sends, func(reply uint32) bool { return !u.isDeadReply(u.m.messages.at(reply)) })
}
