// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"fmt"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/internal/logindex"
	"github.com/balsa-raft/raft/wire"
)

// Recovery is what a member finds at its start beside its log.
type Recovery struct {
	// Snapshot is the newest durable snapshot, zero if there is none.
	Snapshot wire.SnapshotMeta
	// Applied is the last entry whose effects are in the state machine: at least
	// Snapshot.Last, unless StateLost.
	Applied wire.Index
	// StateLost says that the log begins behind what the state machine has: there is no
	// usable snapshot. The member then asks the leader for one.
	StateLost bool
}

// New returns the member as its log store remembers it, as a follower, without snapshot.
// The error says that the log holds a membership that isn't one.
func New(cfg Config, state wire.LogState, now Instant) (*Core, error) {
	return Recover(cfg, state, Recovery{Applied: state.Compacted.Index}, now)
}

// Recover returns the member as its log store and its snapshots remember it, as a
// follower. It ends an installation of a snapshot that was interrupted. The error
// says in what they are no member's.
func Recover(cfg Config, state wire.LogState, found Recovery, now Instant) (*Core, error) {
	if cfg.ID == 0 || cfg.ElectionTimeout <= 0 || cfg.HeartbeatInterval <= 0 || cfg.WriteStallTimeout <= 0 {
		return nil, errors.New("core: incomplete configuration")
	}
	cfg.Incarnation = max(cfg.Incarnation, anonymous)
	c := &Core{cfg: cfg, now: now, wantAt: now, random: random{state: cfg.Seed}, hard: state.HardState, stateLost: found.StateLost}
	c.log = logindex.New(state)
	if err := c.recoverSnapshot(&found.Snapshot); err != nil {
		return nil, err
	}
	c.lane.durable = c.log.Last()
	if len(c.starting) > 0 { // The log is about to be reset, and is not yet.
		c.lane.durable = state.Compacted.Index
	}
	c.commit = max(c.log.Compacted().Index, c.snapshot.Index)
	if !c.stateLost {
		c.commit = max(c.commit, found.Applied)
		invariant.Check(found.Applied >= c.snapshot.Index && found.Applied >= c.log.Compacted().Index,
			"core: the state machine has what the log has not", "applied", found.Applied, "compacted", c.log.Compacted().Index)
	}
	if c.commit > c.log.Last() {
		return nil, fmt.Errorf("core: entry %d was applied, but the log ends at %d", c.commit, c.log.Last())
	}
	c.applied, c.toldApply = c.commit, c.commit
	if c.stateLost {
		c.applied, c.toldApply = c.log.Compacted().Index, c.log.Compacted().Index
	}
	if err := c.recoverMemberships(state.Memberships, &found.Snapshot); err != nil {
		return nil, err
	}
	c.told = RoleChanged{Term: c.hard.Term}
	c.resetElectionTimer()
	c.previous = c.capture()
	return c, nil
}

// recoverSnapshot makes the log fit the snapshot: if it has the snapshot's last entry, or
// begins behind it, it is as it should be. Otherwise the node has crashed between
// publishing the snapshot and resetting the log (see snapshotReceived).
func (c *Core) recoverSnapshot(s *wire.SnapshotMeta) error {
	last := s.Last
	if last.Index == 0 || last.Index < c.log.Compacted().Index {
		return nil
	}
	if last.Index == c.log.Compacted().Index && last != c.log.Compacted() {
		return fmt.Errorf("core: the snapshot ends with entry %v, but the log begins behind %v", last, c.log.Compacted())
	}
	if !c.log.Matches(last) {
		c.log.Reset(last)
		if last.Term > c.hard.Term { // The term had not become durable.
			c.setHardState(last.Term, 0)
		}
		c.issue(WriteLog{Reset: last})
		c.starting, c.effects = c.effects, nil
	}
	c.snapshot = last
	return nil
}

// recoverMemberships takes the snapshot's membership for a start, if the log goes on from
// there, and those in the log that are newer.
func (c *Core) recoverMemberships(held []wire.Entry, s *wire.SnapshotMeta) error {
	base := membershipAt{}
	if c.snapshot.Index > 0 {
		base = membershipAt{index: s.MembershipAt, membership: s.Membership}
	}
	c.memberships = []membershipAt{base}
	for _, entry := range held {
		if entry.Index <= base.index || entry.Index > c.log.Last() || len(c.starting) > 0 {
			continue
		}
		m, err := wire.DecodeMembership(entry.Data)
		if err != nil {
			return fmt.Errorf("core: membership at index %d: %w", entry.Index, err)
		}
		c.memberships = append(c.memberships, membershipAt{index: entry.Index, membership: m})
	}
	return nil
}

// flushStart emits what Recover has found to be done.
func (c *Core) flushStart() {
	c.effects = append(c.effects, c.starting...)
	c.starting = nil
}
