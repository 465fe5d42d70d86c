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

// ErrChangeRefused means that a change of membership was not begun. Each of the reasons
// below wraps it.
var ErrChangeRefused = errors.New("raft: change of membership refused")

// Reasons for ErrChangeRefused; each wraps it.
var (
	// ErrChangeNotLeader means that this member does not lead, or hands leadership over: ask
	// the leader.
	ErrChangeNotLeader = fmt.Errorf("%w: this member does not lead", ErrChangeRefused)
	// ErrChangeOutdated means that the membership is not the one that the caller saw.
	ErrChangeOutdated = fmt.Errorf("%w: the membership has changed since", ErrChangeRefused)
	// ErrChangeUnderWay means that another change is, and is too far to be given another
	// target: it is joint, or has only just begun.
	ErrChangeUnderWay = fmt.Errorf("%w: another one is under way", ErrChangeRefused)
	// ErrChangeTooEarly means that the leader is too new to have committed anything. Retry soon.
	ErrChangeTooEarly = fmt.Errorf("%w: the leader has not committed anything yet", ErrChangeRefused)
	// ErrQuorumAtRisk means that too few of the voters that the group would have answer now:
	// it might not be able to go on. PlanMembership has the numbers.
	ErrQuorumAtRisk = fmt.Errorf("%w: too few of its voters would answer", ErrChangeRefused)
)

// ErrNotMember means that a change was refused because it is about a node that is not a member.
// It comes with ErrChangeRefused.
var ErrNotMember = errors.New("raft: not a member")

// ErrChangeGoesOn means that a change was begun, and goes on, and that the caller's context has
// ended before it was through. It comes with the cause of that.
var ErrChangeGoesOn = errors.New("raft: the change of membership goes on")

// ErrChangeSuperseded means that a change was begun, and that it was given another target, or
// was undone by a change of leader, before it was through.
var ErrChangeSuperseded = errors.New("raft: the change of membership was superseded")

// MembershipTarget says which members a group is to have. A node is one or the other.
type MembershipTarget struct {
	Voters, Learners []Member
	// IfIndex, unless zero, makes the change conditional: it is refused unless the membership
	// in effect has this index (Status.MembershipIndex).
	IfIndex Index
	// Force demands the change even if too few of the voters answer now.
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
// is committed. It is to be called on the leader.
//
// New voters join as learners and catch up first; then the voters are changed in one step,
// however many they are, by joint consensus (§6); then the old ones that are left over are let
// go. The group serves all the time. A leader that is not among the voters hands over at the
// end. What is true at the moment, and how far new ones have caught up, is in Status.
//
// Once begun, a change goes on without its caller and under whichever leader: if ctx ends
// first, ErrChangeGoesOn says so. While new voters catch up it may be given another
// target by another call, the present members for instance, which cancels it. Asking for what is
// already there, or on its way, is harmless.
func (g *Group) ChangeMembership(ctx context.Context, target MembershipTarget) error {
	to := target.membership()
	if err := to.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrChangeRefused, err)
	}
	v, err := g.inquire(ctx, core.ChangeRequested{Target: to, IfAt: target.IfIndex, Force: target.Force})
	if err != nil {
		return err
	}
	if err := refusalOf(v.change.Refusal); err != nil {
		return g.withReasons(err, &target)
	}
	return g.awaitMembership(ctx, v.change.At, &to)
}

// withReasons adds the numbers, where the plan has them.
func (g *Group) withReasons(err error, target *MembershipTarget) error {
	plan, planErr := g.PlanMembership(*target)
	if planErr != nil || !errors.Is(err, plan.Refusal) || len(plan.Reasons) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", err, strings.Join(plan.Reasons, "; "))
}

func refusalOf(r core.ChangeRefusal) error {
	switch r {
	case core.ChangeAccepted:
		return nil
	case core.ChangeNotLeading:
		return ErrChangeNotLeader
	case core.ChangeOutdated:
		return ErrChangeOutdated
	case core.ChangeUnderWay:
		return ErrChangeUnderWay
	case core.ChangeTooEarly:
		return ErrChangeTooEarly
	case core.ChangeRisksQuorum:
		return ErrQuorumAtRisk
	default:
		return ErrChangeRefused
	}
}

// awaitMembership waits until the change that began at an index is through.
func (g *Group) awaitMembership(ctx context.Context, begun Index, target *Membership) error {
	for {
		committed, at, committedAt, moved := g.status.standing()
		switch {
		case committedAt >= begun && !committed.IsChanging():
			if sameMembers(&committed, target) {
				return nil
			}
			return ErrChangeSuperseded
		case at < begun:
			return fmt.Errorf("%w: its entry was overwritten", ErrChangeSuperseded)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrChangeGoesOn, context.Cause(ctx))
		case <-g.done:
			return g.stopped()
		}
	}
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
		members[i] = Member{ID: member.ID, Address: member.Address}
	}
	return members
}
