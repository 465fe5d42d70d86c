// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
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
	{Slow, 30, (*world).slowNode},
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

// cutLinks cuts the links that a function chooses, and mends them later.
func (w *world) cutLinks(f Fault, chosen func(from, to wire.NodeID) bool) {
	var cut [][2]wire.NodeID
	for _, from := range w.nodes {
		for _, to := range w.nodes {
			if from != to && chosen(from.id, to.id) {
				w.net.cut(from.id, to.id, true)
				cut = append(cut, [2]wire.NodeID{from.id, to.id})
			}
		}
	}
	if len(cut) == 0 {
		return
	}
	w.fault(f)
	w.say(0, "%v: %v", f, cut)
	w.later(func() {
		for _, ends := range cut {
			w.net.cut(ends[0], ends[1], false)
		}
	})
}

// isolate keeps a node from being heard, from hearing, or both.
func (w *world) isolate(f Fault, id wire.NodeID, mute, deaf bool) {
	w.cutLinks(f, func(from, to wire.NodeID) bool { return mute && from == id || deaf && to == id })
}

func (w *world) cutNode() { w.isolate(CutNode, w.anyNode().id, true, true) }

func (w *world) cutLeader() {
	if leader := w.leader(); leader != nil {
		w.isolate(CutLeader, leader.id, true, true)
	}
}

func (w *world) cutHalves() {
	side := w.injecting.IntN(1 << w.plan.nodes)
	w.cutLinks(CutHalves, func(from, to wire.NodeID) bool { return side>>(from-1)&1 != side>>(to-1)&1 })
}

func (w *world) cutOneWay() {
	a, b := w.anyNode().id, w.anyNode().id
	w.cutLinks(CutOneWay, func(from, to wire.NodeID) bool { return from == a && to == b })
}

func (w *world) cutPartial() {
	var cut [nodesMax + 1][nodesMax + 1]bool
	for from := range cut {
		for to := range cut[from] {
			cut[from][to] = w.injecting.IntN(2) == 0
		}
	}
	w.cutLinks(CutPartial, func(from, to wire.NodeID) bool { return cut[min(from, to)][max(from, to)] })
}

func (w *world) cutRing() {
	n := wire.NodeID(w.plan.nodes)
	w.cutLinks(CutRing, func(from, to wire.NodeID) bool { return (from-1+1)%n != to-1 && (to-1+1)%n != from-1 })
}

func (w *world) cutBridge() {
	bridge, side := w.anyNode().id, w.injecting.IntN(1<<w.plan.nodes)
	w.cutLinks(CutBridge, func(from, to wire.NodeID) bool {
		return from != bridge && to != bridge && side>>(from-1)&1 != side>>(to-1)&1
	})
}

func (w *world) cutLeaderLink() {
	if leader := w.leader(); leader != nil {
		other := w.anyNode().id
		w.cutLinks(CutLeaderLink, func(from, to wire.NodeID) bool {
			return from == leader.id && to == other || from == other && to == leader.id
		})
	}
}

// flap cuts and mends a node's links several times, each for a moment.
func (w *world) flap() {
	id, end := w.anyNode().id, w.now+w.duration()
	var toggle func(cut bool)
	toggle = func(cut bool) {
		if w.healing {
			return
		}
		for _, n := range w.nodes {
			w.net.cut(id, n.id, cut)
			w.net.cut(n.id, id, cut)
		}
		if w.now < end || cut {
			w.fault(Flap)
			w.after(logDuration(w.injecting, w.plan.electionTimeout/50, w.plan.electionTimeout), func() { toggle(!cut) })
		}
	}
	toggle(true)
}

func (w *world) breakLink() {
	a, b := w.anyNode().id, w.anyNode().id
	if a != b {
		w.fault(Break)
		w.net.breaks(a, b)
		w.net.breaks(b, a)
	}
}

func (w *world) crashLeader() {
	if leader := w.leader(); leader != nil {
		leader.crash(CrashLeader, true)
	}
}

// crashInSave makes the power fail at one of the next operations of a disk.
func (w *world) crashInSave() {
	n := w.anyNode()
	if n.up {
		n.disk.crashAt = 1 + w.injecting.IntN(8)
		n.disk.crashKind = CrashInSave
	}
}

func (w *world) crashMany(f Fault, count int) {
	for _, i := range w.injecting.Perm(len(w.nodes))[:count] {
		w.nodes[i].crash(f, true)
	}
}

func (n *node) pause(f Fault) {
	if !n.isUp() {
		return
	}
	w, life := n.w, n.life
	w.fault(f)
	w.say(n.id, "%v", f)
	n.paused = true
	w.later(func() {
		if n.life == life {
			n.goOn()
		}
	})
}

