// SPDX-License-Identifier: Apache-2.0

package mc

// Invariant is something that must hold in every state, or in every step.
type Invariant uint8

// The invariants. The numbers are those of the safety net's catalogue.
const (
	// CoreChecks are the core's own, in internal/core/invariants.go, and that it
	// does not panic in any other way.
	CoreChecks Invariant = iota
	// ElectionSafety (I1): at most one leader is elected in a term (§5.2).
	ElectionSafety
	// SingleVote (I2): a disk's vote stays for the term.
	SingleVote
	// TermMonotonic (I3): terms never fall, on disks neither.
	TermMonotonic
	// AppendOnly (I4): a leader only appends (§5.3).
	AppendOnly
	// LogMatching (I5): logs that agree in an entry agree in all before (§5.3).
	LogMatching
	// LeaderCompleteness (I6): a leader has what was committed in earlier terms (§5.4).
	LeaderCompleteness
	// StateMachineSafety (I7, I11): what is applied somewhere is what is committed
	// there for ever, and a leader committed it first (§5.4.3).
	StateMachineSafety
	// CommitRule (I8): a leader commits an entry of its own term that a quorum has on
	// disk, with all before it (§5.3, §5.4.2).
	CommitRule
	// CommittedDurable (I9): a quorum has what is committed on disk, at any time.
	CommittedDurable
	// DurableBeforeAck (I10, I27): no message speaks of a term, vote or entry that the
	// sender's disk does not hold.
	DurableBeforeAck
	// AckedIsLeaders (I10): what a leader is told that a member holds is the leader's.
	AckedIsLeaders
	// CommitMonotonic (I12, I13): commit never falls but in a crash, and is in the log.
	CommitMonotonic
	// CompactionCovered (I13): a log forgets only what was applied and what a durable
	// snapshot covers.
	CompactionCovered
	// SnapshotTrue (I14): a durable snapshot is of what is committed, describes itself
	// truly, and was committed in a term that is durable, too; only such are offered and
	// restored.
	SnapshotTrue
	// AppliedInOrder (I7): a state machine is given entry after entry, or a snapshot.
	AppliedInOrder
	// MembershipInEffect (I15): the membership in effect is the latest in the log.
	MembershipInEffect
	// OneChange (I15): no log has more than one membership behind what is committed, and the
	// quorums of that meet those of the one before.
	OneChange
	// ChangeInOrder (I15): a leader appends a membership only when it has committed something
	// in its term.
	ChangeInOrder
	// ElectedByQuorum (I1, I15): a leader has the votes of a quorum of the membership in effect.
	ElectedByQuorum
	// VoterIsMeant (I16): who votes or campaigns has the disk with which it became a voter.
	VoterIsMeant
	invariants
)

var invariantNames = [invariants]string{
	"the core's own checks", "election safety", "single vote", "term monotonic", "leader append-only", "log matching",
	"leader completeness", "state machine safety", "commit rule", "committed durable", "durable before ack",
	"acknowledged is the leader's", "commit monotonic", "compaction covered", "snapshot true", "applied in order", "membership in effect",
	"one change at a time", "change in order", "elected by a quorum", "voter is meant",
}

// String names the invariant.
func (i Invariant) String() string { return invariantNames[i] }

// finding is a violated invariant.
type finding struct {
	invariant Invariant
	detail    string
}
