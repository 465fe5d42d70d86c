// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/snapdir"
	"github.com/balsa-raft/raft/wal"
)

// build makes the new folder, whole and durable. What an earlier attempt has left is removed first.
// The audit record comes last: a folder that ends with the record of its own incarnation is whole.
func (r *recovery) build() error {
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"make room", r.makeRoom},
		{"copy the snapshots", r.copySnapshots},
		{"copy the state", r.copyState},
		{"copy the log", r.copyLog},
		{"write the audit record", r.writeRecord},
	} {
		if err := r.step(s.name); err != nil {
			return err
		}
		if err := s.do(); err != nil {
			return fmt.Errorf("offline: recover: %s: %w", s.name, err)
		}
	}
	return nil
}

func (r *recovery) makeRoom() error {
	if err := os.RemoveAll(r.unfinished); err != nil {
		return err
	}
	return os.Mkdir(r.unfinished, folderMode)
}

// copySnapshots writes the whole snapshots anew, with everything verified on the way.
func (r *recovery) copySnapshots() (err error) {
	if r.folder.Snapshots == nil {
		return nil
	}
	to, err := snapdir.Open(filepath.Join(r.unfinished, snapshotsFolder), snapdir.Options{
		Cluster: r.cluster, Node: raft.NodeID(r.report.Node), Logger: r.Logger,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	list, err := r.folder.Snapshots.List(groupID)
	if err != nil {
		return err
	}
	for i := range list {
		err := copySnapshot(to, r.folder.Snapshots, &list[i])
		if errors.Is(err, snapdir.ErrDamaged) {
			err = to.Abandon(groupID) // The plan has found one that is whole.
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyPieceBytes is how much of a snapshot is copied at a time.
const copyPieceBytes = 1 << 20

func copySnapshot(to, from *snapdir.Store, meta *raft.SnapshotMeta) error {
	held, err := to.Begin(groupID, *meta)
	if err != nil {
		return err
	}
	buf := make([]byte, copyPieceBytes)
	for offset := held; offset < meta.Size; {
		n, err := from.ReadAt(groupID, meta.ID, buf, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return fmt.Errorf("snapshot %v: %w at byte %d", meta.ID, io.ErrUnexpectedEOF, offset)
		}
		if err := to.Write(groupID, meta.ID, offset, buf[:n]); err != nil {
			return err
		}
		offset += uint64(n)
	}
	return to.Publish(groupID, meta.ID, meta.Size, meta.Checksum)
}

func (r *recovery) copyState() error {
	if r.folder.State == nil {
		return nil
	}
	return copyFolder(filepath.Join(r.unfinished, stateFolder), filepath.Join(r.Dir, stateFolder))
}

// copyLog writes the log anew, entry by entry, and adds the forced one. The plan that counts is the one
// made of the copy, which must not differ.
func (r *recovery) copyLog() (err error) {
	to, err := wal.Open(wal.Options{
		Dir: r.unfinished, Cluster: r.cluster, Node: raft.NodeID(r.report.Node), SegmentBytes: r.SegmentBytes, Logger: r.Logger,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	for _, id := range r.folder.Log.Groups() {
		if err := raft.CopyLog(to, r.folder.Log, id); err != nil {
			return err
		}
	}
	target := r.folder.target(r.Members)
	target.Log = to
	plan, err := raft.ForceMembership(target)
	if err != nil {
		return err
	}
	if plan.Last != r.plan.Last || plan.Forced != r.plan.Forced {
		return fmt.Errorf("the copy of the log ends with %v, not with %v", plan.Last, r.plan.Last)
	}
	r.report.NewIncarnation = incarnation(to.Incarnation())
	return nil
}

func (r *recovery) writeRecord() error {
	done := r.report
	done.Done = true
	if err := writeAudit(r.unfinished, r.Dir, newRecord(r.Now, "recover", r.Args, done)); err != nil {
		return err
	}
	return syncFolder(r.unfinished)
}
