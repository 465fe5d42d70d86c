// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// Event is something that happened. Events are plain data.
type Event interface{ event() }

// ProposalsArrived: this member was asked to append commands. The core stamps
// the entries, whose kind and data are set, with index and term; it answers with
// exactly one AcceptProposals or RejectProposals.
type ProposalsArrived struct{ Entries []wire.Entry }

// MessageArrived: a member sent a message.
type MessageArrived struct {
	From    wire.NodeID
	Message wire.Message
}

// LogSynced: the log writer has made durable every WriteLog up to and including Seq.
type LogSynced struct{ Seq Seq }

// EntriesSent: the replication stream towards a peer has sent the entries of the
// epoch up to Last. It may be reported late and for several messages at once.
type EntriesSent struct {
	Peer  wire.NodeID
	Epoch wire.Epoch
	Last  wire.Index
}

// EntriesApplied: the applier has applied the entries through Through, or restored a
// snapshot that covers them.
type EntriesApplied struct{ Through wire.Index }

// SnapshotTaken: a snapshot of the state that this member has come to is durable; Last is
// the last entry it covers.
type SnapshotTaken struct{ Last wire.LogID }

// OfferMade: there is an offer for a peer, as OfferSnapshot demands.
type OfferMade struct {
	To    wire.NodeID
	Offer *wire.SnapshotOffer
}

// SnapshotReceived: a snapshot that was to be fetched (FetchSnapshot) is durable.
type SnapshotReceived struct{ Snapshot wire.SnapshotMeta }

// StateLost: a snapshot could not be restored, and the state machine is in no state at all.
type StateLost struct{}

// CompactRequested: entries through Through may be forgotten, as far as a durable snapshot
// covers them. Those that a peer still needs are kept, but for those below Limit.
type CompactRequested struct{ Through, Limit wire.Index }

// PeerUnreachable: messages sent to a peer may have been lost.
type PeerUnreachable struct{ Peer wire.NodeID }

// DeadlineReached: the clock has reached Deadline. It is harmless at other times.
type DeadlineReached struct{}

// InitializeRequested: the user forms the group. Answered by AnswerInitialize.
type InitializeRequested struct{ Membership wire.Membership }

// ChangeRequested: the user wants the group to have other members. Answered at once by
// AnswerChange.
type ChangeRequested struct {
	// Target is a simple membership, whose incarnations mean nothing.
	Target wire.Membership
	// IfAt, unless zero, is the index of the membership that has to be in effect.
	IfAt wire.Index
	// Force demands it even if the target may turn out not to have a quorum that answers.
	Force bool
}

// DrainRequested: this member is not to lead, or may lead again.
type DrainRequested struct{ On bool }

// CampaignRequested: the user wants this member to start an election, with its pre-vote, now.
type CampaignRequested struct{}

// TransferRequested: the user wants another member to lead; To is zero for
// whoever is most caught up. Answered by TransferEnded, in the same step or later.
type TransferRequested struct{ To wire.NodeID }

func (ProposalsArrived) event()    {}
func (MessageArrived) event()      {}
func (LogSynced) event()           {}
func (EntriesSent) event()         {}
func (EntriesApplied) event()      {}
func (SnapshotTaken) event()       {}
func (OfferMade) event()           {}
func (SnapshotReceived) event()    {}
func (StateLost) event()           {}
func (CompactRequested) event()    {}
func (PeerUnreachable) event()     {}
func (DeadlineReached) event()     {}
func (InitializeRequested) event() {}
func (TransferRequested) event()   {}
func (ChangeRequested) event()     {}
func (DrainRequested) event()      {}
func (CampaignRequested) event()   {}
