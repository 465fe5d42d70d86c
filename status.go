// SPDX-License-Identifier: Apache-2.0

package raft

// Role is the part that a member plays in its group.
type Role uint8

// The roles.
const (
	// RoleFollower follows a leader, or waits for one.
	RoleFollower Role = iota
	// RolePreCandidate asks whether it could win an election (thesis §9.6).
	RolePreCandidate
	// RoleCandidate runs in an election (§5.2).
	RoleCandidate
	// RoleLeader leads.
	RoleLeader
)

var roleNames = [...]string{"follower", "pre-candidate", "candidate", "leader"}

// String names the role.
func (r Role) String() string { return roleNames[r] }

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Status is what a member knew about its group a moment ago. It is a copy. A role
// of RoleLeader does not mean that the member still leads.
type Status struct {
	ID    NodeID
	Group GroupID
	Role  Role
	Term  Term
	// Leader is the leader of Term, zero if unknown.
	Leader NodeID
	// LastIndex is the last entry of the log, DurableIndex the last that this
	// member's own log store holds durably, CommitIndex the last known to be
	// committed, AppliedIndex the last applied to the state machine.
	LastIndex, DurableIndex, CommitIndex, AppliedIndex Index
	// FirstIndex is the first entry that the log holds, or will hold.
	FirstIndex Index
	// SnapshotIndex is the last entry that a durable snapshot covers, zero if there is none.
	SnapshotIndex Index
	// StateLost says that no usable snapshot covers what the log holds no more: the member asks
	// the leader for one, and does not lead nor apply anything until it has got it.
	StateLost bool
	// Snapshots says what goes on about snapshots.
	Snapshots  SnapshotStatus
	Membership Membership
	// Peers is how the leader sees the others, by ascending ID; empty on others.
	Peers []PeerStatus
	// Failure is why the group has stopped on this node, nil while it runs.
	Failure error
}

// PeerStatus is how the leader sees one peer.
type PeerStatus struct {
	ID NodeID
	// State is "probe" while the leader looks for the place where the logs agree, then
	// "replicate"; it is "snapshot" while the peer needs entries that the leader's log holds
	// no more, and is to fetch a snapshot.
	State string
	// MatchIndex is the last entry that the peer is known to hold durably.
	MatchIndex Index
}
