// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/logindex"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// Instant is a point on the node's monotonic clock, in nanoseconds.
type Instant = progress.Instant

// Never is the deadline of who waits for nothing.
const Never Instant = 1<<63 - 1

// Config says how a member behaves. All durations are in nanoseconds and positive.
type Config struct {
	ID wire.NodeID
	// ElectionTimeout is the least time without a leader before a campaign; the
	// time-outs are drawn between it and a third more (§5.2).
	ElectionTimeout Instant
	// HeartbeatInterval is how often a leader asserts itself to a silent peer.
	HeartbeatInterval Instant
	// WriteStallTimeout is how long a leader's own log write may take.
	WriteStallTimeout Instant
	// Seed determines the election time-outs. Members need different ones.
	Seed uint64
	// Incarnation is that of the member's data folder. Zero counts as one: then nobody can
	// tell whether the member has lost its disk.
	Incarnation wire.Incarnation
	// ApplyDurable says that only entries that are durable in the member's own log may be
	// applied: the state machine keeps what it has applied, and must not be ahead of the log.
	ApplyDurable bool
}

// Role is the part that a member plays.
type Role uint8

// The roles, in the order in which a member rises through them.
const (
	Follower Role = iota
	PreCandidate
	Candidate
	Leader
)

// String names the role.
func (r Role) String() string {
	return [...]string{"follower", "pre-candidate", "candidate", "leader"}[r]
}

// Core is one member of one group. It must be used by one goroutine at a time.
type Core struct {
	cfg    Config
	now    Instant
	random random

	// hard is moved by setHardState only.
	hard wire.HardState
	log  *logindex.Log
	// memberships are those in the log and the one before it, oldest first; the
	// last one is in effect. Never empty.
	memberships []membershipAt
	// commit is moved by setCommit only, applied by setApplied only, snapshot, which is the
	// last entry that a durable snapshot covers, by setSnapshot only.
	commit, applied wire.Index
	snapshot        wire.LogID
	// stateLost says that the state machine lacks what the log has no more. The member
	// does not campaign and, from wantAt on, asks the leader for a snapshot.
	stateLost bool
	wantAt    Instant
	lane      lane
	// drained says that the member is not to lead. removedAt is where it was removed, as far
	// as it has heard, zero if it has not.
	drained   bool
	removedAt wire.Index

	role Role
	// electionAt is when a member without leader campaigns; campaigns counts those that it
	// has begun since there was a leader.
	electionAt Instant
	campaigns  uint
	follower   followerState
	election   *electionState // of a pre-candidate or candidate, else nil
	leader     *leaderState   // of a leader, else nil

	// told is what the last RoleChanged said, toldApply what the last Apply said.
	told      RoleChanged
	toldApply wire.Index
	// knownMembership is the index of the latest membership that was noticed to be committed.
	knownMembership wire.Index
	effects         []Effect
	// starting are the first effects of all: Recover has found something to do.
	starting []Effect
	previous snapshotOfState
}

// Handle takes in what happened up to now and returns what is to be done, in that
// order. The slice is the core's and valid until the next call. Time must not run
// backwards; several events at once are cheaper than one by one, because what they
// have in common (replicating, applying) is said once.
func (c *Core) Handle(now Instant, events []Event) []Effect {
	c.now = max(c.now, now)
	clear(c.effects)
	c.effects = c.effects[:0]
	c.flushStart()
	for _, event := range events {
		c.dispatch(event)
		c.advanceChange()
		c.watchMembership()
		c.flushHardState()
		c.tellRole()
		c.check()
	}
	c.flushReplication()
	c.flushApply()
	return c.effects
}

func (c *Core) dispatch(event Event) {
	switch e := event.(type) {
	case ProposalsArrived:
		c.propose(e.Entries)
	case MessageArrived:
		c.receive(e.From, e.Message)
	case LogSynced:
		c.logSynced(e.Seq)
	case EntriesSent:
		c.entriesSent(e)
	case EntriesApplied:
		c.setApplied(e.Through)
	case SnapshotTaken:
		c.setSnapshot(e.Last)
	case OfferMade:
		c.sendOffer(e)
	case SnapshotReceived:
		c.snapshotReceived(&e.Snapshot)
	case StateLost:
		c.loseState()
	case CompactRequested:
		c.compact(e)
	case PeerUnreachable:
		c.peerUnreachable(e.Peer)
	case DeadlineReached:
		c.deadlineReached()
	case InitializeRequested:
		c.initialize(e.Membership)
	case TransferRequested:
		c.transfer(e.To)
	case ChangeRequested:
		c.changeMembership(e)
	case DrainRequested:
		c.drain(e.On)
	case CampaignRequested:
		c.campaignNow()
	}
}

