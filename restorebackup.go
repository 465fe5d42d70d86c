// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/balsa-raft/raft/wire"
)

// ErrNotEmpty is returned by RestoreBackup if the stores know the group already.
var ErrNotEmpty = errors.New("raft: the group is there already")

// RestoreTarget says where RestoreBackup is to put a group. All fields are required.
type RestoreTarget struct {
	// Group is the ID that the group gets.
	Group GroupID
	// Members are all those that the group will have, all of them voters.
	Members []Member
	// Log and Snapshots are the stores of one node, in use by nobody else.
	Log       LogStore
	Snapshots SnapshotStore

	_ struct{}
}

// RestoreBackup makes one node's part of a new group from a backup: its state and its
// place in the log, but other members. It is to be called for each of the members, with the
// same backup and the same members; all of them then hold the same snapshot and an
// empty log behind it, so that it needs no Initialize. The nodes should form
// a new cluster, with an ID of its own: nothing else keeps members of the old
// group, if any are left, apart from it.
//
// The whole backup is verified before the group is there. After an error the stores are
// as if nothing had been done.
func RestoreBackup(r io.Reader, target RestoreTarget) (SnapshotMeta, error) {
	membership := wire.NewMembership(target.Members...)
	if err := membership.Validate(); err != nil {
		return SnapshotMeta{}, fmt.Errorf("raft: restore backup: %w", err)
	}
	if err := target.checkEmpty(); err != nil {
		return SnapshotMeta{}, fmt.Errorf("raft: restore backup: %w", err)
	}
	backup, err := OpenBackup(r)
	if err != nil {
		return SnapshotMeta{}, err
	}
	meta := renew(backup.Meta(), membership)
	if err := target.store(&meta, backup); err != nil {
		_ = target.Snapshots.Abandon(target.Group) // It would be abandoned by the next one anyway.
		return SnapshotMeta{}, fmt.Errorf("raft: restore backup: %w", err)
	}
	// From here on the group is there: if the log is not written, StartGroup does it.
	update := wire.Update{Group: target.Group, HardState: wire.HardState{Term: meta.Last.Term}, Reset: meta.Last}
	if err := target.Log.Save([]wire.Update{update}); err != nil {
		return SnapshotMeta{}, fmt.Errorf("raft: restore backup: %w", err)
	}
	return meta, nil
}

// renew describes the state as a snapshot of the new group. It ends with an entry that the
// old group did not have, in a term of its own, as if that had changed the members: so the
// two histories cannot be taken for each other. It is the same for all members.
func renew(meta SnapshotMeta, membership Membership) SnapshotMeta {
	meta.Last = LogID{Term: meta.Last.Term + 1, Index: meta.Last.Index + 1}
	meta.Membership, meta.MembershipAt = membership, meta.Last.Index
	sum := crc32.Checksum(wire.AppendMembership(nil, &membership), castagnoli)
	meta.ID = max(meta.ID^SnapshotID(sum)<<16, 1)
	meta.Size, meta.Checksum = 0, 0
	return meta
}

func (t *RestoreTarget) checkEmpty() error {
	if t.Group == 0 || t.Log == nil || t.Snapshots == nil {
		return errors.New("a field of RestoreTarget is missing")
	}
	state, err := t.Log.Load(t.Group)
	if err != nil {
		return err
	}
	snapshots, err := t.Snapshots.List(t.Group)
	if err != nil {
		return err
	}
	if state.Last > 0 || !state.HardState.IsZero() || len(snapshots) > 0 {
		return ErrNotEmpty
	}
	return nil
}

// store copies the backup into the snapshot store, and publishes it if it is whole.
func (t *RestoreTarget) store(meta *SnapshotMeta, backup *BackupReader) error {
	if err := t.Snapshots.Abandon(t.Group); err != nil { // An interrupted attempt's.
		return err
	}
	if _, err := t.Snapshots.Begin(t.Group, *meta); err != nil {
		return err
	}
	buf := make([]byte, backupBlockBytes)
	for offset := uint64(0); ; {
		n, err := io.ReadFull(backup, buf)
		if n > 0 {
			if err := t.Snapshots.Write(t.Group, meta.ID, offset, buf[:n]); err != nil {
				return err
			}
			offset += uint64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	whole := backup.Meta()
	meta.Size, meta.Checksum = whole.Size, whole.Checksum
	return t.Snapshots.Publish(t.Group, meta.ID, meta.Size, meta.Checksum)
}
