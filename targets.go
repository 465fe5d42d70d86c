// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"cmp"
	"fmt"
	"slices"
)

// leadsTo returns the members that a membership has, or will have when a change that is under
// way is through.
func leadsTo(m *Membership) MembershipTarget {
	voters, learners := m.Voters, m.Learners
	switch {
	case m.IsJoint():
		learners = m.TargetLearners
	case m.IsChanging():
		voters, learners = m.TargetVoters, m.TargetLearners
	}
	return MembershipTarget{Voters: membersOf(m, voters), Learners: membersOf(m, learners)}
}

func membersOf(m *Membership, ids []NodeID) []Member {
	members := make([]Member, 0, len(ids))
	for _, id := range ids {
		member, _ := m.Member(id)
		member.Incarnation = 0
		members = append(members, member)
	}
	return members
}

// take removes a node from a target and returns it.
func (t *MembershipTarget) take(id NodeID) (Member, error) {
	for _, list := range []*[]Member{&t.Voters, &t.Learners} {
		if i := slices.IndexFunc(*list, func(m Member) bool { return m.ID == id }); i >= 0 {
			member := (*list)[i]
			*list = slices.Delete(*list, i, i+1)
			return member, nil
		}
	}
	return Member{}, fmt.Errorf("%w: node %d", ErrNotMember, id)
}

// has reports whether a node is to be a member, votes whether it is to vote.
func (t *MembershipTarget) has(id NodeID) bool {
	return t.votes(id) || slices.ContainsFunc(t.Learners, func(m Member) bool { return m.ID == id })
}

func (t *MembershipTarget) votes(id NodeID) bool {
	return slices.ContainsFunc(t.Voters, func(m Member) bool { return m.ID == id })
}

// put makes a node a voter or a learner, whatever it was. It keeps its priority, unless another is
// given.
func (t *MembershipTarget) put(member Member, isVoter bool) {
	before, _ := t.take(member.ID) // It need not be there.
	member.Priority = cmp.Or(member.Priority, before.Priority)
	if isVoter {
		t.Voters = append(t.Voters, member)
	} else {
		t.Learners = append(t.Learners, member)
	}
}
