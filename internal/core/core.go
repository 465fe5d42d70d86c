// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"fmt"

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
	// time-outs are drawn between it and its double (§5.2).
	ElectionTimeout Instant
	// HeartbeatInterval is how often a leader asserts itself to a silent peer.
	HeartbeatInterval Instant
	// WriteStallTimeout is how long a leader's own log write may take.
	WriteStallTimeout Instant
	// Seed determines the election time-outs. Members need different ones.
	Seed uint64
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
	// commit is moved by setCommit only, applied by setApplied only.
	commit, applied wire.Index
	lane            lane

	role Role
	// electionAt is when a member without leader campaigns.
	electionAt Instant
	follower   followerState
	election   *electionState // of a pre-candidate or candidate, else nil
	leader     *leaderState   // of a leader, else nil

	// told is what the last RoleChanged said, toldCommit what the last Apply said.
	told       RoleChanged
	toldCommit wire.Index
	effects    []Effect
	previous   snapshotOfState
}

// New returns the member as its log store remembers it, as a follower. The error
// says that the log holds a membership that isn't one.
func New(cfg Config, state wire.LogState, now Instant) (*Core, error) {
	if cfg.ID == 0 || cfg.ElectionTimeout <= 0 || cfg.HeartbeatInterval <= 0 || cfg.WriteStallTimeout <= 0 {
		return nil, errors.New("core: incomplete configuration")
	}
	c := &Core{cfg: cfg, now: now, random: random{state: cfg.Seed}, hard: state.HardState}
	c.log = logindex.New(state)
	c.lane.durable = c.log.Last()
	c.commit, c.applied, c.toldCommit = c.log.Compacted().Index, c.log.Compacted().Index, c.log.Compacted().Index
	c.memberships = []membershipAt{{}}
	for _, entry := range state.Memberships {
		m, err := wire.DecodeMembership(entry.Data)
		if err != nil {
			return nil, fmt.Errorf("core: membership at index %d: %w", entry.Index, err)
		}
		c.memberships = append(c.memberships, membershipAt{index: entry.Index, membership: m})
	}
	c.told = RoleChanged{Term: c.hard.Term}
	c.resetElectionTimer()
	c.previous = c.capture()
	return c, nil
}

// Handle takes in what happened up to now and returns what is to be done, in that
// order. The slice is the core's and valid until the next call. Time must not run
// backwards; several events at once are cheaper than one by one, because what they
// have in common (replicating, applying) is said once.
func (c *Core) Handle(now Instant, events []Event) []Effect {
	c.now = max(c.now, now)
	clear(c.effects)
	c.effects = c.effects[:0]
	for _, event := range events {
		c.dispatch(event)
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
	case PeerUnreachable:
		c.peerUnreachable(e.Peer)
	case DeadlineReached:
		c.deadlineReached()
	case InitializeRequested:
		c.initialize(e.Membership)
	case TransferRequested:
		c.transfer(e.To)
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
	default:
		c.drop(from, "message of a kind that is not the core's")
	}
}

// Deadline returns when DeadlineReached is due at the latest. It may be earlier
// than necessary.
func (c *Core) Deadline() Instant {
	if c.leader != nil {
		return min(c.leader.heartbeatAt, c.leader.newsAt, c.leader.quorumAt, c.leader.transferUntil, c.stallAt())
	}
	if c.mayCampaign() {
		return c.electionAt
	}
	return Never
}

func (c *Core) deadlineReached() {
	switch {
	case c.leader != nil:
		c.checkTransfer()
		c.checkStall()
		c.checkQuorum()
		c.tellCommit()
		c.sendHeartbeats()
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

func (c *Core) knownLeader() wire.NodeID {
	if c.leader != nil {
		return c.cfg.ID
	}
	return c.follower.leader
}

func (c *Core) flushApply() {
	if c.commit > c.toldCommit {
		c.toldCommit = c.commit
		c.emit(Apply{Through: c.commit})
	}
}

func (c *Core) quorum() quorum.Config { return quorum.Of(c.membership()) }
