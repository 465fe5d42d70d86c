// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// Message is one of the messages that the members of a group exchange. The
// sender's identity comes from the connection, never from the message.
type Message interface {
	// Kind tells the messages apart on the wire.
	Kind() MessageKind
	// Size is an upper bound of the encoded size in bytes. Lanes count it.
	Size() int
	append(buf []byte) []byte
	decode(d *decoder)
}

// Envelope is a message with the group it belongs to: what a transport carries.
type Envelope struct {
	Group   GroupID
	Message Message
}

// MessageKind is the tag of a message on the wire.
type MessageKind uint8

// The kinds of messages. Zero is not a kind.
const (
	KindAppendEntries    MessageKind = 1
	KindAppendReply      MessageKind = 2
	KindHeartbeat        MessageKind = 3
	KindHeartbeatReply   MessageKind = 4
	KindRequestPreVote   MessageKind = 5
	KindPreVoteReply     MessageKind = 6
	KindRequestVote      MessageKind = 7
	KindVoteReply        MessageKind = 8
	KindTimeoutNow       MessageKind = 9
	KindForwardProposals MessageKind = 10
	KindForwardReply     MessageKind = 11
	KindSnapshotOffer    MessageKind = 12
	KindSnapshotWanted   MessageKind = 13
	KindSnapshotFetch    MessageKind = 14
	KindSnapshotChunk    MessageKind = 15
)

var kindNames = [...]string{
	KindAppendEntries: "AppendEntries", KindAppendReply: "AppendReply",
	KindHeartbeat: "Heartbeat", KindHeartbeatReply: "HeartbeatReply",
	KindRequestPreVote: "RequestPreVote", KindPreVoteReply: "PreVoteReply",
	KindRequestVote: "RequestVote", KindVoteReply: "VoteReply", KindTimeoutNow: "TimeoutNow",
	KindForwardProposals: "ForwardProposals", KindForwardReply: "ForwardReply",
	KindSnapshotOffer: "SnapshotOffer", KindSnapshotWanted: "SnapshotWanted",
	KindSnapshotFetch: "SnapshotFetch", KindSnapshotChunk: "SnapshotChunk",
}

// String names the kind.
func (k MessageKind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("MessageKind(%d)", uint8(k))
}

// AppendEntries replicates entries (§5.3). Prev is the LogID of the entry before
// the first of Entries; Commit is the leader's commit index. With no entries it
// is a probe for Prev, or the news of a higher commit index.
type AppendEntries struct {
	Term    Term
	Epoch   Epoch
	Prev    LogID
	Commit  Index
	Entries []Entry
}

// AppendReply answers AppendEntries. Unless Rejected, the follower holds durably
// the leader's log up to and including Match: several requests may be answered by
// one reply. If Rejected, the follower's log does not have Prev: Match repeats
// the index of Prev, and Conflict tells the leader where to look next (§5.3, fast
// back-up): it is the follower's last entry that is neither behind Prev nor of a
// later term than Prev; entries between it and Prev cannot match.
type AppendReply struct {
	Term     Term
	Epoch    Epoch
	Match    Index
	Rejected bool
	Conflict LogID
	// Incarnation is the follower's own.
	Incarnation Incarnation
}

// Heartbeat asserts leadership when there is nothing to replicate. Commit never
// exceeds what the leader knows the receiver to hold.
type Heartbeat struct {
	Term   Term
	Round  Round
	Commit Index
}

// HeartbeatReply answers Heartbeat and echoes its round. Epoch and Match repeat the
// follower's latest acknowledgement, in case it was lost. Accepted is how far the
// follower has taken over the leader's log, durably or not: it tells a lost request
// from a slow disk and is never an acknowledgement.
type HeartbeatReply struct {
	Term     Term
	Round    Round
	Epoch    Epoch
	Match    Index
	Accepted Index
	// Incarnation is the follower's own.
	Incarnation Incarnation
}

// RequestPreVote asks whether the receiver would vote for the sender in Term, which
// neither of them enters by this (thesis §9.6). Granting changes nothing. Incarnation
// is the receiver's, as in RequestVote.
type RequestPreVote struct {
	Term        Term
	Round       Round
	Last        LogID
	Incarnation Incarnation
}

// PreVoteReply answers RequestPreVote, in the receiver's own current term. RemovedAt
// is the index of the latest membership that the receiver knows to be committed, if the
// sender is not part of it, and else zero.
type PreVoteReply struct {
	Term      Term
	Round     Round
	Granted   bool
	RemovedAt Index
}

// RequestVote asks for a vote (§5.2). Transfer marks an election that the leader
// itself asked for, which leader stickiness does not stand against. Incarnation is that
// of the receiver in the candidate's membership: a receiver of another one has lost what
// made it a voter, and must not vote.
type RequestVote struct {
	Term        Term
	Last        LogID
	Transfer    bool
	Incarnation Incarnation
}

// VoteReply answers RequestVote. Incarnation is the voter's own.
type VoteReply struct {
	Term        Term
	Granted     bool
	Incarnation Incarnation
}

// TimeoutNow asks the receiver to start an election at once (thesis §3.10).
type TimeoutNow struct {
	Term Term
}

// ForwardProposals carries proposals made on a node that does not lead. They are
// for the leader of Term only and are surely not proposed in any other. Session
// is drawn when the sender's group starts, and ID counts up in it, so that the
// leader proposes no request twice.
type ForwardProposals struct {
	Term     Term
	Session  uint64
	ID       uint64
	Commands [][]byte
}

// Outcome is what became of a forwarded proposal.
type Outcome uint8

// The outcomes of a forwarded proposal. Zero is not an outcome.
const (
	// OutcomeApplied says that the command was applied; the result is its value.
	OutcomeApplied Outcome = 1
	// OutcomeNotApplied says that the command was surely not applied and never will be.
	OutcomeNotApplied Outcome = 2
	// OutcomeUnknown says that the command may or may not be applied, now or later.
	OutcomeUnknown Outcome = 3
	// OutcomeTooBusy says that the leader had no room: surely not applied.
	OutcomeTooBusy Outcome = 4
)

// ForwardResult is the outcome of one command of a ForwardProposals.
type ForwardResult struct {
	Outcome Outcome
	// LogID is where the command stands, or may stand, in the log; zero if nowhere.
	LogID LogID
	// Value is what the state machine returned.
	Value []byte
}

// ForwardReply answers ForwardProposals, with a result for each of its commands
// from First on. A long request may be answered in several replies.
type ForwardReply struct {
	Session uint64
	ID      uint64
	First   uint32
	Results []ForwardResult
}
