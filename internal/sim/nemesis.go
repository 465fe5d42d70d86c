// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/balsa-raft/raft/internal/vfs"
)

// action is a kind of fault that somebody does now and then; the others happen by
// themselves, with some odds, wherever they can.
type action struct {
	fault Fault
	// every is how often it happens about, in election time-outs.
	every float64
	do    func(w *world)
}

// actions are all of them. Each ends by itself after a while.
var actions = []action{
	{DropBurst, 20, func(w *world) { l := w.anyLink(); l.lossy = true; w.later(func() { l.lossy = false }) }},
	{Clog, 20, func(w *world) { w.anyLink().clogged = w.now + w.duration() }},
	{CutNode, 20, (*world).cutNode},
	{CutLeader, 20, (*world).cutLeader},
	{CutHalves, 20, (*world).cutHalves},
	{CutOneWay, 20, (*world).cutOneWay},
	{CutMute, 30, func(w *world) { w.isolate(CutMute, w.anyNode().id, true, false) }},
	{CutDeaf, 30, func(w *world) { w.isolate(CutDeaf, w.anyNode().id, false, true) }},
	{CutPartial, 30, (*world).cutPartial},
	{CutRing, 40, (*world).cutRing},
	{CutBridge, 40, (*world).cutBridge},
	{CutLeaderLink, 20, (*world).cutLeaderLink},
	{Flap, 30, (*world).flap},
	{Break, 20, (*world).breakLink},
	{CrashPower, 20, func(w *world) { w.anyNode().crash(CrashPower, true) }},
	{CrashKill, 20, func(w *world) { w.anyNode().crash(CrashKill, false) }},
	{CrashLeader, 30, (*world).crashLeader},
	{CrashInSave, 15, (*world).crashInSave},
	{CrashAll, 60, func(w *world) { w.crashMany(CrashAll, w.plan.nodes) }},
	{CrashMajority, 40, func(w *world) { w.crashMany(CrashMajority, w.plan.nodes/2+1) }},
	{Pause, 20, func(w *world) { w.anyNode().pause(Pause) }},
	{PauseLeader, 30, (*world).pauseLeader},
	{Slow, 30, func(w *world) { w.anyNode().slowDown(Slow) }},
	{ShortWrite, 40, func(w *world) { w.anyNode().disk.fail(ShortWrite, vfs.OpWrite, false) }},
	{WriteError, 40, func(w *world) { w.anyNode().disk.fail(WriteError, vfs.OpWrite, false) }},
	{WriteErrorAll, 40, func(w *world) { w.anyNode().disk.fail(WriteErrorAll, vfs.OpChange, true) }},
	{SyncError, 40, func(w *world) { w.anyNode().disk.fail(SyncError, vfs.OpSync|vfs.OpSyncDir, false) }},
	{SyncErrorAll, 40, func(w *world) { w.anyNode().disk.fail(SyncErrorAll, vfs.OpSync|vfs.OpSyncDir, true) }},
	{Full, 40, func(w *world) { d := w.anyNode().disk; d.full = true; w.later(func() { d.full = false }) }},
	{NoFile, 40, func(w *world) { d := w.anyNode().disk; d.noFiles = true; w.later(func() { d.noFiles = false }) }},
	{ReadError, 20, func(w *world) { w.anyNode().disk.failReads(ReadError) }},
	{ReadFlip, 20, func(w *world) { w.anyNode().disk.failReads(ReadFlip) }},
	{ReadErrorOpen, 20, func(w *world) { w.anyNode().disk.openFails = 1 + w.injecting.IntN(30) }},
	{BitRot, 100, func(w *world) { w.rot(BitRot) }},
	{Misdirect, 100, func(w *world) { w.rot(Misdirect) }},
	{LostWrite, 100, func(w *world) { w.rot(LostWrite) }},
	{SlowDisk, 30, (*world).slowDisk},
	{StallDisk, 30, (*world).stallDisk},
	{Drift, 20, (*world).drift},
	{BurstTimer, 30, (*world).burstTimers},
	{Overload, 40, (*world).overload},
	{TooLarge, 20, (*world).tooLarge},
	{Starve, 30, (*world).starve},
	{SlowPeer, 30, (*world).slowPeer},
	{EmptyDisk, 40, (*world).emptyDisk},
	{StallApply, 30, (*world).stallApply},
	{LostFile, 60, func(w *world) { w.rot(LostFile) }},
	{Suspend, 30, (*world).suspend},
	{SnapshotError, 20, func(w *world) { w.anyNode().disk.fail(SnapshotError, vfs.OpChange, false) }},
	{RotSnapshot, 40, func(w *world) { w.rotSnapshot(RotSnapshot) }},
	{RotUnfinished, 20, func(w *world) { w.rotSnapshot(RotUnfinished) }},
	{LostSnapshot, 40, func(w *world) { w.rotSnapshot(LostSnapshot) }},
	{CutSnapshot, 40, func(w *world) { w.rotSnapshot(CutSnapshot) }},
	{StrandLeader, 60, (*world).strandLeader},
	{StrandNode, 60, func(w *world) { w.strand(StrandNode, w.anyNode()) }},
}

// unleash starts all the actions of the plan.
func (w *world) unleash() {
	w.unleashChanges()
	for i := range actions {
		if w.plan.faults.Has(actions[i].fault) {
			w.await(&actions[i])
		}
	}
}

func (w *world) await(a *action) {
	every := a.every / w.plan.intensity * float64(w.plan.electionTimeout)
	w.after(time.Duration(w.injecting.ExpFloat64()*every), func() {
		if w.healing {
			return
		}
		a.do(w)
		w.await(a)
	})
}

// duration draws how long something lasts.
func (w *world) duration() int64 {
	return int64(logDuration(w.injecting, w.plan.electionTimeout/20, 8*w.plan.electionTimeout))
}

// later schedules the end of what was begun.
func (w *world) later(end func()) { w.after(time.Duration(w.duration()), end) }

func (w *world) anyNode() *node { return w.nodes[w.injecting.IntN(len(w.nodes))] }

func (w *world) anyLink() *link {
	return w.net.link(w.anyNode().id, w.anyNode().id)
}
