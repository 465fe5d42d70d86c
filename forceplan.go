// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// ForcePlan is what ForceMembership would do, or has done.
type ForcePlan struct {
	// Refusal is why it would not, nil if it would, and Reason says that for people. Refusal wraps
	// ErrForceRefused.
	Refusal error
	Reason  string
	// IsDone says that the log ends with just this already, and that there is nothing to do.
	IsDone bool

	// HardState and Last are what the log has, and Snapshot is the newest that is whole, with ID
	// zero if there is none. Damaged is how many newer ones are not.
	HardState HardState
	Last      LogID
	Snapshot  SnapshotMeta
	Damaged   int
	// Committed is up to where it is known here that the group has committed. What is behind it,
	// up to Last, may never have been acknowledged.
	Committed Index
	// Before is the membership in effect, which may be joint, and BeforeAt the index of its
	// entry. If that is behind Committed, it is not known whether it was ever committed, and
	// Earlier is the one before it.
	Before, Earlier Membership
	BeforeAt        Index

	// Forced is the entry that is appended, and After the membership in it.
	Forced LogID
	After  Membership
	// Gone are the voters that the group has now, and will not have. Learners are those of
	// After that do not vote now: they learn, or were members before.
	Gone, Learners []NodeID
	// MayLose says that those left out could have acknowledged commands among themselves, without
	// any of the members: what there was of that is gone. If it is false, and all members have
	// what they had, nothing that was ever acknowledged is lost.
	MayLose bool

	// reset is where the log has to begin anew first, because it does not reach the snapshot.
	reset LogID
}

// HardState is a member's term and vote; see wire.HardState.
type HardState = wire.HardState

// PlanForce says what ForceMembership would do, and what may be lost by it, and changes nothing.
// It reads the snapshot that the member would start from, all of it. A refusal is in the plan; the error
// is about the target, or about reading: also that of a snapshot that is not damaged, but cannot
// be read just now. Nobody else may use the stores.
func PlanForce(target ForceTarget) (ForcePlan, error) {
	p := forcing{target: &target}
	p.plan.After = wire.NewMembership(target.Members...)
	for i := range p.plan.After.Members {
		p.plan.After.Members[i].Incarnation = 0
	}
	err := p.plan.After.Validate()
	if err == nil && (target.Group == 0 || target.Node == 0 || target.Log == nil) {
		err = errors.New("a field of ForceTarget is missing")
	}
	if err == nil {
		err = p.look()
	}
	if err != nil {
		return p.plan, fmt.Errorf("raft: force the membership of group %d: %w", target.Group, err)
	}
	p.judge()
	return p.plan, nil
}

// forcing is the work of PlanForce.
type forcing struct {
	target *ForceTarget
	state  wire.LogState
	plan   ForcePlan
	// memberships are those that are known here, in the order of the log.
	memberships []forcedFrom
	isLost      bool
}

type forcedFrom struct {
	at         Index
	membership Membership
}

// look finds out what the stores have.
func (f *forcing) look() (err error) {
	if f.state, err = f.target.Log.Load(f.target.Group); err != nil {
		return err
	}
	if err := f.findSnapshot(); err != nil {
		return err
	}
	p, state := &f.plan, &f.state
	p.HardState = state.HardState
	p.Last = LogID{Term: termAt(state, state.Last), Index: state.Last}
	if s := p.Snapshot.Last; s.Index > 0 && termAt(state, s.Index) != s.Term {
		p.Last, p.reset = s, s // As a start would do; see core.Recover.
		p.HardState.Term = max(p.HardState.Term, s.Term)
	}
	p.Committed = max(state.Compacted.Index, p.Snapshot.Last.Index, min(f.target.Applied, p.Last.Index))
	f.isLost = state.Compacted.Index > p.Snapshot.Last.Index
	if err := f.findMemberships(); err != nil {
		return err
	}
	p.Forced = LogID{Term: forcedTerm(p.Last.Term, &p.After), Index: p.Last.Index + 1}
	return nil
}

// termAt returns the term of an entry, zero if the log does not have it.
func termAt(state *wire.LogState, index Index) Term {
	if index == state.Compacted.Index {
		return state.Compacted.Term
	}
	term := Term(0)
	for _, start := range state.Terms {
		if start.First <= index && index <= state.Last {
			term = start.Term
		}
	}
	return term
}

