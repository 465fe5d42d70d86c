// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// MembershipTarget says which members a group is to have. A node is one or the other. What it
// says of incarnations is ignored.
type MembershipTarget struct {
	Voters, Learners []Member
	// IfIndex, unless zero, makes the change conditional: it is refused unless the membership
	// in effect has this index (Status.MembershipIndex).
	IfIndex Index
	// Force demands the change even if too few of the voters answer now. It overrides nothing but
	// ErrQuorumAtRisk, and no quorum: to give members to a group that has lost its own, there is
	// ForceMembership.
	Force bool

	_ struct{}
}

// membership is the target as a simple membership.
func (t *MembershipTarget) membership() Membership {
	m := wire.NewMembership(append(append([]Member(nil), t.Voters...), t.Learners...)...)
	m.Voters, m.Learners = idsOf(t.Voters), idsOf(t.Learners)
	for i := range m.Members {
		m.Members[i].Incarnation = 0
	}
	return m
}

func idsOf(members []Member) []NodeID { return wire.NewMembership(members...).Voters }

// ChangeMembership makes the members of the group those of the target, and returns when that
// is committed. It is to be called on the leader, from any goroutine but the state machine's.
//
// New voters join as learners and catch up first (thesis §4.2.1); then the voters are changed in one
// step, however many they are, by joint consensus (§6); then the old ones that are left over are let
// go. The group serves all the time. A leader that is not among the voters hands over at the
// end. What is true at the moment, and how far new ones have caught up, is in Status.
//
// Once begun, a change goes on without its caller and under whichever leader: if ctx ends
// first, ErrChangeGoesOn says so. While new voters catch up it may be given another
// target by another call, the present members for instance, which cancels it. Asking for what is
// already there, or on its way, is harmless. Nothing ends a change by itself: one whose new voters
// never catch up goes on until it is cancelled.
//
// The error wraps ErrChangeRefused, ErrChangeGoesOn, ErrChangeSuperseded, ErrChangeUnknown or, if the
// group has stopped on this node, ErrStopped.
func (g *Group) ChangeMembership(ctx context.Context, target MembershipTarget) error {
	to := target.membership()
	if err := to.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrChangeRefused, err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrChangeRefused, context.Cause(ctx))
	}
	v, err := g.inquire(ctx, core.ChangeRequested{Target: to, IfAt: target.IfIndex, Force: target.Force})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChangeUnknown, err)
	}
	if err := refusalOf(v.change.Refusal); err != nil {
		return g.withReasons(err, &target)
	}
	return g.awaitMembership(ctx, v.change.At, &to)
}

// withReasons adds the numbers, where the plan has them. A member that does not lead has no plan; nor
// does it know, if it finds fault with a target, of which membership that is true.
func (g *Group) withReasons(err error, target *MembershipTarget) error {
	plan, planErr := g.PlanMembership(*target)
	switch {
	case err == ErrChangeRefused && errors.Is(planErr, ErrChangeNotLeader):
		return planErr
	case planErr != nil || !errors.Is(err, plan.Refusal) || len(plan.Reasons) == 0:
		return err
	}
	return fmt.Errorf("%w: %s", err, strings.Join(plan.Reasons, "; "))
}

// leading returns the status of a member that leads, and why a change cannot be asked for
// on one that does not.
func (g *Group) leading() (Status, error) {
	select {
	case <-g.done:
		return Status{}, g.stopped()
	default:
	}
	s := g.Status()
	if s.Role != RoleLeader {
		return s, ErrChangeNotLeader
	}
	return s, nil
}

// awaitMembership waits until the change that began at an index is through. Who is removed by it
// without being told so in the log hears only that it was, and not by which membership.
func (g *Group) awaitMembership(ctx context.Context, begun Index, target *Membership) error {
	for {
		now := g.status.standing()
		if ended, err := now.hasEnded(begun, target); ended {
			return err
		}
		select {
		case <-now.moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrChangeGoesOn, context.Cause(ctx))
		case <-g.done:
			return g.stopped()
		}
	}
}

// hasEnded reports whether the change that began at an index is through, as far as this member
// will see, and how. One that was removed by the change itself may learn of both at once.
func (s *standing) hasEnded(begun Index, target *Membership) (bool, error) {
	switch {
	case s.committedAt >= begun && !s.committed.IsChanging():
		if sameMembers(&s.committed, target) {
			return true, nil
		}
		return true, ErrChangeSuperseded
	case s.at < begun:
		return true, fmt.Errorf("%w: its entry was overwritten", ErrChangeSuperseded)
	case s.removedAt >= begun:
		return true, fmt.Errorf("%w: this member was removed meanwhile", ErrChangeGoesOn)
	}
	return false, nil
}

// sameMembers compares all but incarnations.
func sameMembers(a, b *Membership) bool {
	x, y := *a, *b
	x.Members, y.Members = withoutIncarnations(a), withoutIncarnations(b)
	return x.Equal(&y)
}

func withoutIncarnations(m *Membership) []Member {
	members := make([]Member, len(m.Members))
	for i, member := range m.Members {
		member.Incarnation = 0
		members[i] = member
	}
	return members
}
