// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"fmt"
)

// editsMax bounds how often a short form looks at the membership again because it changed
// meanwhile.
const editsMax = 5

// edit changes the membership to what do makes of it, as ChangeMembership does. If a change is
// under way, do gets the members that it leads to. Only the leader's membership is worth looking at.
func (g *Group) edit(ctx context.Context, do func(*Status, *MembershipTarget) error) error {
	for n := 1; ; n++ {
		s, err := g.leading()
		if err != nil {
			return err
		}
		target := leadsTo(&s.Membership)
		target.IfIndex = s.MembershipIndex
		if err := do(&s, &target); err != nil {
			return fmt.Errorf("%w: %w", ErrChangeRefused, err)
		}
		err = g.ChangeMembership(ctx, target)
		if !errors.Is(err, ErrChangeOutdated) || n == editsMax {
			return err
		}
	}
}

// AddLearner adds a node that receives everything and does not vote. A node that is a learner
// already gets the address. A voter is refused.
//
// It is, as are all short forms, ChangeMembership with a target made of the members that there
// are: called on the leader, from any goroutine but the state machine's, it waits until the change
// is committed, and returns the same errors. If new voters are catching up, it changes where that
// leads to. To ask for the same again is harmless.
func (g *Group) AddLearner(ctx context.Context, member Member) error {
	return g.edit(ctx, func(_ *Status, t *MembershipTarget) error {
		if t.votes(member.ID) {
			return fmt.Errorf("node %d votes: Demote makes it a learner", member.ID)
		}
		t.put(member, false)
		return nil
	})
}

// AddVoter adds a node that votes, once it has caught up as a learner. A node that is a
// member already becomes a voter and gets the address. A voter that has lost its disk is refused,
// because it would not vote again: Remove it first. See AddLearner for what short forms have in common.
func (g *Group) AddVoter(ctx context.Context, member Member) error {
	return g.edit(ctx, func(s *Status, t *MembershipTarget) error {
		if p := s.peer(member.ID); p != nil && p.LostDisk && t.votes(member.ID) {
			return fmt.Errorf("node %d votes, and has lost its disk: Remove it first", member.ID)
		}
		t.put(member, true)
		return nil
	})
}

// Promote makes a learner vote, once it has caught up; ErrNotMember if it is none. A voter is left
// alone. See AddLearner for what short forms have in common.
func (g *Group) Promote(ctx context.Context, id NodeID) error { return g.makeVoter(ctx, id, true) }

// Demote makes a voter a learner; ErrNotMember if it is no member. A learner is left alone, but one that
// is to be promoted is not any more. See AddLearner for what short forms have in common.
func (g *Group) Demote(ctx context.Context, id NodeID) error { return g.makeVoter(ctx, id, false) }

func (g *Group) makeVoter(ctx context.Context, id NodeID, isVoter bool) error {
	return g.edit(ctx, func(_ *Status, t *MembershipTarget) error {
		member, err := t.take(id)
		if err != nil {
			return err
		}
		t.put(member, isVoter)
		return nil
	})
}

// Remove removes a member, or gives up adding it; ErrNotMember if there is none of this ID. The last
// voter cannot be removed. See AddLearner for what short forms have in common.
func (g *Group) Remove(ctx context.Context, id NodeID) error {
	return g.edit(ctx, func(s *Status, t *MembershipTarget) error {
		_, err := t.take(id)
		if err != nil && s.Membership.Contains(id) {
			return nil // It is leaving already.
		}
		return err
	})
}

// Replace removes one member, and adds another in its place, in one step. The other may be a learner,
// but no voter: that would leave one voter less. A node is not replaced by itself: if it has
// another address there is UpdateAddress, and if it has lost its disk Remove and AddVoter. See AddLearner
// for what short forms have in common.
func (g *Group) Replace(ctx context.Context, id NodeID, by Member) error {
	return g.edit(ctx, func(_ *Status, t *MembershipTarget) error {
		if by.ID == id {
			return fmt.Errorf("node %d is to replace itself: UpdateAddress gives it another address, Remove and AddVoter another disk", id)
		}
		isVoter := t.votes(id)
		_, err := t.take(id)
		switch {
		case err != nil && t.has(by.ID):
			return nil // It has been replaced, or is being.
		case err != nil:
			return err
		case t.votes(by.ID):
			return fmt.Errorf("node %d votes already: Remove node %d", by.ID, id)
		}
		t.put(by, isVoter)
		return nil
	})
}

// UpdateAddress says where a member is from now on. The others connect to it there as soon as they
// have the entry. ErrNotMember if there is no member of this ID. See AddLearner for what short forms
// have in common.
func (g *Group) UpdateAddress(ctx context.Context, id NodeID, address string) error {
	return g.editMember(ctx, id, func(m *Member) { m.Address = address })
}

// SetPriority says how much rather than others a member is to lead. A leader hands over to a
// voter of higher priority that answers and has nearly all that is committed, some election
// time-outs after it was elected, and TransferLeadership to nobody in particular goes by it.
// It has no part in elections: who has the most is not waited for. ErrNotMember if there is no member
// of this ID. See AddLearner for what short forms have in common.
func (g *Group) SetPriority(ctx context.Context, id NodeID, priority uint8) error {
	return g.editMember(ctx, id, func(m *Member) { m.Priority = priority })
}

// editMember changes what is recorded of a member.
func (g *Group) editMember(ctx context.Context, id NodeID, do func(*Member)) error {
	return g.edit(ctx, func(_ *Status, t *MembershipTarget) error {
		for _, list := range [][]Member{t.Voters, t.Learners} {
			for i := range list {
				if list[i].ID == id {
					do(&list[i])
					return nil
				}
			}
		}
		return fmt.Errorf("%w: node %d", ErrNotMember, id)
	})
}
