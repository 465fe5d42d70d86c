// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"io"

	"github.com/balsa-raft/raft"
)

// Group is the part of raft.Group that the port gives access to; see there.
type Group interface {
	// Initialize forms the group.
	Initialize(ctx context.Context, members ...raft.Member) error

	// PlanMembership says what ChangeMembership would do.
	PlanMembership(target raft.MembershipTarget) (raft.MembershipPlan, error)
	// ChangeMembership makes the members those of the target, and waits, as all up to
	// SetPriority do.
	ChangeMembership(ctx context.Context, target raft.MembershipTarget) error
	// AddLearner adds a node that does not vote.
	AddLearner(ctx context.Context, member raft.Member) error
	// AddVoter adds a node that votes.
	AddVoter(ctx context.Context, member raft.Member) error
	// Promote makes a learner vote.
	Promote(ctx context.Context, id raft.NodeID) error
	// Demote makes a voter a learner.
	Demote(ctx context.Context, id raft.NodeID) error
	// Remove removes a member.
	Remove(ctx context.Context, id raft.NodeID) error
	// Replace puts another node in the place of a member.
	Replace(ctx context.Context, id raft.NodeID, by raft.Member) error
	// UpdateAddress says where a member is.
	UpdateAddress(ctx context.Context, id raft.NodeID, address string) error
	// SetPriority says how much rather than others a member is to lead.
	SetPriority(ctx context.Context, id raft.NodeID, priority uint8) error

	// TransferLeadership hands leadership over, to whom the leader likes if to is zero.
	TransferLeadership(ctx context.Context, to raft.NodeID) error
	// Drain tells this member not to lead.
	Drain(ctx context.Context) error
	// Undrain takes that back.
	Undrain(ctx context.Context) error
	// Campaign starts an election.
	Campaign(ctx context.Context) error

	// Snapshot takes a snapshot now, and returns what it is when it is durable.
	Snapshot(ctx context.Context) (raft.SnapshotMeta, error)
	// Compact does that, and forgets the log that it covers.
	Compact(ctx context.Context) (raft.SnapshotMeta, error)
	// Backup writes a backup of the group.
	Backup(ctx context.Context, w io.Writer) (raft.SnapshotMeta, error)
}

var _ Group = (*raft.Group)(nil)
