// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/balsa-raft/raft/wire"
)

// ErrForceRefused means that a membership was not forced, and nothing was changed. Each of the
// reasons below wraps it.
var ErrForceRefused = errors.New("raft: forced membership refused")

// Reasons for ErrForceRefused; each wraps it.
var (
	// ErrForceNotNeeded means that the members have a quorum of those there are: they elect a
	// leader by themselves when they are started, and it can change the membership.
	ErrForceNotNeeded = fmt.Errorf("%w: the members have a quorum without force", ErrForceRefused)
	// ErrForceNoGroup means that there is nothing of the group here that could be saved.
	ErrForceNoGroup = fmt.Errorf("%w: the group is not here", ErrForceRefused)
	// ErrForceNotMember means that the node is not to be one of the members, or that one of
	// them has never been one, so that it has nothing of the group: it can be added afterwards.
	ErrForceNotMember = fmt.Errorf("%w: not among the members", ErrForceRefused)
	// ErrForceStateLost means that the log begins behind what any whole snapshot covers: the
	// node cannot come to the group's state by itself.
	ErrForceStateLost = fmt.Errorf("%w: the state is lost", ErrForceRefused)
	// ErrForceOutdated means that the node has heard of a group that was forced since its
	// log ends. What that group has done meanwhile is not here.
	ErrForceOutdated = fmt.Errorf("%w: the group was forced elsewhere since", ErrForceRefused)
)

// ForceTarget says what ForceMembership is to do on one node.
type ForceTarget struct {
	// Group is the group, and Node the one whose stores these are. Both are required.
	Group GroupID
	Node  NodeID
	// Members are those who are to be the group's voters, all of them: this node, and those
	// others that still have what they had of the group. Required, and the same on each of them.
	Members []Member
	// Log is the node's log store. Nobody else uses it. Required.
	Log LogStore
	// Snapshots are the node's snapshots, nil if it has no store for them.
	Snapshots SnapshotStore
	// Applied is the last entry that a DurableStateMachine has applied, zero for others. It
	// only makes it better known what was committed.
	Applied Index

	_ struct{}
}

// ForceMembership gives a group that has lost its quorum for good other members, against all
// the rules of §6: those that are left of it. It works on the stores of one node that is not
// running, and has to be done on each of the members before any of them is started. PlanForce
// says what it would do, and what may be lost by it; look at that first.
//
// It appends one entry to the log: a membership with the given voters, whose incarnations nobody
// knows. So the group is being formed: all of the members have to vote for its first leader, and
// that is the one with the most complete log among them. With one member, it leads at once.
// Nothing else is changed. To be told to do what it has done already, it does nothing. What stands in the log counts as committed from then on, also what
// the old group may never have acknowledged; what the lost members had acknowledged without
// those given is gone.
//
// The old members that are left over must not come back: see docs/rescue.md. Nobody else may use the
// stores meanwhile. If it is refused, the error wraps ErrForceRefused and the plan says the same; after
// any other error the log store is as after a failed LogStore.Save, if it came so far.
func ForceMembership(target ForceTarget) (ForcePlan, error) {
	plan, err := PlanForce(target)
	if err != nil {
		return plan, err
	}
	if plan.Refusal != nil {
		return plan, fmt.Errorf("%w: %s", plan.Refusal, plan.Reason)
	}
	if plan.IsDone {
		return plan, nil
	}
	update := wire.Update{
		Group: target.Group, HardState: wire.HardState{Term: plan.Forced.Term}, Reset: plan.reset,
		Entries: []Entry{{
			Index: plan.Forced.Index, Term: plan.Forced.Term,
			Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &plan.After),
		}},
	}
	if err := target.Log.Save([]wire.Update{update}); err != nil {
		return plan, fmt.Errorf("raft: force the membership of group %d: %w", target.Group, err)
	}
	return plan, nil
}

const (
	// forcedEra is by how much the terms of a forced group are higher than those of the group
	// that it was, times one and a number up to forcedVariants. No group ever has so many
	// elections.
	forcedEra      = 1 << 36
	forcedVariants = 1 << 12
	// forcedTermMax is the last term that a forced entry may have: there have to be some behind it.
	forcedTermMax = 1 << 59
)

// forcedTerm returns the term of the entry behind a log that ends with an entry of the term last.
//
// Every member writes its entry without knowing what the others hold, so that the term is all
// there is to keep the promise of LogIDs, that entries with the same one are the same, and so
// are those before them; and to make the most complete log win.
//
//   - It is beyond all terms that the old group ever had, so that no entry of it, on whichever
//     lost disk, has the same LogID.
//   - Among members forced alike, it grows with the term of the last entry, and with nothing else. So
//     the forced entries are in the order of what is before them, first by term and then by
//     index, as §5.4.1 has it; and two with the same LogID stand behind the same entry, and are
//     equal, as far as the members are given the same addresses.
//   - It is another one for other members, almost surely: so two halves of a group which were
//     both forced never take their histories for one.
func forcedTerm(last Term, members *Membership) Term {
	ids := make([]byte, 0, 8*len(members.Voters))
	for _, id := range members.Voters {
		for shift := 0; shift < 64; shift += 8 {
			ids = append(ids, byte(id>>shift))
		}
	}
	variant := Term(crc32.Checksum(ids, castagnoli) % forcedVariants)
	return last + (1+variant)*forcedEra
}
