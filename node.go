// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/drive"
	"github.com/balsa-raft/raft/internal/logwriter"
	"github.com/balsa-raft/raft/internal/snapshotter"
	"github.com/balsa-raft/raft/wire"
)

// Node hosts the groups of one process: it owns what they share, the log writer and
// the transport. Its methods may be called from any goroutine.
type Node struct {
	cfg     Config
	started time.Time
	writer  *logwriter.Writer
	// throttle bounds the snapshots that all groups send.
	throttle *snapshotter.Throttle
	tuning   tuning[Tunables]

	mu     sync.RWMutex
	groups map[GroupID]*Group
	// starting are those that StartGroup is loading.
	starting map[GroupID]bool
	closing  bool
	// driver is nil, but in the simulator.
	driver *drive.Driver
	// written is closed when the log writer has ended.
	written chan struct{}
}

// Open starts a node without groups. It starts the transport; the log store and the
// transport stay the caller's, to be closed after the node.
func Open(cfg Config) (*Node, error) { return open(cfg, nil) }

// open opens a node that runs by itself or, if there is a driver, by its steps.
func open(cfg Config, driver *drive.Driver) (*Node, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	n := &Node{
		cfg: cfg, started: time.Now(),
		groups: make(map[GroupID]*Group), starting: make(map[GroupID]bool), written: make(chan struct{}),
		driver: driver, throttle: snapshotter.NewThrottle(cfg.SnapshotTransfersMax, int64(cfg.SnapshotBytesPerSecond)),
	}
	n.writer = logwriter.New(cfg.Log, func() int64 { return int64(n.now()) })
	if err := cfg.Transport.Start(n.deliver, n.unreachable); err != nil {
		return nil, fmt.Errorf("raft: start transport: %w", err)
	}
	n.runStage(drive.Stage{Name: "log writer", Step: n.writer.Step, Wake: n.writer.Wakes()}, func() {
		defer close(n.written)
		n.writer.Run()
	})
	return n, nil
}

// StartGroup starts this node's replica of a group, from what the log store has of
// it. A group that is new stays passive until it is initialized here or contacted by
// a member.
func (n *Node) StartGroup(cfg GroupConfig) (*Group, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := n.claim(cfg.ID); err != nil {
		return nil, err
	}
	defer n.unclaim(cfg.ID)
	state, err := n.cfg.Log.Load(cfg.ID)
	if err != nil {
		return nil, fmt.Errorf("raft: load group %d: %w", cfg.ID, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return nil, ErrStopped
	}
	g, err := newGroup(n, cfg, state)
	if err != nil {
		return nil, err
	}
	n.groups[cfg.ID] = g
	g.start()
	return g, nil
}

// claim keeps others from starting a group while it is being loaded: the first of them
// could run and end meanwhile, and what the second one had read would be old.
func (n *Node) claim(id GroupID) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return ErrStopped
	}
	if n.groups[id] != nil || n.starting[id] {
		return fmt.Errorf("raft: group %d is running already", id)
	}
	n.starting[id] = true
	return nil
}

func (n *Node) unclaim(id GroupID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.starting, id)
}

// Close stops all groups, as Group.Close does, and then the node. It returns when
// everything the node started has ended, or when ctx ends: then a write to
// the log store or a call of a state machine is still stuck. Closing twice is harmless.
func (n *Node) Close(ctx context.Context) error {
	n.mu.Lock()
	n.closing = true
	groups := make([]*Group, 0, len(n.groups))
	for _, g := range n.groups {
		groups = append(groups, g)
	}
	n.mu.Unlock()
	var wg sync.WaitGroup
	errs := make([]error, len(groups))
	for i, g := range groups {
		wg.Go(func() { errs[i] = g.Close(ctx) })
	}
	wg.Wait()
	n.writer.Close()
	select {
	case <-n.written:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("raft: close node: a write to the log store has not ended: %w", context.Cause(ctx)))
	}
	return errors.Join(errs...)
}

// now is the node's monotonic clock.
func (n *Node) now() core.Instant {
	if n.driver != nil {
		return core.Instant(n.driver.Now())
	}
	return core.Instant(time.Since(n.started)) + 1
}

func (n *Node) group(id GroupID) *Group {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.groups[id]
}

// deliver hands messages of one peer to their groups, run by run.
func (n *Node) deliver(from NodeID, batch []wire.Envelope) {
	for len(batch) > 0 {
		run := 1
		for run < len(batch) && batch[run].Group == batch[0].Group {
			run++
		}
		if g := n.group(batch[0].Group); g != nil && g.inbox.deliver(from, batch[:run]) {
			g.awake(true)
		}
		batch = batch[run:]
	}
}

func (n *Node) unreachable(peer NodeID) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, g := range n.groups {
		if g.inbox.unreachable(peer) {
			g.awake(false)
		}
	}
}

func (n *Node) send(to NodeID, group GroupID, message wire.Message) bool {
	return n.cfg.Transport.Send(to, wire.Envelope{Group: group, Message: message})
}

func (n *Node) forget(g *Group) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.groups[g.cfg.ID] == g {
		delete(n.groups, g.cfg.ID)
	}
}