// goOn ends a pause.
func (n *node) goOn() {
	if n.up && n.paused {
		n.paused = false
		n.resume()
		n.w.say(n.id, "goes on")
		n.again()
	}
}

func (w *world) pauseLeader() {
	if leader := w.leader(); leader != nil {
		leader.pause(PauseLeader)
	}
}

func (w *world) slowNode() {
	n := w.anyNode()
	w.fault(Slow)
	n.slow = 1 << (3 + w.injecting.IntN(7))
	w.later(func() { n.slow = 1 })
}

func (w *world) slowDisk() {
	d := w.anyNode().disk
	w.fault(SlowDisk)
	d.slow = 1 << (2 + w.injecting.IntN(5))
	w.later(func() { d.slow = 1 })
}

// stallDisk makes the disk hang, now and then for longer than a leader may.
func (w *world) stallDisk() {
	n := w.anyNode()
	w.fault(StallDisk)
	n.stalledUntil = w.now + w.duration() + w.injecting.Int64N(2)*int64(w.plan.writeStall)
	w.say(n.id, "%v until %.3f", StallDisk, float64(n.stalledUntil)/1e9)
}

// fail makes the next operation of some kinds fail, or all from then on.
func (d *disk) fail(f Fault, kinds vfs.OpKind, ever bool) {
	if d.n.up {
		d.fails = diskFailure{fault: f, kinds: kinds, ever: ever}
	}
}

func (d *disk) failReads(f Fault) {
	d.readsFail = f
	d.n.w.later(func() { d.readsFail = faultCount })
}

// rot damages the disk of a node, which is down for that. The atlas: at most a minority
// of disks is ever damaged, so that a good copy of everything is left on a quorum.
func (w *world) rot(f Fault) {
	n := w.anyNode()
	if n.lost || w.check.Membership() == nil || !w.isSpare(n) {
		return
	}
	if n.up {
		n.down(w.injecting.IntN(2) == 0)
	}
	n.disk.damage(f)
	n.startSoon()
}

// empty replaces the disk of a node that is down.
func (n *node) empty() {
	n.disk.mem, n.disk.writes = vfs.NewMem(), [4]place{}
	n.disk.snapshotsHarmed, n.disk.lacksSnapshot = false, false
	n.emptied++
	n.w.check.Empties(n.id)
}

// drift makes a clock run faster or slower, by up to a fifth.
func (w *world) drift() {
	n := w.anyNode()
	if n.suspended {
		return
	}
	w.fault(Drift)
	n.setRate(w.now, w.injecting.Int64N(400_000)-200_000)
	if n.isUp() {
		n.retime()
	}
}

// again lets the stages that were due take their steps after all, now that what kept them
// from that has ended.
func (n *node) again() {
	for _, s := range n.stages {
		if s.due {
			s.due = false
			s.poke()
		}
	}
	n.retime()
}

func (w *world) burstTimers() {
	n := w.anyNode()
	n.beat = int64(logDuration(w.injecting, w.plan.electionTimeout/50, w.plan.electionTimeout))
	w.later(func() { n.beat = 0 })
}

// starve lets a link carry so little that ten usual heartbeats take an election time-out,
// or up to a hundred times as much.
func (w *world) starve() {
	l := w.anyLink()
	w.fault(Starve)
	l.perByte = int64(logDuration(w.injecting, w.plan.electionTimeout/50_000, w.plan.electionTimeout/500))
	w.later(func() { l.perByte = 0 })
}

func (w *world) slowPeer() {
	n := w.anyNode()
	w.fault(SlowPeer)
	n.far = 2 << w.injecting.IntN(6)
	w.later(func() { n.far = 1 })
}

func (w *world) stallApply() {
	n := w.anyNode()
	w.fault(StallApply)
	n.applyStalledUntil = w.now + w.duration()
}

// suspend stops a machine, and its clock with it.
func (w *world) suspend() {
	n := w.anyNode()
	if n.isUp() {
		n.setRate(w.now, -million)
		n.suspended = true
		n.pause(Suspend)
	}
}

// resume lets the clock go on after a suspension, from where it stood.
func (n *node) resume() {
	if n.suspended {
		n.suspended = false
		n.setRate(n.w.now, 0)
	}
}

// overload proposes many commands at once.
func (w *world) overload() {
	n := w.anyNode()
	if !n.up {
		return
	}
	w.fault(Overload)
	for range 50 + w.injecting.IntN(200) {
		w.work.propose(n, opBytes+w.injecting.IntN(w.plan.commandBytes-opBytes+1))
	}
}

func (w *world) tooLarge() {
	if n := w.anyNode(); n.up {
		w.fault(TooLarge)
		w.work.propose(n, w.plan.commandMax+1+w.injecting.IntN(100))
	}
}
