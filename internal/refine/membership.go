// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// anonymous is the incarnation of who has none.
const anonymous wire.Incarnation = 1

// isMyself reports whether a member is the one that is meant by an incarnation; where none is
// given, by the membership in effect. Of a member that does not show its own, nothing is known.
func (n *member) isMyself(meant wire.Incarnation) bool {
	if meant == 0 && n.latest != nil {
		meant = n.latest.membership.Incarnation(n.id)
	}
	return meant == 0 || n.incarnation == 0 || meant == n.incarnation
}

// votesIn reports whether a member votes in a membership, and is the one that is meant there.
func (n *member) votesIn(m *wire.Membership) bool {
	return m.IsVoter(n.id) && n.isMyself(m.Incarnation(n.id))
}

// isForming reports whether a member's log ends with a membership in which some voter's disk
// is not known yet.
func (n *member) isForming() bool {
	if n.latest == nil || n.latest.membership.IsChanging() || n.log.Index > n.latest.id.Index {
		return false
	}
	m := &n.latest.membership
	return slices.ContainsFunc(m.Voters, func(id wire.NodeID) bool { return m.Incarnation(id) == 0 })
}

// mayVoteFor is what a voter asks beside §5.2 and §5.4.1: whether it is who the candidate's
// membership means, and, if it knows of no group, whether one is just being formed.
func (w *walk) mayVoteFor(m *wire.RequestVote) bool {
	n := w.n
	if !n.isMyself(m.Incarnation) {
		return w.violated(VoteForeign, "%d is meant with %d, its own is %d", n.id, m.Incarnation, n.incarnation)
	}
	if n.log.Index == 0 && m.Incarnation <= anonymous && (m.Incarnation != 0 || m.Last != firstID) {
		return w.violated(VoteIgnorant, "its log is empty, the candidate's ends at %v", m.Last)
	}
	return true
}

// hasAllVotes is what the first leader of a group needs.
func (w *walk) hasAllVotes() bool {
	n := w.n
	for _, id := range n.latest.membership.Voters {
		if !slices.Contains(n.granted, id) {
			return w.violated(LeadsNotAll, "in term %d it has the votes of %d, voters are %d", n.hard.Term, n.granted, n.latest.membership.Voters)
		}
	}
	return true
}

// bindsFirst demands that the first leader's first entry makes its voters known, by the disks
// with which they have voted.
func (w *walk) bindsFirst(e *wire.Entry, r *reign) bool {
	if !r.binds || e.Index != r.base.Index+1 {
		return true
	}
	m, err := wire.DecodeMembership(e.Data)
	if e.Kind != wire.EntryMembership || err != nil {
		return w.violated(BindsNot, "entry %v is of kind %v: %v", e.ID(), e.Kind, err)
	}
	for _, id := range m.Voters {
		if voted := w.s.incarnations[ballot{e.Term, id}]; m.Incarnation(id) == 0 || voted != 0 && voted != m.Incarnation(id) {
			return w.violated(BindsNot, "voter %d has voted with %d, recorded is %d", id, voted, m.Incarnation(id))
		}
	}
	return true
}

// follows reports whether a membership is one that may follow another: the way to a target
// (thesis §4.3), with learners that are to vote, and then the joint one of both; or it leaves
// the voters alone. Whose disk a voter's is does not change while it votes.
func follows(old, next *wire.Membership, first bool) bool {
	return keepsIncarnations(old, next, first) && hasShape(old, next)
}

func hasShape(old, next *wire.Membership) bool {
	wasBegun, isBegun := len(old.TargetVoters) > 0, len(next.TargetVoters) > 0
	switch {
	case old.IsJoint():
		return !next.IsChanging() && slices.Equal(next.Voters, old.Voters) && slices.Equal(next.Learners, old.TargetLearners)
	case next.IsJoint():
		return wasBegun && slices.Equal(next.Outgoing, old.Voters) && slices.Equal(next.Voters, old.TargetVoters) &&
			slices.Equal(next.TargetLearners, old.TargetLearners) && slices.Equal(next.Learners, except(old.Learners, next.Voters))
	case isBegun:
		all := append(slices.Clone(next.TargetVoters), next.TargetLearners...)
		slices.Sort(all)
		return slices.Equal(next.Voters, old.Voters) && slices.Equal(next.Learners, except(slices.Compact(all), next.Voters))
	}
	return slices.Equal(next.Voters, old.Voters)
}

// keepsIncarnations: those who have voted are who they were, and those who are new are known;
// the first leader makes all known.
func keepsIncarnations(old, next *wire.Membership, first bool) bool {
	for _, ids := range [][]wire.NodeID{next.Voters, next.Outgoing} {
		for _, id := range ids {
			was, is := old.Incarnation(id), next.Incarnation(id)
			if old.IsVoter(id) && was != is && !(first && was == 0) || !old.IsVoter(id) && is == 0 {
				return false
			}
		}
	}
	for _, id := range next.Learners {
		if next.Incarnation(id) != 0 {
			return false
		}
	}
	return true
}

func except(ids, others []wire.NodeID) (rest []wire.NodeID) {
	for _, id := range ids {
		if !slices.Contains(others, id) {
			rest = append(rest, id)
		}
	}
	return rest
}
