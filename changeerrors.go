// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"

	"github.com/balsa-raft/raft/internal/core"
)

// ErrChangeRefused means that a change of membership was not begun. Each of the reasons
// below wraps it.
var ErrChangeRefused = errors.New("raft: change of membership refused")

// Reasons for ErrChangeRefused; each wraps it. A target that no group can have is refused with
// nothing but ErrChangeRefused and a description.
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

// ErrChangeUnknown means that a change may have been begun, or not: the caller's context has
// ended, or the group has stopped on this node, before the loop had answered. It comes with the
// cause. To ask for the same again is harmless.
var ErrChangeUnknown = errors.New("raft: it is not known whether the change of membership was begun")

// ErrChangeGoesOn means that a change was begun, and that this member did not see the end of it:
// the caller's context has ended before, and the error comes with the cause of that, or the member
// was removed, and hears no more. The change goes on without it; the leader's Status tells how far.
var ErrChangeGoesOn = errors.New("raft: the change of membership goes on")

// ErrChangeSuperseded means that a change was begun, and that the members are others than it was
// to lead to: it was given another target or undone by a change of leader before it was
// through, or another change has followed at its heels.
var ErrChangeSuperseded = errors.New("raft: the change of membership was superseded")

// refusalOf returns the error for what the core says.
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