func (f *forcing) findMemberships() error {
	base := Index(0)
	if s := &f.plan.Snapshot; s.ID != 0 {
		base = s.MembershipAt
		f.memberships = append(f.memberships, forcedFrom{base, s.Membership})
	}
	for _, entry := range f.state.Memberships {
		if entry.Index <= base || entry.Index > f.plan.Last.Index || f.plan.reset.Index > 0 {
			continue
		}
		m, err := wire.DecodeMembership(entry.Data)
		if err != nil {
			return fmt.Errorf("the membership at entry %d: %w", entry.Index, err)
		}
		f.memberships = append(f.memberships, forcedFrom{entry.Index, m})
	}
	if n := len(f.memberships); n > 0 {
		f.plan.Before, f.plan.BeforeAt = f.memberships[n-1].membership, f.memberships[n-1].at
		if n > 1 && f.plan.BeforeAt > f.plan.Committed {
			f.plan.Earlier = f.memberships[n-2].membership
		}
	}
	return nil
}

// judge compares what there is with what is to be.
func (f *forcing) judge() {
	p := &f.plan
	before := append(slices.Clone(p.Before.Voters), p.Before.Outgoing...)
	slices.Sort(before)
	for _, id := range slices.Compact(before) {
		if !p.After.IsVoter(id) {
			p.Gone = append(p.Gone, id)
		}
	}
	for _, id := range p.After.Voters {
		if !p.Before.IsVoter(id) {
			p.Learners = append(p.Learners, id)
		}
	}
	isLeftOut := func(id NodeID) bool { return !p.After.IsVoter(id) }
	p.MayLose = decide(&p.Before, isLeftOut) || decide(&p.Earlier, isLeftOut)
	isForming := p.BeforeAt > 0 && p.BeforeAt == p.Last.Index && !p.Before.IsChanging() &&
		slices.ContainsFunc(p.Before.Voters, func(id NodeID) bool { return p.Before.Incarnation(id) == 0 })
	p.IsDone = isForming && p.Before.Equal(&p.After)
	f.refuse(isForming)
}

func (f *forcing) refuse(isForming bool) {
	p := &f.plan
	because := func(why error, format string, args ...any) { p.Refusal, p.Reason = why, fmt.Sprintf(format, args...) }
	stranger := slices.IndexFunc(p.After.Voters, func(id NodeID) bool {
		return !slices.ContainsFunc(f.memberships, func(m forcedFrom) bool { return m.membership.Contains(id) })
	})
	switch {
	case !p.After.IsVoter(f.target.Node):
		because(ErrForceNotMember, "node %d, whose log this is, is not among the members %d", f.target.Node, p.After.Voters)
	case p.IsDone:
	case p.Last.Index == 0 && p.HardState.IsZero():
		because(ErrForceNoGroup, "there is no entry of group %d", f.target.Group)
	case f.isLost:
		because(ErrForceStateLost, "the log begins behind entry %d, and no whole snapshot reaches that far", f.state.Compacted.Index)
	case len(f.memberships) == 0:
		because(ErrForceNoGroup, "the log has %d entries, and none that says who the members are", p.Last.Index)
	case stranger >= 0:
		because(ErrForceNotMember, "node %d is no member, so it has nothing of the group: add it when the group has a leader",
			p.After.Voters[stranger])
	case p.HardState.Term-p.Last.Term >= forcedEra:
		because(ErrForceOutdated, "the log ends in term %d, and the node has heard of term %d", p.Last.Term, p.HardState.Term)
	case p.Last.Term > forcedTermMax || p.Forced.Term > forcedTermMax:
		because(ErrForceRefused, "the terms are used up: the log ends in term %d", p.Last.Term)
	case !isForming && decide(&p.Before, p.After.IsVoter):
		because(ErrForceNotNeeded, "of the voters %d, the members %d are enough: start them, and change the membership then",
			p.Before.Voters, p.After.Voters)
	}
}

// decide reports whether those who are meant are a quorum of a membership, of each half if it
// is joint. Those who only learn are none.
func decide(m *Membership, isMeant func(NodeID) bool) bool {
	majority := func(voters []NodeID) bool {
		n := 0
		for _, id := range voters {
			if isMeant(id) {
				n++
			}
		}
		return n > len(voters)/2
	}
	return majority(m.Voters) && (!m.IsJoint() || majority(m.Outgoing))
}
