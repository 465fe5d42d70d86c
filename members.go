// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// editsMax bounds how often a short form looks at the membership again because it changed
// meanwhile.
const editsMax = 5

// edit changes the membership to what do makes of it, as ChangeMembership does. If a change is
// under way, do gets the members that it leads to.
func (g *Group) edit(ctx context.Context, force bool, do func(*MembershipTarget) error) error {
	for n := 1; ; n++ {
		s := g.Status()
		target := leadsTo(&s.Membership)
		target.IfIndex, target.Force = s.MembershipIndex, force
		if err := do(&target); err != nil {
			return fmt.Errorf("%w: %w", ErrChangeRefused, err)
		}
		err := g.ChangeMembership(ctx, target)
		if !errors.Is(err, ErrChangeOutdated) || n == editsMax {
			return err
		}
	}
}

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
		members = append(members, Member{ID: id, Address: m.Address(id)})
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

// AddLearner adds a node that receives everything and does not vote. It waits, as all of
// these do, until that is committed; see ChangeMembership. A node that is a learner already
// gets the address.
func (g *Group) AddLearner(ctx context.Context, member Member) error {
	return g.edit(ctx, false, func(t *MembershipTarget) error {
		if slices.ContainsFunc(t.Voters, func(m Member) bool { return m.ID == member.ID }) {
			return fmt.Errorf("node %d votes: Demote makes it a learner", member.ID)
		}
		_, _ = t.take(member.ID) // It need not be there.
		t.Learners = append(t.Learners, member)
		return nil
	})
}

// AddVoter adds a node that votes, once it has caught up as a learner. A node that is a
// member already becomes a voter and gets the address.
func (g *Group) AddVoter(ctx context.Context, member Member) error {
	return g.edit(ctx, false, func(t *MembershipTarget) error {
		_, _ = t.take(member.ID) // It need not be there.
		t.Voters = append(t.Voters, member)
		return nil
	})
}

// Promote makes a learner vote, once it has caught up.
func (g *Group) Promote(ctx context.Context, id NodeID) error {
	return g.edit(ctx, false, func(t *MembershipTarget) error {
		member, err := t.take(id)
		t.Voters = append(t.Voters, member)
		return err
	})
}

// Demote makes a voter a learner.
func (g *Group) Demote(ctx context.Context, id NodeID) error {
	return g.edit(ctx, false, func(t *MembershipTarget) error {
		member, err := t.take(id)
		t.Learners = append(t.Learners, member)
		return err
	})
}

// Remove removes a member.
func (g *Group) Remove(ctx context.Context, id NodeID) error {
	return g.edit(ctx, false, func(t *MembershipTarget) error {
		_, err := t.take(id)
		return err
	})
}

// Replace removes one member, and adds another in its place, in one step.
func (g *Group) Replace(ctx context.Context, id NodeID, by Member) error {
	return g.edit(ctx, false, func(t *MembershipTarget) error {
		votes := slices.ContainsFunc(t.Voters, func(m Member) bool { return m.ID == id })
		if _, err := t.take(id); err != nil {
			return err
		}
		_, _ = t.take(by.ID) // It need not be there.
		if votes {
			t.Voters = append(t.Voters, by)
		} else {
			t.Learners = append(t.Learners, by)
		}
		return nil
	})
}

// UpdateAddress says where a member is from now on.
func (g *Group) UpdateAddress(ctx context.Context, id NodeID, address string) error {
	return g.edit(ctx, false, func(t *MembershipTarget) error {
		for _, list := range [][]Member{t.Voters, t.Learners} {
			for i := range list {
				if list[i].ID == id {
					list[i].Address = address
					return nil
				}
			}
		}
		return fmt.Errorf("%w: node %d", ErrNotMember, id)
	})
}
