// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// Role is the part that a member plays in the paper (§5.1). Who asks for pre-votes is a
// follower still.
type Role uint8

// The roles.
const (
	Follower Role = iota
	Candidate
	Leader
)

// String names the role.
func (r Role) String() string { return [...]string{"follower", "candidate", "leader"}[r] }

// Seq numbers a member's writes to its disk, one by one from 1 in each life.
type Seq uint64

// Step is what one member did at once: what it was told, what it set about, in that
// order, and what it is then. Several events may have been handled in one step.
type Step struct {
	Node wire.NodeID
	// Received are the messages that arrived.
	Received []Received
	// Synced is the last write that the member was told to be durable, zero if none.
	Synced Seq
	// Effects are what the member did and asked for.
	Effects []Effect
	// Post is the member after the step.
	Post View
}

// Received is a message with the member that sent it.
type Received struct {
	From    wire.NodeID
	Message wire.Message
}

// Effect is one thing that a member does. Which fields mean something depends on Kind.
type Effect struct {
	Kind EffectKind
	// Seq, HardState, Reset and Entries are those of a write: one atomic record. Reset,
	// unless zero, is the point behind which the log begins anew, because a snapshot
	// covers it. Entries replace whatever stands at or after the first of them.
	Seq       Seq
	HardState wire.HardState
	Reset     wire.LogID
	Entries   []wire.Entry
	// To is the receiver of Message, or of a stream.
	To      wire.NodeID
	Message wire.Message
	// Role is what the member became in Term.
	Role Role
	// Term, Prev, Last, Commit and Match are what a stream is to send: the entries of
	// the leader of Term behind Prev up to Last, and what goes with them.
	Term                wire.Term
	Prev                wire.LogID
	Last, Commit, Match wire.Index
	// Through is the last entry that may be applied.
	Through wire.Index
}

// EffectKind tells effects apart.
type EffectKind uint8

// The kinds of effects.
const (
	// Wrote is a write on its way to the disk.
	Wrote EffectKind = iota
	// Sent is a message that leaves.
	Sent
	// Became is a change of role.
	Became
	// Streamed is an order to a stream, which sends AppendEntries.
	Streamed
	// Applied hands entries to the state machine.
	Applied
	// Offered is a snapshot that is offered to a peer.
	Offered
)

// View is what a member shows of itself.
type View struct {
	HardState wire.HardState
	Role      Role
	// Incarnation is that of the member's disk; it matters at a start. Zero means unknown.
	Incarnation wire.Incarnation
	// Last is the last entry, Compacted the last that is no longer held, Snapshot the last
	// that a durable snapshot covers.
	Last, Compacted, Snapshot wire.LogID
	// Durable is the last entry that the member takes for durable.
	Durable, Commit, Applied wire.Index
	// Membership is the index of the membership in effect, zero if there is none.
	Membership wire.Index
	// Granted are the votes that a candidate has counted.
	Granted []wire.NodeID
	// Matches is how far a leader takes its peers' logs to match.
	Matches []Match
	// Log tells the terms of entries.
	Log Log
}

// Match is how far a peer's log is known to be the leader's, durably.
type Match struct {
	Peer  wire.NodeID
	Index wire.Index
}

// Log tells the term of an entry; false if the entry is not held.
type Log interface {
	EntryTerm(index wire.Index) (wire.Term, bool)
}
