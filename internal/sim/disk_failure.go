// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"strings"

	"github.com/balsa-raft/raft/internal/vfs"
)

// diskFailure is how operations fail: those of some kinds, once or for ever.
type diskFailure struct {
	fault Fault
	kinds vfs.OpKind
	ever  bool
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
