// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// checkStep verifies what a member alone shows, after a step.
func (s *step) checkStep(before *local, event action) {
	was, is := before.status, s.l.status
	if is.HardState.Term < s.l.disk.hard.Term {
		s.fail(TermMonotonic, "node %d is in term %d, its disk in %d", s.l.id, is.HardState.Term, s.l.disk.hard.Term)
	}
	s.checkMembership()
	if s.isRestart {
		return
	}
	s.checkChange(before)
	s.checkElected(before, event)
	s.checkVote(event)
	if is.HardState.Term < was.HardState.Term {
		s.fail(TermMonotonic, "node %d was in term %d, is in %d", s.l.id, was.HardState.Term, is.HardState.Term)
	}
	if is.Commit < was.Commit || is.Commit > is.Last {
		s.fail(CommitMonotonic, "node %d: commit was %d, is %d, the log ends at %d", s.l.id, was.Commit, is.Commit, is.Last)
	}
	if was.Role == core.Leader && is.Role == core.Leader && was.HardState.Term == is.HardState.Term && !isPrefix(before.log, s.l.log) {
		s.fail(AppendOnly, "leader %d had %s, has %s", s.l.id, renderLog(before.log), renderLog(s.l.log))
	}
}

// checkDisk verifies what a write has made of the disk.
func (s *step) checkDisk(before image) {
	was, is := before.hard, s.l.disk.hard
	if is.Term < was.Term {
		s.fail(TermMonotonic, "node %d's disk was in term %d, is in %d", s.l.id, was.Term, is.Term)
	}
	if is.Term == was.Term && was.Vote != 0 && is.Vote != was.Vote {
		s.fail(SingleVote, "node %d's disk: in term %d the vote was for %d, is for %d", s.l.id, is.Term, was.Vote, is.Vote)
	}
	s.checkBase(&before)
}

// checkSend verifies that the sender's disk holds what a message speaks of, as the
// message leaves.
func (s *step) checkSend(m *message) {
	disk := s.l.disk
	if term := termShown(m.payload); term > disk.hard.Term {
		s.fail(DurableBeforeAck, "%v, while the disk is in term %d", m, disk.hard.Term)
	}
	switch payload := m.payload.(type) {
	case *wire.VoteReply:
		if payload.Granted && disk.hard != (wire.HardState{Term: payload.Term, Vote: m.to}) {
			s.fail(DurableBeforeAck, "%v, while the disk has term %d vote %d", m, disk.hard.Term, disk.hard.Vote)
		}
	case *wire.RequestVote:
		if disk.hard != (wire.HardState{Term: payload.Term, Vote: m.from}) {
			s.fail(DurableBeforeAck, "%v, while the disk has term %d vote %d", m, disk.hard.Term, disk.hard.Vote)
		}
	case *wire.AppendReply:
		if !payload.Rejected {
			s.checkAcknowledged(m, payload.Match)
		}
	case *wire.HeartbeatReply:
		s.checkAcknowledged(m, payload.Match)
	case *wire.SnapshotOffer:
		s.checkOffer(m, &payload.Snapshot)
	}
}

// checkAcknowledged verifies that the disk holds the log up to match, and that no write
// under way is going to replace some of it. A snapshot in whose place the log is yet to
// begin does not count: it may turn out to be damaged.
func (s *step) checkAcknowledged(m *message, match wire.Index) {
	log, disk := s.l.log, s.l.disk.log
	if int(match) > len(log) || int(match) > len(disk) || !slices.Equal(log[:match], disk[:match]) {
		s.fail(DurableBeforeAck, "%v, while the disk has %s of %s", m, renderLog(disk), renderLog(log))
	}
}

// termShown is the term that a message says its sender is in.
func termShown(payload wire.Message) wire.Term {
	switch payload := payload.(type) {
	case *wire.AppendEntries:
		return payload.Term
	case *wire.AppendReply:
		return payload.Term
	case *wire.Heartbeat:
		return payload.Term
	case *wire.HeartbeatReply:
		return payload.Term
	case *wire.RequestPreVote:
		return payload.Term - 1 // It asks about the next.
	case *wire.PreVoteReply:
		return payload.Term
	case *wire.RequestVote:
		return payload.Term
	case *wire.VoteReply:
		return payload.Term
	case *wire.TimeoutNow:
		return payload.Term
	case *wire.SnapshotOffer:
		return payload.Term
	case *wire.SnapshotWanted:
		return payload.Term
	}
	return 0
}

// acknowledged returns up to where a message says that its sender holds the leader's
// log durably, and in which term.
func acknowledged(payload wire.Message) (wire.Term, wire.Index) {
	switch payload := payload.(type) {
	case *wire.AppendReply:
		if !payload.Rejected {
			return payload.Term, payload.Match
		}
	case *wire.HeartbeatReply:
		return payload.Term, payload.Match
	}
	return 0, 0
}
