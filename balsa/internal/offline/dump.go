// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/wire"
)

// dumpReadBytes is how much of the log is applied at once.
const dumpReadBytes = 1 << 20

// Dumped says what state was dumped.
type Dumped struct {
	// Through is the last entry that was applied, and Committed up to where it is known in the folder
	// that the group had committed: what is behind it may never have been acknowledged.
	Through, Committed raft.Index
}

// WriteDump writes the keys in the folder of a node that does not run, as kv.Machine.WriteDump does:
// the state with the log applied to it, as a recovered node would have it; or, if certainly is set,
// only with those entries of which the folder tells that they were committed. The state is held in memory.
func WriteDump(dir string, certainly bool, out io.Writer) (d Dumped, err error) {
	f, err := Open(dir, discard)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	state, err := f.Log.Load(groupID)
	if err != nil {
		return d, err
	}
	machine := kv.NewMachine()
	from, err := f.restore(machine, state.Compacted.Index)
	if err != nil {
		return d, err
	}
	plan, err := raft.PlanForce(f.target([]raft.Member{{ID: f.Log.Identity().Node}}))
	if err != nil {
		return d, err
	}
	d = Dumped{Through: max(from, plan.Last.Index), Committed: max(from, plan.Committed)}
	if certainly {
		d.Through = d.Committed
	}
	if err := f.apply(machine, from+1, d.Through); err != nil {
		return d, err
	}
	return d, machine.WriteDump(out)
}

// restore restores the newest state that there is, and returns up to where the log is in it.
func (f *Folder) restore(machine *kv.Machine, compacted raft.Index) (raft.Index, error) {
	problem, err := f.stateProblem()
	if err == nil && problem != "" {
		err = fmt.Errorf("%w: %s", raft.ErrForceStateLost, problem)
	}
	if err != nil {
		return 0, err
	}
	has, err := f.hasState()
	if err != nil {
		return 0, err
	}
	if has {
		return f.restoreState(machine, compacted)
	}
	var list []raft.SnapshotMeta
	if f.Snapshots != nil {
		list, err = f.Snapshots.List(groupID)
	}
	if err != nil {
		return 0, err
	}
	for _, meta := range list {
		if meta.External || meta.Last.Index < compacted {
			continue
		}
		fresh := &snapshotReader{store: f.Snapshots, meta: &meta}
		if _, err := io.Copy(io.Discard, fresh); err != nil {
			continue // It is damaged; verify says how.
		}
		return meta.Last.Index, machine.Restore(&snapshotReader{store: f.Snapshots, meta: &meta})
	}
	if compacted > 0 {
		return 0, fmt.Errorf("%w: the log begins behind entry %d", raft.ErrForceStateLost, compacted)
	}
	return 0, nil
}

// restoreState restores that of the disk engine. Behind its last command there may be entries that are none.
func (f *Folder) restoreState(machine *kv.Machine, compacted raft.Index) (raft.Index, error) {
	newest, err := f.newestSnapshot()
	if err != nil {
		return 0, err
	}
	applied := f.State.Applied().Index
	if applied < compacted && newest.Last.Index < compacted {
		return 0, fmt.Errorf("%w: the state ends with command %d, and the log begins behind entry %d", raft.ErrForceStateLost, applied, compacted)
	}
	reader := f.State.Snapshot()
	return max(applied, compacted), errors.Join(machine.Restore(reader), reader.Close())
}

// apply applies the commands of the log from one entry to another.
func (f *Folder) apply(machine *kv.Machine, from, to raft.Index) error {
	for from <= to {
		entries, err := f.Log.Entries(groupID, from, to, dumpReadBytes)
		if err != nil {
			return err
		}
		from += raft.Index(len(entries))
		var commands []raft.Entry
		for _, e := range entries {
			if e.Kind == wire.EntryCommand {
				commands = append(commands, e)
			}
		}
		machine.Apply(commands)
		if err := machine.Err(); err != nil {
			return err
		}
	}
	return nil
}

// snapshotReader reads a snapshot from its beginning.
type snapshotReader struct {
	store  raft.SnapshotStore
	meta   *raft.SnapshotMeta
	offset uint64
}

// Read reads on.
func (r *snapshotReader) Read(p []byte) (int, error) {
	n, err := r.store.ReadAt(groupID, r.meta.ID, p, r.offset)
	r.offset += uint64(n)
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return n, err
}
