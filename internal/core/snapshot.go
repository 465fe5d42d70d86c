// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// setSnapshot is the only place that moves the point that a durable snapshot covers.
func (c *Core) setSnapshot(last wire.LogID) {
	if last.Index <= c.snapshot.Index {
		return
	}
	invariant.Check(last.Index <= c.commit, "core: only what is committed is in a snapshot", "snapshot", last.Index, "commit", c.commit)
	c.snapshot = last
}

// needSnapshot has a peer fetch a snapshot (§7): the entry before its next one is not in
// the log any more. Nothing else is replicated to it until it holds one.
func (c *Core) needSnapshot(p *peerState) {
	p.BecomeSnapshot(c.snapshot.Index)
	c.emit(StopReplication{To: p.ID})
	c.emit(Notice{Kind: PeerNeedsSnapshot, Peer: p.ID})
	c.offerSnapshot(p, c.log.Compacted().Index)
}

// offerSnapshot is repeated with every heartbeat until the peer acknowledges the snapshot.
func (c *Core) offerSnapshot(p *peerState, atLeast wire.Index) {
	c.emit(OfferSnapshot{To: p.ID, Term: c.hard.Term, Epoch: p.Epoch, AtLeast: atLeast})
}

// sendOffer sends an offer that was made because of OfferSnapshot, if this member still leads:
// otherwise the snapshot may cover what was committed in a later term, and must not be taken
// for the leader's of the earlier one.
func (c *Core) sendOffer(e OfferMade) {
	if c.leader != nil && e.Offer.Term == c.hard.Term {
		c.send(e.To, e.Offer)
	}
}

// snapshotWanted offers a snapshot to a peer that has lost its state, though not its log:
// it goes on replicating.
func (c *Core) snapshotWanted(from wire.NodeID, m *wire.SnapshotWanted) {
	p := c.answeringPeer(from, m.Term)
	if p == nil {
		return
	}
	switch {
	case m.AtLeast > c.log.Last():
		c.drop(from, "a snapshot is wanted of what is not in the log")
		return
	case m.AtLeast > c.commit: // It was committed before this leader's term, who does not know yet.
		return
	case p.State == progress.Probe: // The answer to the offer would be taken for one to the probe.
		return
	}
	c.offerSnapshot(p, m.AtLeast)
}

// snapshotOffer answers a leader that has no entries for this member: what the snapshot
// covers is acknowledged, if the log has it, or else the snapshot is to be fetched. The
// leader's snapshot is of its own log, so whoever holds its last entry holds the leader's
// log so far.
func (c *Core) snapshotOffer(from wire.NodeID, m *wire.SnapshotOffer) {
	if !c.follow(from, m.Term) {
		c.teachTerm(from, m.Term)
		return
	}
	last := m.Snapshot.Last
	switch {
	case last.Term > m.Term || c.contradicts(last):
		c.drop(from, "a snapshot that contradicts what is committed")
		return
	case m.Epoch < c.follower.epoch:
		return
	}
	c.follower.epoch = m.Epoch
	c.follower.offered = max(c.follower.offered, last.Index)
	isHeld := last.Index <= c.commit || c.log.Matches(last)
	if !isHeld || c.stateLost && last.Index >= c.log.Compacted().Index {
		// When it is durable, the term in which it was committed must be, too: see flushApply.
		c.afterHardState(FetchSnapshot{From: from, Snapshot: m.Snapshot})
	}
	if !isHeld {
		return
	}
	c.follower.accepted = max(c.follower.accepted, last.Index)
	c.followCommit(last.Index)
	c.acknowledge(true)
}

// contradicts reports whether an entry that is said to be committed is not the one that
// this member knows to be.
func (c *Core) contradicts(committed wire.LogID) bool {
	if committed.Index > c.commit {
		return false
	}
	term, held := c.log.Term(committed.Index)
	return held && term != committed.Term
}

// snapshotReceived installs a snapshot that has been fetched and is durable (§7), unless
// it has nothing new. A log that has the snapshot's last entry keeps what is behind it;
// any other is dropped as a whole: what it has beyond the snapshot is not committed, or
// it would have that entry. If the node crashes before the log has been reset, Recover
// does it.
func (c *Core) snapshotReceived(s *wire.SnapshotMeta) {
	last := s.Last
	switch {
	case c.contradicts(last):
		c.emit(Notice{Kind: SnapshotRefused, Detail: "it contradicts what is committed"})
		c.emit(DropSnapshot{ID: s.ID})
		return
	case c.stateLost && last.Index < c.log.Compacted().Index, !c.stateLost && last.Index <= c.commit:
		return
	case c.leader != nil:
		// It holds whatever was committed before its term. If this was committed later, it
		// leads no more, and will learn so.
		return
	}
	if c.role != Follower {
		c.become(Follower)
	}
	matches := c.log.Matches(last)
	if !matches || c.stateLost {
		// Before the log is reset: what was to be applied may be gone then.
		c.emit(RestoreSnapshot{Snapshot: *s})
	}
	if !matches {
		c.resetLog(s)
	} else if c.stateLost {
		c.rebaseMemberships(s)
	}
	if last.Index <= c.follower.offered { // So the leader of this term has committed as much.
		c.follower.accepted = max(c.follower.accepted, last.Index)
	}
	c.setCommit(last.Index)
	c.setSnapshot(last)
	if !matches || c.stateLost {
		c.stateLost = false
		c.toldApply = last.Index // What is behind it is to be applied again, if the state was lost.
	}
	c.acknowledge(false)
}

// resetLog makes the log begin behind a snapshot, whose membership takes effect. What
// the leader of this term has sent is not in the log any more.
func (c *Core) resetLog(s *wire.SnapshotMeta) {
	c.follower.accepted = min(c.follower.accepted, c.commit)
	c.log.Reset(s.Last)
	c.lane.clip(c.commit) // What is behind it may be something else than before.
	c.memberships = nil
	c.rebaseMemberships(s)
	c.issue(WriteLog{Reset: s.Last})
}

// rebaseMemberships puts a snapshot's membership in front of those that are newer.
func (c *Core) rebaseMemberships(s *wire.SnapshotMeta) {
	memberships := []membershipAt{{index: s.MembershipAt, membership: s.Membership}}
	for _, m := range c.memberships {
		if m.index > s.MembershipAt {
			memberships = append(memberships, m)
		}
	}
	c.memberships = memberships
	c.emit(UseMembership{Membership: *c.membership()})
}

// loseState begins to ask for a snapshot. The member may have risen since it began to
// restore the one that it could not.
func (c *Core) loseState() {
	c.stateLost = true
	c.wantAt = c.now
	if c.role != Follower {
		c.become(Follower)
	}
}

// wantSnapshot asks the leader for a snapshot, again and again, while this member's state
// is lost. Its log is not, so it votes and acknowledges as ever; but it must not lead,
// for it could serve nobody.
func (c *Core) wantSnapshot() {
	if !c.stateLost || c.now < c.wantAt {
		return
	}
	c.wantAt = c.now + c.cfg.ElectionTimeout
	if leader := c.follower.leader; leader != 0 {
		c.send(leader, &wire.SnapshotWanted{Term: c.hard.Term, AtLeast: c.log.Compacted().Index})
	}
}
