// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"syscall"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wal"
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

// diskFailure is how operations fail: those of some kinds, once or for ever.
type diskFailure struct {
	fault Fault
	kinds vfs.OpKind
	ever  bool
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

func (d *disk) failure(op vfs.Op) vfs.Fault {
	w := d.n.w
	switch {
	case d.fails.kinds&op.Kind != 0 && (d.fails.fault != SnapshotError || strings.HasPrefix(op.Path, snapshotDir)):
		return d.failOnce(op)
	case d.full && (op.Kind == vfs.OpCreate || op.Kind == vfs.OpWrite && strings.HasSuffix(op.Path, ".tmp")):
		w.fault(Full)
		return vfs.Fault{Err: errNoSpace, ShortBytes: op.Bytes / 2}
	case d.noFiles && op.Kind&(vfs.OpCreate|vfs.OpOpen) != 0:
		w.fault(NoFile)
		return vfs.Fault{Err: errNoFiles}
	case op.Kind == vfs.OpRead && d.opening && d.openFails > 0:
		if d.openFails--; d.openFails > 0 {
			return vfs.Fault{}
		}
		w.fault(ReadErrorOpen)
		return vfs.Fault{Err: errInput}
	case op.Kind == vfs.OpRead && !d.opening && d.readsFail != faultCount:
		return d.failRead(op)
	}
	return vfs.Fault{}
}

func (d *disk) failOnce(op vfs.Op) vfs.Fault {
	f := d.fails
	d.n.w.fault(f.fault)
	if !f.ever {
		d.fails = diskFailure{}
	}
	fault := vfs.Fault{Err: errInput, LoseUnsynced: f.fault == SyncError || f.fault == SyncErrorAll}
	if f.fault == ShortWrite {
		fault.ShortBytes = d.n.w.storing.IntN(op.Bytes + 1)
	}
	return fault
}

// failRead fails a read of entries, or flips a bit in what it returns.
func (d *disk) failRead(op vfs.Op) vfs.Fault {
	w := d.n.w
	if w.storing.IntN(2) == 0 || op.Bytes == 0 {
		return vfs.Fault{}
	}
	if d.readsFail == ReadFlip && strings.HasSuffix(op.Path, publishedSuffix) {
		if !w.isSpare(d.n) {
			return vfs.Fault{} // It would be the end of the snapshot, and maybe of too many.
		}
		d.snapshotsHarmed, d.lacksSnapshot = true, true
	}
	w.fault(d.readsFail)
	if d.readsFail == ReadFlip {
		return vfs.Fault{FlipBit: 1 + w.storing.IntN(8*op.Bytes)}
	}
	return vfs.Fault{Err: errInput}
}

// cutPower fixes what the disk holds after a power loss at this moment.
func (d *disk) cutPower() {
	if d.dead {
		return
	}
	d.image = d.mem.CrashClone(d.survival())
	d.dead = true
}

// survival draws how a crash treats what was not synced.
func (d *disk) survival() func(vfs.Unsynced) vfs.Survival {
	w := d.n.w
	var modes []func(vfs.Unsynced) vfs.Survival
	if w.has(LoseUnsynced) {
		modes = append(modes, counted(w, LoseUnsynced, vfs.LoseAll))
	}
	if w.has(TearSector) {
		modes = append(modes, counted(w, TearSector, vfs.Random(w.storing)))
	}
	if w.has(KeepSome) {
		modes = append(modes, counted(w, KeepSome, keepSome(w.storing)))
	}
	if len(modes) == 0 {
		return vfs.KeepAll
	}
	return modes[w.storing.IntN(len(modes))]
}

// counted counts a fault if the crash has anything to decide on.
func counted(w *world, f Fault, decide func(vfs.Unsynced) vfs.Survival) func(vfs.Unsynced) vfs.Survival {
	first := true
	return func(u vfs.Unsynced) vfs.Survival {
		if first {
			w.fault(f)
			first = false
		}
		return decide(u)
	}
}

// keepSome keeps each change, in any of its versions, or does not.
func keepSome(r *rand.Rand) func(vfs.Unsynced) vfs.Survival {
	return func(u vfs.Unsynced) vfs.Survival { return vfs.Survival(r.IntN(u.Versions + 1)) }
}

// ended makes the disk ready for the next process, err being why the last one could
// not open its log. It reports whether the disk is of no more use, because the log says
// that it is damaged.
func (d *disk) ended(err error) (lost bool) {
	if d.image != nil {
		d.mem, d.image = d.image, nil
	}
	d.fails, d.crashAt = diskFailure{}, 0 // Whatever was broken in the machine is replaced.
	return errors.Is(err, wal.ErrCorrupt)
}

// segments returns the paths of the log's segments.
func (d *disk) segments() []string {
	names, err := d.mem.ReadDir(walDir)
	if err != nil {
		return nil
	}
	var paths []string
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix) {
			paths = append(paths, path.Join(walDir, name))
		}
	}
	return paths
}

// damage changes bytes of a file of a node that is down, but none of the last writes and
// what is behind them: there, the log cannot tell damage from a torn write, and a member
// that loses the end of its log in this way is beyond what can be promised.
func (d *disk) damage(f Fault) bool {
	paths, proven := d.segments(), d.writes[0]
	if len(paths) == 0 || proven.path == "" {
		return false
	}
	w := d.n.w
	chosen := paths[w.storing.IntN(len(paths))]
	file, err := d.mem.Open(chosen)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // In memory, this cannot matter.
	size, _ := file.Size()
	switch {
	case chosen > proven.path:
		return false
	case chosen == proven.path:
		size = min(size, proven.offset)
	}
	if size < 2*vfs.SectorBytes {
		return false
	}
	if f == LostFile && (chosen == proven.path || !d.remove(chosen)) || f != LostFile && !d.overwrite(file, f, size) {
		return false
	}
	d.rotten = true
	w.fault(f)
	w.say(d.n.id, "%v in %s", f, chosen)
	return true
}

func (d *disk) remove(path string) bool {
	return errors.Join(d.mem.Remove(path), d.mem.SyncDir(walDir)) == nil
}

// overwrite damages a file below an offset, and reports whether that changed anything.
func (d *disk) overwrite(file vfs.File, f Fault, below int64) bool {
	r := d.n.w.storing
	sectors := below / vfs.SectorBytes
	at := r.Int64N(sectors) * vfs.SectorBytes
	old, data := make([]byte, vfs.SectorBytes), make([]byte, vfs.SectorBytes)
	_, _ = file.ReadAt(old, at) // A sector below the end is there.
	switch f {
	case BitRot:
		copy(data, old)
		data[r.IntN(len(data))] ^= 1 << r.IntN(8)
	case Misdirect:
		_, _ = file.ReadAt(data, r.Int64N(sectors)*vfs.SectorBytes)
	}
	if string(old) == string(data) {
		return false
	}
	_, err := file.WriteAt(data, at)
	return errors.Join(err, file.Sync()) == nil
}
