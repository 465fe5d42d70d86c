// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

func membersOfPlan(ids ...NodeID) []Member {
	var members []Member
	for _, id := range ids {
		members = append(members, Member{ID: id, Address: fmt.Sprint("node-", id)})
	}
	return members
}

// TestPlan has each state that a group can be in, and what is planned from there.
func TestPlan(t *testing.T) {
	type ids = []NodeID
	simple := func(voters ...NodeID) Membership { return wire.NewMembership(membersOfPlan(voters...)...) }
	parts := func(voters, outgoing, learners, targets ids) Membership {
		m := simple(1, 2, 3, 4)
		m.Voters, m.Outgoing, m.Learners, m.TargetVoters = voters, outgoing, learners, targets
		return m
	}
	tests := []struct {
		name       string
		now        Membership
		isPending  bool // not committed
		silent     ids
		target     MembershipTarget
		refusal    error
		steps      string
		tolerances []int
	}{
		{"nothing to do", simple(1, 2, 3), false, nil, MembershipTarget{Voters: membersOfPlan(1, 2, 3)}, nil, "[now]", []int{1}},
		{"nothing to do, though too few answer", simple(1, 2, 3), false, ids{2, 3}, MembershipTarget{Voters: membersOfPlan(1, 2, 3)}, nil, "[now]", []int{-1}},
		{"nothing to do but commit", simple(1, 2, 3), true, nil, MembershipTarget{Voters: membersOfPlan(1, 2, 3)}, nil, "[now]", []int{1}},
		{"a learner", simple(1, 2, 3), false, nil, MembershipTarget{Voters: membersOfPlan(1, 2, 3), Learners: membersOfPlan(4)}, nil, "[now final]", []int{1, 1}},
		{"an address", simple(1, 2), false, nil, MembershipTarget{Voters: append(membersOfPlan(1), Member{ID: 2, Address: "x"})}, nil, "[now final]", []int{0, 0}},
		{"another voter", simple(1, 2, 3), false, nil, MembershipTarget{Voters: membersOfPlan(1, 2, 3, 4)}, nil, "[now catch up joint final]", []int{1, 1, 1, 1}},
		{"while one does not answer", simple(1, 2, 3), false, ids{3}, MembershipTarget{Voters: membersOfPlan(1, 2, 3, 4)}, nil, "[now catch up joint final]", []int{0, 0, 0, 0}},
		{"without one that answers", simple(1, 2, 3), false, ids{3}, MembershipTarget{Voters: membersOfPlan(1, 3)}, ErrQuorumAtRisk, "[now catch up joint final]", []int{0, 0, -1, -1}},
		{"that by force", simple(1, 2, 3), false, ids{3}, MembershipTarget{Voters: membersOfPlan(1, 3), Force: true}, nil, "[now catch up joint final]", []int{0, 0, -1, -1}},
		{"not committed", simple(1, 2, 3), true, nil, MembershipTarget{Voters: membersOfPlan(1, 2)}, ErrChangeUnderWay, "[now catch up joint final]", []int{1, 1, 0, 0}},
		{"another index", simple(1, 2, 3), false, nil, MembershipTarget{Voters: membersOfPlan(1, 2), IfIndex: 8}, ErrChangeOutdated, "[now catch up joint final]", []int{1, 1, 0, 0}},
		{"the same while it catches up", parts(ids{1, 2, 3}, nil, ids{4}, ids{1, 2, 3, 4}), true, ids{2, 3, 4},
			MembershipTarget{Voters: membersOfPlan(1, 2, 3, 4)}, nil, "[now catch up joint final]", []int{-1, -1, -1, -1}},
		{"cancel while it catches up", parts(ids{1, 2, 3}, nil, ids{4}, ids{1, 2, 3, 4}), false, nil,
			MembershipTarget{Voters: membersOfPlan(1, 2, 3)}, nil, "[now final]", []int{1, 1}},
		{"the same while it is joint", parts(ids{1, 2, 4}, ids{1, 2, 3}, nil, nil), true, ids{3, 4},
			MembershipTarget{Voters: membersOfPlan(1, 2, 4)}, nil, "[now final]", []int{0, 0}},
		{"another one while it is joint", parts(ids{1, 2, 4}, ids{1, 2, 3}, nil, nil), false, nil,
			MembershipTarget{Voters: membersOfPlan(1, 2, 3)}, ErrChangeUnderWay, "[now final]", []int{1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := Status{
				ID: 1, Role: RoleLeader, Leader: 1, ElectionTimeout: time.Second, LastIndex: 100,
				Membership: test.now, MembershipIndex: 7, CommittedMembershipIndex: 7,
			}
			if test.isPending {
				s.CommittedMembershipIndex = 6
			}
			for _, m := range test.now.Members {
				if m.ID != s.ID {
					s.Peers = append(s.Peers, PeerStatus{ID: m.ID, MatchIndex: 90})
				}
			}
			for _, id := range test.silent {
				s.peer(id).Silence = time.Minute
			}
			plan := planOf(&s, &test.target)
			var names []string
			var tolerances []int
			for _, step := range plan.Steps {
				names, tolerances = append(names, step.Name), append(tolerances, step.Tolerates)
			}
			if got := fmt.Sprint(names); got != test.steps || fmt.Sprint(tolerances) != fmt.Sprint(test.tolerances) {
				t.Errorf("the steps are %s, which tolerate %d; want %s, %d", got, tolerances, test.steps, test.tolerances)
			}
			if !errors.Is(plan.Refusal, test.refusal) || (plan.Refusal == nil) != (test.refusal == nil) || (plan.Refusal == nil) != (len(plan.Reasons) == 0) {
				t.Errorf("refused with %v: %q, want %v", plan.Refusal, plan.Reasons, test.refusal)
			}
		})
	}
}
