// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"math/rand/v2"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wal"
)

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
