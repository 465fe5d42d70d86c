// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"sync"

	"github.com/balsa-raft/raft/internal/progress"
)

// statusBoard is what the loop shows of itself after each turn, so that whoever looks
// never waits for it.
type statusBoard struct {
	mu sync.Mutex
	Status
}

func (b *statusBoard) setApplied(through Index) {
	b.mu.Lock()
	b.AppliedIndex = through
	b.mu.Unlock()
}

func (b *statusBoard) setMembership(m *Membership) {
	b.mu.Lock()
	b.Membership = *m
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
	b.ID, b.Group = g.node.cfg.ID, g.cfg.ID
	b.Role, b.Term, b.Leader = Role(s.Role), s.HardState.Term, s.Leader
	b.LastIndex, b.DurableIndex, b.CommitIndex = s.Last, s.Durable, s.Commit
	b.FirstIndex, b.SnapshotIndex, b.StateLost = s.Compacted.Index+1, s.Snapshot.Index, s.StateLost
	b.Peers = b.Peers[:0]
	g.core.VisitPeers(func(p *progress.Progress) {
		b.Peers = append(b.Peers, PeerStatus{ID: p.ID, State: p.State.String(), MatchIndex: p.Match})
	})
}

// Status returns what this member knew a moment ago. It never waits for the group.
func (g *Group) Status() Status {
	g.status.mu.Lock()
	s := g.status.Status
	s.Peers = append([]PeerStatus(nil), s.Peers...)
	g.status.mu.Unlock()
	s.Snapshots = g.snapshotStatus()
	s.Failure = g.Err()
	return s
}
