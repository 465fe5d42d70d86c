// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balsa-raft/raft/internal/applier"
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/drive"
	"github.com/balsa-raft/raft/internal/logcache"
	"github.com/balsa-raft/raft/internal/peer"
	"github.com/balsa-raft/raft/internal/snapshotter"
	"github.com/balsa-raft/raft/wire"
)

// Group is this node's replica of one Raft group. Its methods may be called from any
// goroutine but, where they wait, the state machine's.
type Group struct {
	node   *Node
	cfg    GroupConfig
	logger *slog.Logger

	inbox    *inbox
	cache    *logcache.Cache
	applier  *applier.Applier
	waiters  waiters
	requests requestPool
	// remoteBytes are those of the commands that others have passed to this member
	// and that are not answered yet.
	remoteBytes atomic.Int64
	status      statusBoard
	// snapshots is nil if the node has no store for them.
	snapshots *snapshotter.Snapshotter
	retention retention
	tuning    tuning[GroupTunables]
	troubles  troubles
	// grown are the bytes of the commands applied since the applier has last told of any,
	// and grownTo is up to where that was. They are the applier's.
	grown   int64
	grownTo Index

	// turns is held by whoever takes a turn of the loop; wake, of capacity 1, asks the
	// loop's goroutine to take one.
	turns sync.Mutex
	wake  chan struct{}

	// The rest belongs to the loop (see loop.go): to whoever holds turns.
	core      *core.Core
	taken     intake
	events    []core.Event
	deadline  core.Instant
	timer     *time.Timer
	timerAt   core.Instant
	streams   []*stream // by ascending peer
	contacts  contacts
	backlog   []*request
	proposing []*request
	forwards  forwards
	sessions  sessions
	role      core.RoleChanged
	// unresolvedAt is when waiters of a lost leadership are given up, Never if none.
	unresolvedAt core.Instant
	initializing []control
	transferring []control
	changing     []control
	obeyed       []control // They are answered when Status shows what they have done.

	ended bool // there is no further turn

	running sync.WaitGroup // the goroutines of the applier and the streams
	done    chan struct{}  // closed when everything has ended
	closing chan struct{}  // closed when Close was called
	once    sync.Once
	failure atomic.Pointer[error]
}

// stream is the replication stream to one peer.
type stream struct {
	id NodeID
	*peer.Stream
}

func newGroup(n *Node, cfg GroupConfig, state wire.LogState) (*Group, error) {
	g := &Group{
		node: n, cfg: cfg,
		inbox: newInbox(cfg.PendingBytesMax), cache: logcache.New(cfg.CacheBytes),
		wake:         make(chan struct{}, 1),
		unresolvedAt: core.Never, done: make(chan struct{}), closing: make(chan struct{}),
	}
	g.logger = g.troubles.logTo(n.cfg.Logger.With("node", uint64(n.cfg.ID), "group", uint64(cfg.ID)), n.now)
	g.forwards.session = n.random()
	if err := g.newSnapshotter(); err != nil {
		return nil, err
	}
	found, start, err := g.recoverState(&state)
	if err != nil {
		return nil, err
	}
	if found.Snapshot.ID != 0 {
		g.snapshots.Restored(found.Snapshot)
	}
	_, isDurable := cfg.StateMachine.(DurableStateMachine)
	g.core, err = core.Recover(core.Config{
		ID:                n.cfg.ID,
		ElectionTimeout:   core.Instant(cfg.ElectionTimeout),
		HeartbeatInterval: core.Instant(cfg.HeartbeatInterval),
		WriteStallTimeout: core.Instant(cfg.WriteStallTimeout),
		Seed:              n.cfg.Seed ^ uint64(n.cfg.ID)<<32 ^ uint64(cfg.ID),
		ApplyDurable:      isDurable,
		Incarnation:       incarnationOf(n.cfg.Log),
	}, state, found, n.now())
	if err != nil {
		return nil, fmt.Errorf("raft: start group %d: %w", cfg.ID, err)
	}
	g.role = core.RoleChanged{Term: g.core.Term()}
	g.sessions.forgotten = g.core.Term()
	g.cache.Reset(g.core.Brief().Last + 1)
	g.applier = applier.New(cfg.StateMachine, entrySource{g}, applierReports{g}, start, cfg.BatchBytesMax, cfg.StateVersion)
	g.grownTo = start.Applied.Index
	g.status.setApplied(start.Applied.Index)
	return g, nil
}

