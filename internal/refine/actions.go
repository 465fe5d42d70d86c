// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// updateTerm is the rule for all servers (figure 2): a term in a message that is higher
// than the own is adopted, and whoever does so becomes a follower.
func (w *walk) updateTerm(term wire.Term) bool {
	for i := range w.step.Received {
		if spoken, isOwn := TermOf(w.step.Received[i].Message); isOwn && spoken == term {
			w.n.enter(wire.HardState{Term: term})
			return true
		}
	}
	return w.violated(TermUnheard, "from %d to %d, and no message is of that term", w.n.hard.Term, term)
}

// timeout is the conversion to candidate (§5.2). It is not asked why it happens now:
// pre-votes, and the leader's invitation, only make it rarer or sooner.
func (w *walk) timeout(hard wire.HardState) bool {
	n := w.n
	switch {
	case n.role == Leader:
		return w.violated(CandidateLeads, "it leads term %d and runs in %d", n.hard.Term, hard.Term)
	case hard.Term != n.hard.Term+1:
		return w.violated(CandidateTerm, "from term %d to %d", n.hard.Term, hard.Term)
	case !w.mayCampaign():
		return w.violated(CandidateNoVoter, "it runs in term %d", hard.Term)
	}
	n.enter(hard)
	n.role = Candidate
	w.s.candidacies[ballot{hard.Term, n.id}] = n.log
	w.s.incarnations[ballot{hard.Term, n.id}] = n.incarnation
	return true
}

// mayCampaign: a member votes in its latest membership, or in the one before, as long as
// the latest may not be committed, and is the one that is meant there.
func (w *walk) mayCampaign() bool {
	n := w.n
	if n.latest == nil || n.votesIn(&n.latest.membership) {
		return n.latest != nil
	}
	return n.before != nil && n.latest.id.Index > n.commit && n.votesIn(&n.before.membership)
}

// grantVote is the receiver's side of RequestVote (§5.2, §5.4.1).
func (w *walk) grantVote(candidate wire.NodeID) bool {
	n := w.n
	switch {
	case n.hard.Vote != 0:
		return w.violated(VoteTwice, "from %d to %d in term %d", n.hard.Vote, candidate, n.hard.Term)
	case candidate == n.id:
		return w.violated(CandidateTerm, "it votes for itself in term %d, in which it was already", n.hard.Term)
	}
	for i := range w.step.Received {
		r := &w.step.Received[i]
		m, isRequest := r.Message.(*wire.RequestVote)
		if !isRequest || r.From != candidate || m.Term != n.hard.Term {
			continue
		}
		if m.Last.Term < n.log.Term || m.Last.Term == n.log.Term && m.Last.Index < n.log.Index {
			return w.violated(VoteOutdated, "the candidate's log ends at %v, the own at %v", m.Last, n.log)
		}
		if !w.mayVoteFor(m) {
			return false
		}
		n.hard.Vote = candidate
		return true
	}
	return w.violated(VoteUnasked, "for %d in term %d", candidate, n.hard.Term)
}

// becomeLeader is the end of an election (§5.2). Votes were received that had been
// granted, each by a member whose disk holds it; the own is one of them.
func (w *walk) becomeLeader() bool {
	n, term := w.n, w.n.hard.Term
	switch {
	case n.role != Candidate:
		return w.violated(LeadsUnelected, "in term %d it was a %v", term, n.role)
	case !isQuorum(n.latest, func(id wire.NodeID) bool { return slices.Contains(n.granted, id) }):
		return w.violated(LeadsNoQuorum, "in term %d it has the votes of %d", term, n.granted)
	case n.isForming() && !w.hasAllVotes():
		return false
	case w.s.reigns[term] != nil:
		return w.violated(LeadsSecond, "term %d, which %d leads", term, w.s.leader(term))
	case w.s.committedIn < term && !w.s.holds(n.log, w.s.committed):
		return w.violated(LeadsIncomplete, "in term %d its log ends at %v, committed is %v", term, n.log, w.s.committed)
	}
	w.s.reigns[term] = &reign{leader: n.id, base: n.log, last: n.log.Index, binds: n.isForming()}
	n.stepDown()
	n.role = Leader
	return true
}

