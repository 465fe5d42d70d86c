// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"log/slog"
	"strings"
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
	config := raft.Config{
		ID: n.id, Log: w.plant.logStore(n, &store{n: n, life: n.life, log: log}), Transport: w.refine.transport(n, w.plant.network(n, n.transport)),
		Logger: n.logger(), Seed: w.scheduling.Uint64() | 1,
	}
	if n.snapshots != nil {
		config.Snapshots = w.plant.snapshotStore(n, n.snapshots)
		config.SnapshotTransfersMax, config.SnapshotBytesPerSecond = w.plan.snapshots.transfers, w.plan.snapshots.bytesPerSecond
	}
	n.raft, err = raft.OpenDriven(config, n.driver)
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

// recoveredBytes is how much of a log is read at once to be compared.
const recoveredBytes = 16 << 10

// recovered compares what is on the disk with what has to be.
func (n *node) recovered() error {
	state, err := n.log.Load(groupID)
	if err != nil {
		return err
	}
	entries := n.w.found[:0]
	for n.disk.calm(true); state.Compacted.Index+wire.Index(len(entries)) < state.Last; {
		more, err := n.log.Entries(groupID, state.Compacted.Index+wire.Index(len(entries))+1, state.Last, recoveredBytes)
		if err != nil {
			n.disk.calm(false)
			return err
		}
		entries = append(entries, more...)
	}
	n.disk.calm(false)
	n.w.found = entries
	n.w.check.Recovers(n.id, state.HardState, state.Compacted, entries)
	return nil
}

// begins lets the checker see how far the library thinks the node has come.
func (n *node) begins() {
	s := n.group.Status()
	n.observe()
	v := n.view
	v.Applied = s.AppliedIndex
	n.saw(v)
	if s.StateLost {
		n.w.say(n.id, "has lost its state")
	}
	n.w.check.Begins(n.id, v, s.StateLost, n.disk.isHealthy() && !n.disk.snapshotsHarmed)
}

// startFailed deals with a process that could not start.
func (n *node) startFailed(err error) {
	w := n.w
	w.say(n.id, "cannot start: %v", err)
	dead := n.disk.dead
	if dead {
		w.fault(n.disk.crashKind)
	}
	n.end()
	if n.disk.ended(err) {
		n.lost = true
		w.broken++
		return
	}
	if !dead && n.disk.isHealthy() {
		w.check.Report(&safety.Violation{Invariant: livenessL1, Detail: fmt.Sprintf("node %d cannot start on a healthy disk: %v", n.id, err)})
	}
	n.startSoon()
}

// startSoon schedules a start.
func (n *node) startSoon() {
	if n.restarting || n.lost {
		return
	}
	n.restarting = true
	delay := logDuration(n.w.injecting, time.Millisecond, 5*n.w.plan.electionTimeout)
	if n.w.healing {
		delay = time.Millisecond
	}
	n.w.after(delay, n.start)
}

// crash ends the process. If the power fails, the disk is left with what it may hold.
func (n *node) crash(kind Fault, power bool) {
	if !n.up {
		return
	}
	n.w.fault(kind)
	n.w.say(n.id, "%v", kind)
	n.down(power)
	n.startSoon()
}

// down ends the process.
func (n *node) down(power bool) {
	if power {
		n.disk.cutPower()
	}
	n.disk.dead = true
	n.end()
	n.disk.ended(nil)
	n.w.net.hungUp(n.id)
	n.w.work.abandoned(n)
}

// end lets go of what the process had.
func (n *node) end() {
	if n.log == nil {
		return
	}
	if err := n.log.Close(); err != nil {
		n.w.say(n.id, "the log ends with %v", err) // Its files are dead; only the lock matters.
	}
	if n.snapshots != nil {
		if err := n.snapshots.dir.Close(); err != nil {
			n.w.say(n.id, "the snapshots end with %v", err)
		}
	}
	n.count()
	n.up, n.paused = false, false
	n.resume()
	n.log, n.snapshots, n.raft, n.group, n.core, n.driver, n.stages = nil, nil, nil, nil, nil, nil, nil
	n.view = safety.View{}
}

// observe lets the checker see the node after a turn of its loop. What is applied it has
// seen before, when the applier did that.
func (n *node) observe() {
	n.brief = n.core.Brief()
	s := &n.brief
	if s.Role == core.Leader {
		n.w.check.Uses(n.id, n.core.Membership())
	}
	n.watchChange()
	n.saw(safety.View{
		Leads: s.Role == core.Leader, Term: s.HardState.Term,
		Last: s.Last, Durable: s.Durable, Commit: s.Commit, Applied: n.view.Applied,
	})
}

// observeApplied does so after a step of the applier.
func (n *node) observeApplied() {
	v := n.view
	v.Applied = n.group.Status().AppliedIndex
	n.saw(v)
}

func (n *node) saw(v safety.View) {
	if v == n.view {
		return
	}
	if n.w.out != nil && (v.Leads != n.view.Leads || v.Term != n.view.Term) {
		n.w.say(n.id, "%v in term %d, last %d, durable %d, commit %d", n.brief.Role, v.Term, v.Last, v.Durable, v.Commit)
	}
	n.view = v
	n.w.hash = n.w.hash*0x100000001b3 ^ uint64(v.Term)<<32 ^ uint64(v.Commit)<<16 ^ uint64(v.Last)
	n.w.check.Looks(n.id, v)
}

// settle deals with what a step did to the process: the power failed, or it gave up.
func (n *node) settle() {
	switch {
	case n.disk.dead:
		kind := n.disk.crashKind
		n.w.fault(kind)
		n.w.say(n.id, "%v, at operation %d of its disk", kind, n.disk.fs.Ops())
		n.down(true)
		n.startSoon()
	case n.group.Err() != nil:
		n.w.say(n.id, "gives up: %v", n.group.Err())
		n.failed()
	}
}

// failed ends a process that gave up, which only a disk that fails is a reason for.
func (n *node) failed() {
	if n.disk.isHealthy() {
		n.w.check.Report(&safety.Violation{Invariant: "I26 error discipline", Detail: fmt.Sprintf("node %d gives up: %v", n.id, n.group.Err())})
	}
	n.down(n.w.storing.IntN(2) == 0)
	n.startSoon()
}

// logger writes what the node logs into the transcript, without the time of day.
func (n *node) logger() *slog.Logger {
	if n.w.out == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(lineWriter{n}, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == "node" || a.Key == "group") {
				return slog.Attr{}
			}
			return a
		},
	}))
}

type lineWriter struct{ n *node }

func (l lineWriter) Write(line []byte) (int, error) {
	l.n.w.say(l.n.id, "%s", strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}