// receive hands a message to its rule.
func (c *Core) receive(from wire.NodeID, message wire.Message) {
	if from == 0 || from == c.cfg.ID {
		c.drop(from, "message from myself or nobody")
		return
	}
	switch m := message.(type) {
	case *wire.AppendEntries:
		c.appendEntries(from, m)
	case *wire.AppendReply:
		c.appendReply(from, m)
	case *wire.Heartbeat:
		c.heartbeat(from, m)
	case *wire.HeartbeatReply:
		c.heartbeatReply(from, m)
	case *wire.RequestPreVote:
		c.requestPreVote(from, m)
	case *wire.PreVoteReply:
		c.preVoteReply(from, m)
	case *wire.RequestVote:
		c.requestVote(from, m)
	case *wire.VoteReply:
		c.voteReply(from, m)
	case *wire.TimeoutNow:
		c.timeoutNow(from, m)
	case *wire.SnapshotOffer:
		c.snapshotOffer(from, m)
	case *wire.SnapshotWanted:
		c.snapshotWanted(from, m)
	default:
		c.drop(from, "message of a kind that is not the core's")
	}
}

// Deadline returns when DeadlineReached is due at the latest. It may be earlier
// than necessary.
func (c *Core) Deadline() Instant {
	switch {
	case len(c.starting) > 0:
		return c.now
	case c.leader != nil:
		return min(c.leader.heartbeatAt, c.leader.newsAt, c.leader.quorumAt, c.leader.transferUntil, c.stallAt())
	case c.stateLost:
		return min(c.wantAt, c.silenceAt())
	case c.mayCampaign():
		return c.electionAt
	}
	return c.silenceAt()
}

func (c *Core) deadlineReached() {
	switch {
	case c.leader != nil:
		c.dropLeavers()
		c.checkTransfer()
		c.checkStall()
		c.checkQuorum()
		c.tellCommit()
		c.sendHeartbeats()
	case c.stateLost:
		c.wantSnapshot()
	case c.mayCampaign() && c.now >= c.electionAt:
		c.campaign()
	}
}

func (c *Core) emit(effect Effect) { c.effects = append(c.effects, effect) }

func (c *Core) drop(from wire.NodeID, detail string) {
	c.emit(Notice{Kind: MessageDropped, Peer: from, Detail: detail})
}

func (c *Core) tellRole() {
	role := RoleChanged{Role: c.role, Term: c.hard.Term, Leader: c.knownLeader()}
	if role != c.told {
		c.told = role
		c.emit(role)
	}
}

// knownLeader is whom this member takes for the leader, zero if it has not heard of one for
// as long as it takes others to campaign.
func (c *Core) knownLeader() wire.NodeID {
	switch {
	case c.leader != nil:
		return c.cfg.ID
	case c.now >= c.electionAt:
		return 0
	}
	return c.follower.leader
}

// silenceAt is when who does not campaign has to say that it does not know of a leader any more.
func (c *Core) silenceAt() Instant {
	if c.told.Leader == 0 {
		return Never
	}
	return c.electionAt
}

// flushApply says how far entries may be applied. While the state is lost, there is
// nothing to apply them to.
//
// What is applied may become durable, as a snapshot. The term in which it turned out to be
// committed must be durable by then: a member that fell back behind it could follow the
// leader of an older term, who may have other entries in the place of those that the
// member has compacted, and acknowledge these.
func (c *Core) flushApply() {
	if c.lane.hardSeq > c.lane.synced {
		return
	}
	through := c.commit
	if c.cfg.ApplyDurable {
		through = min(through, c.lane.durable)
	}
	if through > c.toldApply && !c.stateLost {
		c.toldApply = through
		c.emit(Apply{Through: through})
	}
}

func (c *Core) quorum() quorum.Config { return quorum.Of(c.membership()) }