// clientRequest is a leader that appends entries of its term, the blank one that begins
// it among them (§5.3, §8).
func (w *walk) clientRequest(entries []wire.Entry) bool {
	n := w.n
	if n.role == Candidate && !w.becomeLeader() {
		return false
	}
	if n.role != Leader {
		return w.violated(AppendsUnled, "entries from %v on by a %v in term %d", entries[0].ID(), n.role, n.hard.Term)
	}
	if entries[0].Index != n.log.Index+1 {
		return w.violated(AppendsOnly, "entries from %v on, the log ends at %v", entries[0].ID(), n.log)
	}
	r := w.s.reigns[n.hard.Term]
	for i := range entries {
		e := &entries[i]
		if e.Term != n.hard.Term {
			return w.violated(AppendsTerm, "entry %v in term %d", e.ID(), n.hard.Term)
		}
		if !w.bindsFirst(e, r) {
			return false
		}
		n.log, r.last = e.ID(), e.Index
		if e.Kind == wire.EntryMembership && !w.changeMembership(e) {
			return false
		}
	}
	return true
}

// changeMembership is a leader that appends a membership, which is in effect at once.
// The one before is committed, and whatever is a quorum in one has a member in common
// with every quorum in the other: they are joint, or differ by one voter (thesis §4.1).
func (w *walk) changeMembership(e *wire.Entry) bool {
	n := w.n
	m, err := wire.DecodeMembership(e.Data)
	if err != nil {
		return w.violated(AppendsMembership, "entry %v: %v", e.ID(), err)
	}
	if n.latest != nil {
		if commit := max(n.commit, min(w.bound, w.step.Post.Commit)); n.latest.id.Index > commit && !binds(n.latest, &m) {
			return w.violated(AppendsMembership, "entry %v, %v is not committed yet", e.ID(), n.latest.id)
		}
		if !overlap(&n.latest.membership, &m) {
			return w.violated(AppendsMembership, "entry %v: voters %d and %d of old, then %d and %d of old", e.ID(),
				n.latest.membership.Voters, n.latest.membership.Outgoing, m.Voters, m.Outgoing)
		}
		if r := w.s.reigns[e.Term]; !follows(&n.latest.membership, &m, r.binds && e.Index == r.base.Index+1) {
			return w.violated(AppendsOther, "entry %v: %+v after %+v", e.ID(), m, n.latest.membership)
		}
	}
	w.s.record(&membershipAt{e.ID(), m})
	n.latest, n.before = w.s.membership(n.log)
	return true
}

// binds reports whether a membership is that of a group's first leader, who adds to the
// membership that the group was formed with no more than whose disks the voters' are.
func binds(first *membershipAt, m *wire.Membership) bool {
	return first.id == firstID && !m.IsChanging() && slices.Equal(first.membership.Voters, m.Voters) &&
		slices.Equal(first.membership.Learners, m.Learners)
}

// overlap reports whether every quorum of one membership shares a member with every
// quorum of the next, as far as the rules of §6 and of thesis §4.1 see to that.
func overlap(old, next *wire.Membership) bool {
	switch {
	case old.IsJoint() && next.IsJoint():
		return slices.Equal(old.Voters, next.Voters) && slices.Equal(old.Outgoing, next.Outgoing)
	case old.IsJoint():
		return slices.Equal(old.Voters, next.Voters)
	case next.IsJoint():
		return slices.Equal(old.Voters, next.Outgoing)
	}
	return missing(old.Voters, next.Voters)+missing(next.Voters, old.Voters) <= 1
}

// missing counts those that others lack.
func missing(ids, others []wire.NodeID) int {
	count := 0
	for _, id := range ids {
		if !slices.Contains(others, id) {
			count++
		}
	}
	return count
}

// firstID is the entry with which a group begins.
var firstID = wire.LogID{Term: 1, Index: 1}

func isFirst(entries []wire.Entry) bool {
	return len(entries) == 1 && entries[0].ID() == firstID && entries[0].Kind == wire.EntryMembership
}

// form is a member that is told of the membership with which the group begins. The paper
// takes it for granted: it is as if a leader of term 1 had replicated it to all.
func (w *walk) form(e wire.Entry) bool {
	m, err := wire.DecodeMembership(e.Data)
	if err != nil {
		return w.violated(FormsOther, "%v", err)
	}
	if r := w.s.reigns[firstID.Term]; r != nil && !w.s.memberships[0].membership.Equal(&m) {
		return w.violated(FormsOther, "voters %d, and %d", w.s.memberships[0].membership.Voters, m.Voters)
	}
	w.s.form(m)
	w.n.log = firstID
	w.n.latest, w.n.before = w.s.membership(w.n.log)
	return true
}

// form makes the first entry part of history.
func (h *history) form(m wire.Membership) {
	if h.reigns[firstID.Term] == nil {
		h.reigns[firstID.Term] = &reign{last: firstID.Index}
		h.record(&membershipAt{firstID, m})
	}
}
