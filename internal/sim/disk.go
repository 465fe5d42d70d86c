// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"strings"
	"syscall"

	"github.com/balsa-raft/raft/internal/vfs"
)

// disk is a node's disk: a file system in memory that forgets what was not synced when
// the power fails, and fails in the ways of disks.
type disk struct {
	n   *node
	mem *vfs.Mem
	fs  *vfs.FaultyFS // of the process that runs

	// dead says that the process does not reach the disk any more.
	dead bool
	// crashAt counts down the changes until the power fails, zero if it does not;
	// image is the disk as it is then.
	crashAt   int
	crashKind Fault
	image     *vfs.Mem

	// fails is how the next operations of some kinds fail, zero if they do not.
	fails     diskFailure
	readsFail Fault // ReadError or ReadFlip while reads do, faultCount if not
	openFails int   // so many reads of recoveries later one fails, zero if none does
	full      bool
	noFiles   bool
	slow      int64
	harmed    bool // something failed in this life, so that the process may give up
	opening   bool
	isCalm    bool // nothing fails, because it is the simulator that reads
	rotten    bool // it was damaged where it lies
	// snapshotsHarmed says that snapshots were damaged, lacksSnapshot that no good one was
	// written since.
	snapshotsHarmed, lacksSnapshot bool
	// writes are where the last writes to segments were, the oldest first. That one is
	// durable for sure, because the log syncs each before the next, or the one after.
	writes [4]place
}

// place is where a write begins.
type place struct {
	path   string
	offset int64
}

const (
	walDir        = "/wal"
	segmentSuffix = ".segment"
)

var (
	errPowerless = errors.New("sim: the process is gone")
	errInput     = syscall.EIO
	errNoSpace   = syscall.ENOSPC
	errNoFiles   = syscall.EMFILE
)

func newDisk(n *node) *disk {
	return &disk{n: n, mem: vfs.NewMem(), readsFail: faultCount, slow: 1}
}

// power makes the disk the one of a new process.
func (d *disk) power() {
	life := d.n.life
	d.dead, d.harmed, d.crashAt, d.opening = false, false, 0, true
	d.fs = vfs.Faulty(d.mem, func(op vfs.Op) vfs.Fault {
		if life != d.n.life {
			return vfs.Fault{Err: errPowerless}
		}
		return d.decide(op)
	})
}

// opened is told that the log is open.
func (d *disk) opened() {
	d.opening = false
	if d.crashKind == CrashInOpen {
		d.crashAt = 0
	}
}

func (d *disk) calm(on bool) { d.isCalm = on }

// isHealthy reports whether nothing failed in this life, and nothing will.
func (d *disk) isHealthy() bool { return !d.harmed && !d.rotten }

// decide says how an operation goes wrong.
func (d *disk) decide(op vfs.Op) vfs.Fault {
	if d.dead {
		return vfs.Fault{Err: errPowerless}
	}
	if d.crashAt > 0 && op.Kind&vfs.OpChange != 0 && (d.crashKind != CrashInSnapshot || strings.HasPrefix(op.Path, snapshotDir)) {
		if d.crashAt--; d.crashAt == 0 {
			d.cutPower()
			return vfs.Fault{Err: errPowerless}
		}
	}
	if d.isCalm || d.n.w.healing {
		d.noteWrite(op)
		return vfs.Fault{}
	}
	fault := d.failure(op)
	if fault.Err != nil || fault.FlipBit != 0 {
		d.harmed = true
	}
	if fault.Err == nil {
		d.noteWrite(op)
	}
	return fault
}

func (d *disk) noteWrite(op vfs.Op) {
	if op.Kind == vfs.OpWrite && strings.HasSuffix(op.Path, segmentSuffix) {
		copy(d.writes[:], d.writes[1:])
		d.writes[len(d.writes)-1] = place{op.Path, op.Offset}
	}
}
