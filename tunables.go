// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"sync"
)

// Tunables are what may be changed of a node's Config while it runs. To change one of them, change
// what Node.Tunables returns, and give it to Node.Reload.
//
// The level of the log is not among them, because the Logger is the caller's: one that is made
// with a slog.LevelVar can be told another. What belongs to a group is in GroupTunables.
type Tunables struct {
	// SnapshotBytesPerSecond is as in Config. Zero means no bound. It counts from the next chunk
	// of a snapshot on.
	SnapshotBytesPerSecond int

	_ struct{}
}

// GroupTunables are what may be changed of a group's GroupConfig on this node while it runs: bounds of
// memory and disk that no other member has to know. As there, a zero field means its default. To
// change one of them, change what Group.Tunables returns, and give it to Group.Reload.
//
// All else is as it was when the group was started, until it is started again: the time-outs, by
// which members judge each other; CommandBytesMax, which all members have to agree on, or a
// command is taken here and refused there; the bounds of batches, messages and the cache, with which
// goroutines that run were made; and when snapshots are taken.
type GroupTunables struct {
	// PendingBytesMax is as in GroupConfig. Those who wait for room are let in at once if there is
	// more; if there is less, nobody is turned out. The bounds of one ProposeBatch, and of what other
	// members pass on to this one, stay as GroupConfig has made them.
	PendingBytesMax int
	// These are as in SnapshotPolicy. They count from the next snapshot or Compact on.
	TrailingEntries               int
	TrailingBytes, RetainBytesMax int64

	_ struct{}
}

// tuning is what Reload has changed, nil before.
type tuning[T any] struct {
	mu      sync.Mutex
	changed *T
}

// or returns what Reload has changed, or else how it was configured.
func (t *tuning[T]) or(configured T) T {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		return configured
	}
	return *t.changed
}

// change records a change and makes it known, so that of two at a time the later one stays.
func (t *tuning[T]) change(to T, tell func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed = &to
	tell()
}

// Tunables returns those that count now. It may be called from any goroutine.
func (n *Node) Tunables() Tunables {
	return n.tuning.or(Tunables{SnapshotBytesPerSecond: n.cfg.SnapshotBytesPerSecond})
}

// Reload makes the tunables those given, all of them, until the node is closed. It does not wait, and
// may be called from any goroutine. If it returns an error, nothing has changed.
func (n *Node) Reload(t Tunables) error {
	if t.SnapshotBytesPerSecond < 0 {
		return errors.New("raft: Tunables.SnapshotBytesPerSecond is negative")
	}
	n.tuning.change(t, func() { n.throttle.SetRate(int64(t.SnapshotBytesPerSecond)) })
	return nil
}

// Tunables returns those that count now. It may be called from any goroutine.
func (g *Group) Tunables() GroupTunables {
	p := &g.cfg.Snapshots
	return g.tuning.or(GroupTunables{
		PendingBytesMax: g.cfg.PendingBytesMax,
		TrailingEntries: p.TrailingEntries, TrailingBytes: p.TrailingBytes, RetainBytesMax: p.RetainBytesMax,
	})
}

// Reload makes the tunables those given, all of them, until the group is closed on this node. It does
// not wait, and may be called from any goroutine. If it returns an error, nothing has changed.
func (g *Group) Reload(t GroupTunables) error {
	cfg := g.cfg
	cfg.PendingBytesMax, cfg.Snapshots = t.PendingBytesMax, t.retain(cfg.Snapshots)
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return fmt.Errorf("raft: reload group %d: %w", g.cfg.ID, err)
	}
	t.PendingBytesMax, t.TrailingEntries = cfg.PendingBytesMax, cfg.Snapshots.TrailingEntries
	t.TrailingBytes, t.RetainBytesMax = cfg.Snapshots.TrailingBytes, cfg.Snapshots.RetainBytesMax
	g.tuning.change(t, func() { g.inbox.allow(t.PendingBytesMax) })
	return nil
}

// retain gives a policy what the tunables say of how much of the log is kept.
func (t *GroupTunables) retain(p SnapshotPolicy) SnapshotPolicy {
	p.TrailingEntries, p.TrailingBytes, p.RetainBytesMax = t.TrailingEntries, t.TrailingBytes, t.RetainBytesMax
	return p
}

// snapshotPolicy is the group's, as it was tuned.
func (g *Group) snapshotPolicy() SnapshotPolicy {
	t := g.Tunables()
	return t.retain(g.cfg.Snapshots)
}

// allow changes how many bytes of requests may be pending, and lets those in for whom there is room
// by that.
func (b *inbox) allow(pendingBytesMax int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pendingBytesMax = pendingBytesMax
	b.letIn()
}
