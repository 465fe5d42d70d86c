// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/drive"
	"github.com/balsa-raft/raft/internal/snapshotter"
	"github.com/balsa-raft/raft/wire"
)

// ErrNoSnapshots means that the node has no SnapshotStore.
var ErrNoSnapshots = errors.New("raft: the node has no snapshot store")

// errInstalled ends the requests whose entries a snapshot has covered.
var errInstalled = errors.New("a snapshot was installed in place of the entry")

// Snapshot takes a snapshot of the state machine now, whatever the policy says, and returns
// what it is when it is durable. If nothing has been applied since the last one, it is that.
// It may be called on any member.
func (g *Group) Snapshot(ctx context.Context) (SnapshotMeta, error) {
	if g.snapshots == nil {
		return SnapshotMeta{}, ErrNoSnapshots
	}
	type outcome struct {
		meta SnapshotMeta
		err  error
	}
	done := make(chan outcome, 1)
	g.snapshots.Take(func(meta SnapshotMeta, err error) { done <- outcome{meta, err} })
	select {
	case o := <-done:
		switch {
		case errors.Is(o.err, snapshotter.ErrClosed):
			return SnapshotMeta{}, g.stopped()
		case o.err != nil:
			return SnapshotMeta{}, fmt.Errorf("raft: take snapshot of group %d: %w", g.cfg.ID, o.err)
		}
		return o.meta, nil
	case <-ctx.Done():
		return SnapshotMeta{}, context.Cause(ctx)
	case <-g.done:
		return SnapshotMeta{}, g.stopped()
	}
}

// newSnapshotter makes the stage that takes, sends and fetches snapshots, nil if the node
// keeps none.
func (g *Group) newSnapshotter() error {
	n := g.node
	if n.cfg.Snapshots == nil {
		return nil
	}
	policy := &g.cfg.Snapshots
	_, durable := g.cfg.StateMachine.(DurableStateMachine)
	var err error
	g.snapshots, err = snapshotter.New(snapshotter.Config{
		Group: g.cfg.ID, ID: n.cfg.ID, Store: n.cfg.Snapshots, Owner: snapshotOwner{g},
		Now: func() int64 { return int64(n.now()) }, Random: n.random,
		Policy: snapshotter.Policy{
			Entries: policy.Entries, LogBytes: policy.LogBytes, Interval: int64(policy.Interval), Keep: policy.Keep,
		},
		Durable: durable, RetryAfter: int64(g.cfg.ElectionTimeout), StallTimeout: snapshotStallTimeouts * int64(g.cfg.ElectionTimeout),
		Throttle: n.throttle,
	})
	if err != nil {
		return fmt.Errorf("raft: start group %d: %w", g.cfg.ID, err)
	}
	return nil
}

// snapshotStallTimeouts is after how many election time-outs without progress the transfer
// of a snapshot is given up.
const snapshotStallTimeouts = 10

func (g *Group) startSnapshotter() {
	if g.snapshots == nil {
		return
	}
	g.running.Add(1)
	stage := drive.Stage{
		Name: fmt.Sprintf("snapshotter of group %d", g.cfg.ID), Step: g.snapshots.Step, Wake: g.snapshots.Wakes(), Deadline: g.snapshots.Deadline,
	}
	g.node.runStage(stage, func() {
		defer g.running.Done()
		g.snapshots.Run()
	})
}

// snapshotOwner is how the snapshotter talks to its group.
type snapshotOwner struct{ g *Group }

// Send sends what is the snapshotters' own; offers are the leader's, which the core knows about.
func (o snapshotOwner) Send(to NodeID, m wire.Message) bool {
	if offer, ok := m.(*wire.SnapshotOffer); ok {
		o.g.tell(core.OfferMade{To: to, Offer: offer})
		return true
	}
	return o.g.node.send(to, o.g.cfg.ID, m)
}

func (o snapshotOwner) Capture(stream bool) {
	o.g.applier.Capture(stream, func(meta SnapshotMeta, data io.ReadCloser, err error) {
		o.g.snapshots.Captured(stream, meta, data, err)
	})
}

// Taken lets the loop forget what the snapshot covers.
func (o snapshotOwner) Taken(meta SnapshotMeta) {
	o.g.logger.Debug("snapshot taken", "id", meta.ID.String(), "last", meta.Last.String(), "bytes", meta.Size)
	policy := o.g.snapshotPolicy()
	o.g.tell(core.SnapshotTaken{Last: meta.Last}, o.g.retention.compaction(meta.Last.Index, &policy))
}

// Received lets the core decide what to do with it.
func (o snapshotOwner) Received(from NodeID, meta SnapshotMeta) {
	o.g.logger.Info("snapshot received", "id", meta.ID.String(), "last", meta.Last.String(), "bytes", meta.Size, "from", uint64(from))
	o.g.tell(core.SnapshotReceived{Snapshot: meta})
}

func (o snapshotOwner) Trouble(what string, err error) { o.g.logger.Warn(what, "error", err) }

// tell leaves events for the loop.
func (g *Group) tell(events ...core.Event) {
	if g.inbox.tell(events...) {
		g.awake(false)
	}
}

func (g *Group) offerSnapshot(e core.OfferSnapshot) {
	if g.snapshots == nil {
		return // Its log was never compacted; the peer's may have been.
	}
	g.snapshots.Offer(e.To, e.Term, e.Epoch, e.AtLeast)
}

func (g *Group) fetchSnapshot(e core.FetchSnapshot) {
	switch {
	case g.snapshots == nil:
		g.logger.Error("the leader offers a snapshot, but this node has no snapshot store", "last", e.Snapshot.Last.String())
	case e.Snapshot.Version > g.cfg.StateVersion:
		g.logger.Error("the leader offers a snapshot of a newer version than this node's state machine can read",
			"last", e.Snapshot.Last.String(), "version", e.Snapshot.Version, "known", g.cfg.StateVersion)
	default:
		g.snapshots.Offered(e.From, e.Snapshot)
	}
}

// restoreSnapshot has the applier go on from a snapshot. What waits for an entry that it
// covers will never be told its result.
func (g *Group) restoreSnapshot(e core.RestoreSnapshot) {
	g.logger.Info("installing a snapshot", "id", e.Snapshot.ID.String(), "last", e.Snapshot.Last.String())
	for _, r := range g.waiters.takeThrough(e.Snapshot.Last.Index) {
		g.finish(r, r.unknown(errInstalled))
	}
	g.applier.Restore(e.Snapshot, func() io.ReadCloser { return g.snapshots.Reader(e.Snapshot) })
}

// Restored tells that the state is a snapshot's.
func (r applierReports) Restored(meta SnapshotMeta) {
	r.g.logger.Info("snapshot installed", "id", meta.ID.String(), "last", meta.Last.String())
	r.g.grown, r.g.grownTo = 0, meta.Last.Index // That is not growth that another snapshot is needed for.
	r.g.snapshots.Restored(meta)
}

// RestoreFailed has the core ask for another snapshot.
func (r applierReports) RestoreFailed(meta SnapshotMeta, err error) {
	r.g.logger.Error("cannot install a snapshot: asking for another one", "id", meta.ID.String(), "last", meta.Last.String(), "error", err)
	r.g.snapshots.Damaged(meta.ID)
	r.g.tell(core.StateLost{})
}
