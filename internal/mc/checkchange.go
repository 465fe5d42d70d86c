// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// checkChange verifies that a leader appends memberships only when it has committed
// something in its term, and only such as can follow the one before.
func (s *step) checkChange(before *local) {
	was, is := before.status, s.l.status
	if was.Role != core.Leader || is.Role != core.Leader || was.HardState.Term != is.HardState.Term {
		return
	}
	for i := len(before.log); i < len(s.l.log); i++ {
		if s.l.log[i].kind != wire.EntryMembership {
			continue
		}
		if committed := s.l.log[:min(int(is.Commit), i)]; len(committed) == 0 || committed[len(committed)-1].term != is.HardState.Term {
			s.fail(ChangeInOrder, "leader %d of term %d appends %s, having committed %s", s.l.id, is.HardState.Term, renderLog(s.l.log[:i+1]), renderLog(committed))
		}
	}
}

// checkElected verifies that a quorum of the membership in effect has elected a candidate:
// of those who are voters, while joint of both halves.
func (s *step) checkElected(before *local, event action) {
	was, is := before.status, s.l.status
	if was.Role == core.Leader || is.Role != core.Leader {
		return
	}
	granted := members(0)
	if was.Role == core.Candidate {
		var view core.View
		before.core.View(&view)
		for _, id := range view.Granted {
			granted |= 1 << (id - 1)
		}
	}
	from := s.l.id // Its own vote has become durable.
	if event.kind() == deliver || event.kind() == deliverLate {
		from = s.m.messages.at(event.number()).from
	}
	granted |= 1 << (from - 1)
	if of := s.m.inEffect(before.log); !granted.isQuorum(of) {
		s.fail(ElectedByQuorum, "node %d leads term %d with the votes %05b, going by voters %v %v", s.l.id, is.HardState.Term, granted, of.Voters, of.Outgoing)
	}
}

// checkVote (I16): who votes, or says that it would, is the one whom the candidate means, and
// so is who campaigns.
func (s *step) checkVote(event action) {
	if event.kind() == timeout || event.kind() == deliver && s.isInvited(event) {
		s.checkCampaign()
		return
	}
	if event.kind() != deliver && event.kind() != deliverLate {
		return
	}
	meant := wire.Incarnation(0)
	switch request := s.m.messages.at(event.number()).payload.(type) {
	case *wire.RequestPreVote:
		meant = request.Incarnation
	case *wire.RequestVote:
		meant = request.Incarnation
	}
	if meant == 0 || meant == s.l.incarnation {
		return
	}
	from := s.m.messages.at(event.number()).from
	if hard := s.l.status.HardState; hard.Vote == from || s.hasGranted(from) {
		s.fail(VoterIsMeant, "node %d, whose disk is number %d, votes for node %d, which means number %d", s.l.id, s.l.incarnation, from, meant)
	}
}

func (s *step) isInvited(event action) bool {
	_, is := s.m.messages.at(event.number()).payload.(*wire.TimeoutNow)
	return is
}

func (s *step) hasGranted(to wire.NodeID) bool {
	for _, m := range s.sends {
		if reply, ok := m.payload.(*wire.PreVoteReply); ok && m.to == to && reply.Granted {
			return true
		}
	}
	return false
}

// checkCampaign verifies that who campaigns is a voter, in the membership in effect or, as
// long as that may be rolled back, in the one before.
func (s *step) checkCampaign() {
	l := s.l
	if l.status.Role == core.Follower {
		return
	}
	log := l.log
	of := s.m.inEffect(log)
	if at := membershipAt(log); at > l.status.Commit {
		log = log[:at-1]
	}
	before := s.m.inEffect(log)
	isMeant := func(m *wire.Membership) bool { return m.IsVoter(l.id) && m.Incarnation(l.id) == l.incarnation }
	if !isMeant(of) && !isMeant(before) {
		s.fail(VoterIsMeant, "node %d, whose disk is number %d, campaigns; its memberships are %+v and %+v", l.id, l.incarnation, *before, *of)
	}
}

// oneChange (I15): behind what is committed there is one membership at most in any log, and
// it has no quorum that does not meet each quorum of the one before.
func (t *transition) oneChange() string {
	committed := t.history.committed
	behind := 0
	for behind < len(committed) && behind < len(t.is.log) && committed[behind] == t.is.log[behind] {
		behind++
	}
	found := wire.Index(0)
	for i := behind; i < len(t.is.log); i++ {
		if t.is.log[i].kind != wire.EntryMembership {
			continue
		}
		if found != 0 {
			return fmt.Sprintf("node %d has %s, of which memberships %d and %d are not committed; committed is %s",
				t.is.id, renderLog(t.is.log), found, i+1, renderLog(committed))
		}
		found = wire.Index(i + 1)
		if of, next := t.m.inEffect(t.is.log[:i]), t.m.inEffect(t.is.log[:i+1]); len(of.Voters) > 0 && !doMeet(of, next) {
			return fmt.Sprintf("node %d has %s: %v %v and %v %v have quorums that do not meet",
				t.is.id, renderLog(t.is.log), of.Voters, of.Outgoing, next.Voters, next.Outgoing)
		}
	}
	return ""
}

// doMeet reports whether each quorum of one membership has somebody in common with each
// quorum of another.
func doMeet(a, b *wire.Membership) bool {
	const everybody = members(1<<NodesMax - 1)
	for set := members(0); set <= everybody; set++ {
		if set.isQuorum(a) && (everybody &^ set).isQuorum(b) {
			return false
		}
	}
	return true
}
