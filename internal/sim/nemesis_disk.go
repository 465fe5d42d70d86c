// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/balsa-raft/raft/internal/vfs"

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
