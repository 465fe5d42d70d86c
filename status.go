// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"time"
)

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

// String names the role; one that is none of these by its number.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role %d", uint8(r))
}

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
	// MembershipIndex is the index of Membership, which is in effect though it may not be
	// committed; CommittedMembershipIndex is that of the latest known to be committed.
	MembershipIndex, CommittedMembershipIndex Index
	// RemovedAt is the index of the membership that this node is no part of any more, as far as
	// it has heard; zero while it is a member.
	RemovedAt Index
	// LostDisk says that this member is a voter, and that its data folder is not the one that it
	// became a voter with. It does not vote until it is removed and added again.
	LostDisk bool
	// Forming says that the group waits for all of its first members to answer.
	Forming bool
	// Leaderless is for how long this member has known no leader, zero if it knows one.
	Leaderless time.Duration
	// ElectionTimeout is that of this member's configuration.
	ElectionTimeout time.Duration
	// Drained says that this member was told not to lead, Transferring to whom a leader is
	// handing leadership over, zero if to nobody.
	Drained      bool
	Transferring NodeID
	// StateLost says that no usable snapshot covers what the log holds no more: the member asks
	// the leader for one, and does not lead nor apply anything until it has got it.
	StateLost bool
	// Snapshots says what goes on about snapshots.
	Snapshots SnapshotStatus
	// Disk says how long the node's log store takes, Queues what waits on this member.
	Disk   DiskStatus
	Queues QueueStatus
	// Troubles are what the group has last logged as a warning or an error on this node, the latest
	// first, each message once.
	Troubles   []Trouble
	Membership Membership
	// Contacts says when this member has last heard from each of the others, by ascending ID.
	// Where there is no leader, voters ask each other for votes several times in an election
	// time-out, so that whoever is silent for longer does not answer. But those who do not stand for
	// election, because they are drained, say, hear only from those who do, and learners from
	// nobody. A member that follows a leader hears from no one else.
	Contacts []Contact
	// Peers is how the leader sees the others, by ascending ID; empty on others.
	Peers []PeerStatus
	// Failure is why the group has stopped on this node, ErrStopped if it was closed, nil while it runs.
	// What a group knew when it stopped is not true any more.
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
	// Silence is for how long the leader has not heard from the peer.
	Silence time.Duration
	// LostDisk says that the peer is a voter, and answers with another data folder than it
	// had when it became one. It does not vote until it is removed and added again.
	LostDisk bool
	// CaughtUp says that the peer follows fast enough to be a voter, CatchUpIndex is the entry
	// that it has to reach in the current round of catching up (thesis §4.2.1).
	CaughtUp     bool
	CatchUpIndex Index
}
