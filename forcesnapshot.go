// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// findSnapshot finds the newest snapshot that reaches the log and is whole.
func (f *forcing) findSnapshot() error {
	if f.target.Snapshots == nil {
		return nil
	}
	list, err := f.target.Snapshots.List(f.target.Group)
	if err != nil {
		return err
	}
	for _, meta := range list {
		if meta.Last.Index < f.state.Compacted.Index {
			continue
		}
		isWhole, err := f.isWhole(&meta)
		if err != nil {
			return fmt.Errorf("snapshot %v cannot be read: %w", meta.ID, err)
		}
		if isWhole {
			f.plan.Snapshot = meta
			return nil
		}
		f.plan.Damaged++
	}
	return nil
}

// isWhole reads a snapshot. The error is another one than damage: the next time it may be read.
func (f *forcing) isWhole(meta *SnapshotMeta) (bool, error) {
	if meta.External {
		return true, nil // The state machine has what it stands for.
	}
	store, group := f.target.Snapshots, f.target.Group
	size, sum, err := sumSnapshot(store, group, meta.ID)
	if err == nil {
		return size == meta.Size && sum == meta.Checksum, nil
	}
	list, listErr := store.List(group)
	if listErr != nil || slices.ContainsFunc(list, func(m SnapshotMeta) bool { return m.ID == meta.ID }) {
		return false, errors.Join(err, listErr) // What is damaged is not listed any more.
	}
	return false, nil
}

// sumSnapshot reads a snapshot to its end.
func sumSnapshot(store SnapshotStore, group GroupID, id SnapshotID) (size uint64, sum uint32, err error) {
	for buf := make([]byte, backupBlockBytes); ; {
		n, err := store.ReadAt(group, id, buf, size)
		size, sum = size+uint64(n), crc32.Update(sum, castagnoli, buf[:n])
		switch {
		case errors.Is(err, io.EOF):
			return size, sum, nil
		case err == nil && n == 0:
			err = io.ErrNoProgress
		}
		if err != nil {
			return size, sum, err
		}
	}
}
