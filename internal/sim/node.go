// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/drive"
	"github.com/balsa-raft/raft/internal/sim/safety"
	"github.com/balsa-raft/raft/wal"
	"github.com/balsa-raft/raft/wire"
)

// node is a machine: its disk and its clock, and the process on it, if one runs.
type node struct {
	w    *world
	id   wire.NodeID
	disk *disk
	clock

	// life counts the processes; what belongs to an old one is void.
	life   int
	up     bool
	paused bool
	// lost says that the disk was found to be damaged: the node does not come back.
	lost bool
	// held says that it is kept from starting.
	held bool
	// inEffect is the membership as it last was when the node led.
	inEffect wire.Membership
	// restarting says that a start is scheduled.
	restarting bool
	// slow is by how much everything takes longer; timers are served on multiples of
	// beat, if that is not zero.
	slow int64
	beat int64
	// far is by how much messages take longer.
	far int64
	// stalledUntil is when the disk goes on, applyStalledUntil the state machine.
	stalledUntil, applyStalledUntil int64
	// suspended says that the clock stands still; the process is paused.
	suspended bool
	// emptied counts how often the disk was.
	emptied int

	// Of the process.
	log       *wal.Log
	snapshots *snapshotStore // nil if it keeps none
	transport *transport
	driver    *drive.Driver
	raft      *raft.Node
	group     *raft.Group
	core      *core.Core
	machine   *machine
	stages    []*stage
	// stepping is how many stages are within a step, one within the other's disk operation.
	stepping int
	view     safety.View
	brief    core.Status // as it was last observed
}

func newNode(w *world, id wire.NodeID) *node {
	n := &node{w: w, id: id, slow: 1, far: 1}
	n.disk = newDisk(n)
	n.clock = clock{base: 1 + w.scheduling.Int64N(int64(time.Hour))}
	return n
}

func (n *node) isUp() bool { return n.up && !n.paused }

const groupID = 1

// start starts the process. Whatever keeps it from starting, it is tried again later,
// unless the disk is damaged.
func (n *node) start() {
	n.restarting = false
	if n.up || n.lost || n.held {
		return
	}
	n.life++
	n.disk.power()
	if n.w.has(CrashInOpen) && n.w.storing.IntN(4) == 0 {
		n.disk.crashAt = 1 + n.w.storing.IntN(12)
		n.disk.crashKind = CrashInOpen
	}
	if err := n.open(); err != nil {
		n.startFailed(err)
		return
	}
	n.up = true
	n.w.say(n.id, "started, life %d, %v", n.life, n.view)
	n.adopt()
	n.listen()
}

// open opens the log and the library on it.
func (n *node) open() error {
	w := n.w
	log, err := wal.Open(wal.Options{
		Dir: walDir, Cluster: raft.NewClusterID("sim"), Node: n.id, SegmentBytes: w.plan.segmentBytes, BlockBytes: w.plan.blockBytes,
		Logger: n.logger(), FS: n.disk.fs, Incarnation: wire.Incarnation(int(n.id) + n.emptied<<8), Synchronous: true,
	})
	if err != nil {
		return err
	}
	n.log, n.snapshots = log, nil
	w.check.Opens(n.id, log.Incarnation())
	if err := n.recovered(); err != nil {
		return err
	}
	if w.plan.snapshots.isOn {
		if err := n.openSnapshots(); err != nil {
			return err
		}
	}
	n.driver = &drive.Driver{Now: func() int64 { return n.at(w.now) }, Random: w.scheduling.Uint64}
	n.transport = &transport{n: n, life: n.life}
	n.machine = &machine{n: n, life: n.life}
	n.stages, n.view, n.brief, n.stepping = nil, safety.View{}, core.Status{}, 0
	n.raft, err = raft.OpenDriven(n.config(), n.driver)
	if err != nil {
		return err
	}
	if err := n.startGroup(); err != nil {
		return err
	}
	n.disk.opened()
	w.refine.started(n)
	return nil
}

func (n *node) config() raft.Config {
	w := n.w
	config := raft.Config{
		ID: n.id, Log: w.plant.logStore(n, &store{n: n, life: n.life, log: n.log}), Transport: w.refine.transport(n, w.plant.network(n, n.transport)),
		Logger: n.logger(), Seed: w.scheduling.Uint64() | 1,
	}
	if n.snapshots != nil {
		config.Snapshots = w.plant.snapshotStore(n, n.snapshots)
		config.SnapshotTransfersMax, config.SnapshotBytesPerSecond = w.plan.snapshots.transfers, w.plan.snapshots.bytesPerSecond
	}
	return config
}

func (n *node) startGroup() error {
	p := &n.w.plan
	var err error
	var machine raft.StateMachine = n.machine
	if p.snapshots.isOn && p.snapshots.isDurable {
		machine = &durableMachine{machine: n.machine}
	}
	n.group, err = n.raft.StartGroup(raft.GroupConfig{
		ID: groupID, StateMachine: machine, Snapshots: p.snapshots.policy,
		ElectionTimeout: p.electionTimeout, HeartbeatInterval: p.heartbeat, WriteStallTimeout: p.writeStall,
		DisableForwarding: p.disableForwarding, CommandBytesMax: p.commandMax, PendingBytesMax: p.pendingMax,
		BatchBytesMax: p.batchMax, InflightBytesMax: p.inflightBytes, InflightMessagesMax: p.inflightMessages, CacheBytes: p.cache,
	})
	if err != nil {
		return err
	}
	n.core = raft.CoreDriven(n.driver, n.group)
	n.begins()
	if n.mayInitialize() && (n.w.healing || p.initializers>>(n.id-1)&1 == 1) {
		raft.InitializeDriven(n.driver, n.group, n.w.members()...)
	}
	return nil
}
