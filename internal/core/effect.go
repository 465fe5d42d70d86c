// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// Seq numbers the writes to the log, one by one from 1.
type Seq uint64

// Effect is something to be done. Effects are plain data, and are to be performed
// in the order they come in; none of them may be waited for.
type Effect interface{ effect() }

// AcceptProposals answers ProposalsArrived: the entries stand in the log from First
// on, in Term. They are neither durable nor committed yet.
type AcceptProposals struct {
	First wire.Index
	Term  wire.Term
	Count int
}

// RejectProposals answers ProposalsArrived: none of the entries was appended.
// Leader is who leads Term, zero if that isn't known.
type RejectProposals struct {
	Term   wire.Term
	Leader wire.NodeID
	Count  int
}

// WriteLog is to be made durable, after all writes with a lower Seq, as one atomic
// record: the hard state, unless zero; Reset, unless zero, which makes the log begin
// anew behind that entry; the entries, which replace whatever stands at or after the
// first of them; and Compact, unless zero, the last of the entries that are not needed
// any more. LogSynced tells when that is done.
type WriteLog struct {
	Seq       Seq
	HardState wire.HardState
	Reset     wire.LogID
	Entries   []wire.Entry
	Compact   wire.Index
}

// Replicate says what the replication stream towards a peer is to do. It replaces
// what was said before: in a new Epoch the stream starts anew behind Prev;
// otherwise it goes on where it is, and Prev means nothing.
type Replicate struct {
	To    wire.NodeID
	Term  wire.Term
	Epoch wire.Epoch
	Prev  wire.LogID
	// Probe limits the stream to one message until it is lifted.
	Probe bool
	// Last is the end of the leader's log: entries up to it are to be sent.
	Last wire.Index
	// Commit goes with the next message. News says that it is time to send one even
	// if there is no entry for it to go with.
	Commit wire.Index
	News   bool
	// Match is how far the peer has acknowledged, and MatchTerm the term of that entry:
	// it frees the stream's window, and what comes before need not be sent.
	Match     wire.Index
	MatchTerm wire.Term
}

// StopReplication ends the replication stream towards a peer until the next Replicate, or
// all of them if To is zero: then this member does not lead any more.
type StopReplication struct{ To wire.NodeID }

// OfferSnapshot says that an offer (wire.SnapshotOffer) is to be made to a peer, of a snapshot
// whose last entry is AtLeast or a later one; if there is none yet, one is to be taken. The offer goes
// through the core, as OfferMade, or is made while the core cannot have gone on: one of a leadership
// that is over must not be sent. It is repeated while the peer needs it.
type OfferSnapshot struct {
	To      wire.NodeID
	Term    wire.Term
	Epoch   wire.Epoch
	AtLeast wire.Index
}

// FetchSnapshot says that a snapshot is to be fetched from a peer; SnapshotReceived tells
// when it is there. It is repeated, and replaces what was said before.
type FetchSnapshot struct {
	From     wire.NodeID
	Snapshot wire.SnapshotMeta
}

// DropSnapshot says that a snapshot that was received is to be deleted.
type DropSnapshot struct{ ID wire.SnapshotID }

// RestoreSnapshot says that the state machine is to be made what it was when the snapshot
// was taken. It supersedes what was to be applied before and has not been, which may not be in
// the log any more. EntriesApplied tells when that is done.
type RestoreSnapshot struct{ Snapshot wire.SnapshotMeta }

// Send sends a message, best effort.
type Send struct {
	To      wire.NodeID
	Message wire.Message
}

// Apply says that the entries through Through are committed and may be applied.
type Apply struct{ Through wire.Index }

// UseMembership tells which membership is in effect now, so that the runtime knows
// the members' addresses.
type UseMembership struct{ Membership wire.Membership }

// AnswerInitialize answers InitializeRequested, once what it says is durable.
type AnswerInitialize struct {
	// Conflict says that the group had been formed with other members.
	Conflict bool
}

// AnswerChange answers ChangeRequested: At is the index of the membership with which the change
// begins, or is on its way already, unless it was refused. It is not committed yet.
type AnswerChange struct {
	Refusal ChangeRefusal
	At      wire.Index
}

// ChangeRefusal says why a change of membership does not begin.
type ChangeRefusal uint8

const (
	// ChangeAccepted: it has begun.
	ChangeAccepted ChangeRefusal = iota
	// ChangeMalformed: the target is no membership that a group can have.
	ChangeMalformed
	// ChangeNotLeading: this member does not lead, or is about to hand over.
	ChangeNotLeading
	// ChangeOutdated: the membership in effect is not the one that was asked for.
	ChangeOutdated
	// ChangeUnderWay: another change is, and is past the point where its target may change.
	ChangeUnderWay
	// ChangeTooEarly: the leader is too new to have committed anything.
	ChangeTooEarly
	// ChangeRisksQuorum: too few of the voters of the target answer, and may vote.
	ChangeRisksQuorum
)

// TransferEnded answers TransferRequested: Done says whether another term has begun.
// Otherwise this member leads on, or never led, or has stepped down for another reason.
type TransferEnded struct{ Done bool }

// RoleChanged is news for people and metrics: role, term or leader changed.
type RoleChanged struct {
	Role   Role
	Term   wire.Term
	Leader wire.NodeID
}

// Notice is news for people: something odd happened and was dealt with.
type Notice struct {
	Kind NoticeKind
	Peer wire.NodeID
	// Detail is a constant that says what was wrong.
	Detail string
}

// NoticeKind says what a Notice is about.
type NoticeKind uint8

const (
	// MessageDropped: a message cannot come from a correct member, or contradicts
	// what is committed, and was dropped.
	MessageDropped NoticeKind = iota
	// QuorumLost: a leader did not hear from a quorum and steps down.
	QuorumLost
	// WriteStalled: a leader's own log write does not end; it hands over and steps down.
	WriteStalled
	// PeerLostLog: a peer does not have what it had acknowledged: its disk was lost.
	PeerLostLog
	// PeerNeedsSnapshot: a peer needs entries that this leader's log no longer has.
	PeerNeedsSnapshot
	// PinReleased: a peer needs entries that are being forgotten, because there is a limit
	// to what is kept for it: it will need a snapshot.
	PinReleased
	// SnapshotRefused: a snapshot that was fetched is not installed.
	SnapshotRefused
	// PeerLostDisk: a voter answers with another data folder than it had when it became one.
	// It does not vote until it has been removed and added again.
	PeerLostDisk
	// Removed: a member says that this one was removed.
	Removed
)

func (AcceptProposals) effect()  {}
func (RejectProposals) effect()  {}
func (WriteLog) effect()         {}
func (Replicate) effect()        {}
func (StopReplication) effect()  {}
func (OfferSnapshot) effect()    {}
func (FetchSnapshot) effect()    {}
func (DropSnapshot) effect()     {}
func (RestoreSnapshot) effect()  {}
func (Send) effect()             {}
func (Apply) effect()            {}
func (UseMembership) effect()    {}
func (AnswerInitialize) effect() {}
func (TransferEnded) effect()    {}
func (AnswerChange) effect()     {}
func (RoleChanged) effect()      {}
func (Notice) effect()           {}
