// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"sync"
	"time"

	"github.com/balsa-raft/raft/internal/core"
)

// statusBoard is what the loop shows of itself after each turn, so that whoever looks
// never waits for it.
type statusBoard struct {
	mu sync.Mutex
	Status
	// committed is the membership at CommittedMembershipIndex.
	committed Membership
	// contacts are a copy of the loop's, leaderlessSince is zero while a leader is known.
	contacts        contacts
	leaderlessSince core.Instant
	// moved is closed when the index of either membership, or RemovedAt, changes.
	moved chan struct{}
}

func (b *statusBoard) setApplied(through Index) {
	b.mu.Lock()
	b.AppliedIndex = through
	b.mu.Unlock()
}

// publish shows what the core knows.
func (g *Group) publish() {
	b := &g.status
	b.mu.Lock()
	defer b.mu.Unlock()
	s := g.core.Brief()
	if s.Durable != b.DurableIndex {
		g.cache.Synced(s.Durable) // These may leave the memory now.
	}
	b.ID, b.Group, b.ElectionTimeout = g.node.cfg.ID, g.cfg.ID, g.cfg.ElectionTimeout
	b.Role, b.Term, b.Leader = Role(s.Role), s.HardState.Term, s.Leader
	b.LastIndex, b.DurableIndex, b.CommitIndex = s.Last, s.Durable, s.Commit
	b.FirstIndex, b.SnapshotIndex, b.StateLost = s.Compacted.Index+1, s.Snapshot.Index, s.StateLost
	b.publishStanding(g.core)
	b.Peers = b.Peers[:0]
	now := g.node.now()
	b.publishContacts(g.contacts, now)
	g.core.VisitPeerStates(func(p core.PeerState) {
		b.Peers = append(b.Peers, PeerStatus{
			ID: p.ID, State: p.State.String(), MatchIndex: p.Match, Silence: time.Duration(now - p.Contact),
			LostDisk: p.LostDisk, CaughtUp: p.CaughtUp, CatchUpIndex: p.Goal,
		})
	})
}

func (b *statusBoard) showStanding(c *core.Core) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publishStanding(c)
}

// publishStanding shows what the core knows of the membership, and lets those know who wait
// for a change.
func (b *statusBoard) publishStanding(c *core.Core) {
	s := c.Standing()
	if s.At != b.MembershipIndex || s.CommittedAt != b.CommittedMembershipIndex || s.RemovedAt != b.RemovedAt {
		b.Membership, b.committed = *c.Membership(), *c.CommittedMembership()
		b.MembershipIndex, b.CommittedMembershipIndex, b.RemovedAt = s.At, s.CommittedAt, s.RemovedAt
		if b.moved != nil {
			close(b.moved)
			b.moved = nil
		}
	}
	b.Forming, b.Drained, b.Transferring = s.IsForming, s.Drained, s.Transferring
}

// publishContacts shows who was heard from, and for how long there has been no leader.
func (b *statusBoard) publishContacts(l contacts, now core.Instant) {
	b.contacts = append(b.contacts[:0], l...)
	switch {
	case b.Leader != 0:
		b.leaderlessSince = 0
	case b.leaderlessSince == 0:
		b.leaderlessSince = now
	}
}

// standing is what was published of the membership at one moment.
type standing struct {
	committed                  Membership
	at, committedAt, removedAt Index
	moved                      <-chan struct{} // closed when any of it changes
}

// standing returns what is published of the membership now.
func (b *statusBoard) standing() standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.moved == nil {
		b.moved = make(chan struct{})
	}
	return standing{b.committed, b.MembershipIndex, b.CommittedMembershipIndex, b.RemovedAt, b.moved}
}

// Status returns what this member knew a moment ago. It never waits for the group.
func (g *Group) Status() Status {
	g.status.mu.Lock()
	s := g.status.Status
	s.Peers = append([]PeerStatus(nil), s.Peers...)
	now := g.node.now()
	s.Contacts = g.status.contacts.describe(now)
	if since := g.status.leaderlessSince; since != 0 {
		s.Leaderless = time.Duration(now - since)
	}
	g.status.mu.Unlock()
	meant := s.Membership.Incarnation(s.ID)
	s.LostDisk = meant != 0 && meant != max(incarnationOf(g.node.cfg.Log), incarnationNone)
	s.Snapshots = g.snapshotStatus()
	s.Disk, s.Queues = g.queueStatus()
	s.Troubles = g.troubles.describe(now)
	s.Failure = g.whyStopped()
	return s
}

// whyStopped returns the failure that has stopped the group, ErrStopped if it was closed, and nil while
// it runs.
func (g *Group) whyStopped() error {
	if err := g.Err(); err != nil {
		return err
	}
	select {
	case <-g.done:
		return ErrStopped
	default:
		return nil
	}
}
