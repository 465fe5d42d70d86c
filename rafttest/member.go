// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// ErrCrashed is what the log store of a crashed member says to what is left of it.
var ErrCrashed = errors.New("rafttest: the member has crashed")

// member is one node of a cluster, with what outlives its process. The cluster's mutex
// guards all but the ID.
type member struct {
	id  raft.NodeID
	log *mem.Log
	// snapshots is nil unless the options ask for it.
	snapshots *mem.Snapshots
	process
}

// process is what a crash ends. It is zero while the member is down.
type process struct {
	node      *raft.Node
	group     *raft.Group
	recorder  *Recorder
	machine   raft.StateMachine
	network   *mem.Transport // what cuts the process off
	transport raft.Transport // the same, or what the options put in front of it
	store     raft.LogStore
}

// closeTimeouts is how long a node may take to close, in election time-outs. A leader
// needs up to one to hand over.
const closeTimeouts = 10

func (c *Cluster) member(id raft.NodeID) *member { return c.members[id-1] }

func (c *Cluster) processOf(id raft.NodeID) process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.member(id).process
}

// Group returns a member's replica of the group, nil while the member is down.
func (c *Cluster) Group(id raft.NodeID) *raft.Group { return c.processOf(id).group }

// Node returns a member's node, nil while the member is down.
func (c *Cluster) Node(id raft.NodeID) *raft.Node { return c.processOf(id).node }

// Recorder returns what a member has applied since it was started, nil while it is down.
func (c *Cluster) Recorder(id raft.NodeID) *Recorder { return c.processOf(id).recorder }

// StateMachine returns a member's state machine as Options.StateMachine made it, nil
// while the member is down or if that is nil.
func (c *Cluster) StateMachine(id raft.NodeID) raft.StateMachine { return c.processOf(id).machine }

// Log returns a member's disk. A crash replaces it by another with the same contents
// and none of the hooks set, such as delays.
func (c *Cluster) Log(id raft.NodeID) *mem.Log {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.member(id).log
}

// Snapshots returns a member's snapshots, nil without Options.Snapshots. A crash replaces
// them as it does the log.
func (c *Cluster) Snapshots(id raft.NodeID) *mem.Snapshots {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.member(id).snapshots
}

// Running reports whether a member is up. One whose group has failed is up.
func (c *Cluster) Running(id raft.NodeID) bool { return c.Node(id) != nil }

// Start starts a member that is down on what its disk holds, with a new state machine.
func (c *Cluster) Start(id raft.NodeID) {
	c.t.Helper()
	if c.Running(id) {
		c.t.Fatalf("member %d is running already", id)
	}
	log := c.Log(id)
	p, err := c.launch(id, log)
	if err != nil {
		c.t.Fatalf("start member %d: %v", id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.member(id).process = p
}

func (c *Cluster) launch(id raft.NodeID, log *mem.Log) (process, error) {
	p := process{network: c.network.Transport(id), store: log}
	p.transport = p.network
	if c.options.StateMachine != nil {
		p.machine = c.options.StateMachine(id)
	}
	p.recorder = NewRecorder(p.machine)
	if c.options.LogStore != nil {
		p.store = c.options.LogStore(id, log)
	}
	if c.options.Transport != nil {
		p.transport = c.options.Transport(id, p.network)
	}
	logger := c.options.Logger
	if logger == nil {
		logger = c.journal.logger()
	}
	var err error
	cfg := raft.Config{ID: id, Log: p.store, Transport: p.transport, Logger: logger, Seed: c.options.Seed<<16 + uint64(id)}
	if kept := c.Snapshots(id); kept != nil {
		cfg.Snapshots = kept
	}
	p.node, err = raft.Open(cfg)
	if err != nil {
		return process{}, errors.Join(err, p.transport.Close(), p.store.Close())
	}
	if p.group, err = p.node.StartGroup(c.options.groupConfig(id, p.recorder)); err != nil {
		return process{}, errors.Join(err, c.close(p))
	}
	return p, nil
}

// Stop closes a member in an orderly way: a leader hands over first. It does nothing
// if the member is down.
func (c *Cluster) Stop(id raft.NodeID) {
	c.t.Helper()
	p := c.takeDown(id)
	if p.node == nil {
		return
	}
	if err := c.close(p); err != nil {
		c.t.Errorf("stop member %d: %v", id, err)
	}
}

func (c *Cluster) takeDown(id raft.NodeID) process {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.member(id).process
	c.member(id).process = process{}
	return p
}

func (c *Cluster) close(p process) error {
	within := max(closeTimeouts*c.options.ElectionTimeout, time.Second)
	ctx, cancel := context.WithTimeoutCause(context.Background(), within, fmt.Errorf("not within %v", within))
	defer cancel()
	return errors.Join(p.node.Close(ctx), p.transport.Close(), p.store.Close())
}

// Restart stops a member and starts it again.
func (c *Cluster) Restart(id raft.NodeID) {
	c.t.Helper()
	c.Stop(id)
	c.Start(id)
}

// Crash ends a member at once, as a power failure would, without letting it say or
// write anything more. Its disk has what the log store had taken until then. It
// takes no time; to go on, Start the member.
func (c *Cluster) Crash(id raft.NodeID) { c.crash(id) }

// CrashAll ends all members at one moment.
func (c *Cluster) CrashAll() { c.crash(c.IDs()...) }

// crash first cuts the members off: whatever they had promised to others until then is
// on their disks. Then it closes the disks against them, in one step with looking at
// what they hold: whatever they have told their callers is there. The rest of the
// process ends on its own.
func (c *Cluster) crash(ids ...raft.NodeID) {
	var ended []process
	for _, id := range ids {
		if p := c.takeDown(id); p.node != nil {
			ended = append(ended, p)
		}
	}
	for _, p := range ended {
		_ = p.network.Close() // It never fails.
	}
	c.mu.Lock()
	for _, id := range ids {
		m := c.member(id)
		old := m.log
		old.FailSaves(ErrCrashed)
		m.log = old.Clone()
		old.Resume()
		if m.snapshots != nil {
			kept := m.snapshots
			kept.FailWrites(ErrCrashed)
			kept.FailPublishes(ErrCrashed)
			m.snapshots = kept.Clone()
			kept.Resume()
		}
	}
	c.mu.Unlock()
	for _, p := range ended {
		c.crashed.Go(func() {
			if err := c.close(p); err != nil {
				c.t.Errorf("what is left of a crashed member does not end: %v", err)
			}
		})
	}
}