// start starts the group's goroutines: the loop, the applier, and one for each
// peer as they become known.
func (g *Group) start() {
	g.runStage(fmt.Sprintf("applier of group %d", g.cfg.ID), g.applier.Step, g.applier.Wakes(), g.applier.Run)
	g.startSnapshotter()
	g.useMembership(g.core.Membership())
	g.publish()
	if g.node.driver == nil {
		g.timerAt = g.node.now() + core.Instant(time.Hour)
		g.timer = time.NewTimer(time.Hour)
	}
	g.node.runStage(g.loopStage(), g.run)
}

// runStage starts a goroutine that the loop waits for at its end.
func (g *Group) runStage(name string, step func() bool, wake <-chan struct{}, run func()) {
	g.running.Add(1)
	g.node.runStage(drive.Stage{Name: name, Step: step, Wake: wake}, func() {
		defer g.running.Done()
		run()
	})
}

// Done returns a channel that is closed when the group has stopped on this node, by
// Close or by a failure, and all its goroutines have ended.
func (g *Group) Done() <-chan struct{} { return g.done }

// Err returns the failure that stopped the group, nil while it runs and after Close.
func (g *Group) Err() error {
	if err := g.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// Initialize forms the group with the given members, all of them voters. It may be
// called on one of them or, better, on all, with the same members, again and again: on
// a group that exists it does nothing and returns nil, or ErrInitialized if the group is
// known to have been formed with others. It returns when the membership is durable on
// this node.
//
// All calls must name the same members: that two nodes which have not met were given
// different ones is not noticed, and their logs would contradict each other.
//
// The group elects its first leader when all of its members answer, on however many of
// them Initialize was called; after that a majority suffices. So a member that has lost its
// disk, and is initialized again, cannot begin the group anew with others who have never got
// anything of it.
func (g *Group) Initialize(ctx context.Context, members ...Member) error {
	membership := wire.NewMembership(members...)
	if err := membership.Validate(); err != nil {
		return fmt.Errorf("raft: initialize: %w", err)
	}
	if !membership.IsVoter(g.node.cfg.ID) {
		return fmt.Errorf("raft: initialize: this node, %d, is not among the members", g.node.cfg.ID)
	}
	ok, err := g.ask(ctx, core.InitializeRequested{Membership: membership})
	if err != nil {
		return err
	}
	if !ok {
		return ErrInitialized
	}
	return nil
}

// ask puts a question to the core and waits for the answer.
func (g *Group) ask(ctx context.Context, event core.Event) (bool, error) {
	answer, err := g.inquire(ctx, event)
	return answer.ok, err
}

func (g *Group) inquire(ctx context.Context, event core.Event) (verdict, error) {
	c := control{event: event, answer: make(chan verdict, 1)}
	slept, ok := g.inbox.ask(c)
	if !ok {
		return verdict{}, g.stopped()
	}
	if slept {
		g.awake(false)
	}
	select {
	case answer := <-c.answer:
		return answer, nil
	case <-ctx.Done():
		return verdict{}, context.Cause(ctx)
	case <-g.done:
		return verdict{}, g.stopped()
	}
}

// Close stops the group on this node. A leader hands leadership over first, which
// takes at most an election time-out and makes the pause for the others short.
// Proposals that are not finished then end with ErrOutcomeUnknown, or ErrStopped if
// they had not been proposed. Close returns when everything has ended, or when ctx
// ends, with an error: then a call of the state machine or of the log store is still stuck.
// Closing twice is harmless.
func (g *Group) Close(ctx context.Context) error {
	g.once.Do(func() { close(g.closing) })
	if g.Status().Role == RoleLeader {
		_, _ = g.ask(ctx, core.TransferRequested{}) // If it fails, the others elect a leader by themselves.
	}
	g.inbox.refuse()
	if g.inbox.stop() {
		g.awake(false)
	}
	select {
	case <-g.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("raft: close group %d: %w", g.cfg.ID, context.Cause(ctx))
	}
}
