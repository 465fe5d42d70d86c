// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/snapdir"
	"github.com/balsa-raft/raft/wal"
)

// Restore makes a node's folder of a backup: that of a member of a new cluster with the given
// members. Only ID, Dir, Cluster, SegmentBytes and Logger of the configuration are used. The
// folder must not hold a group; after an error it is as if it did not.
func Restore(cfg Config, members []raft.Member, backup io.Reader) (meta raft.SnapshotMeta, err error) {
	log, err := wal.Open(wal.Options{Dir: cfg.Dir, Cluster: cfg.Cluster, Node: cfg.ID, SegmentBytes: cfg.SegmentBytes, Logger: cfg.Logger})
	if err != nil {
		return meta, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	kept, err := snapdir.Open(filepath.Join(cfg.Dir, snapshotsFolder), snapdir.Options{Cluster: cfg.Cluster, Node: cfg.ID, Logger: cfg.Logger})
	if err != nil {
		return meta, err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	meta, err = raft.RestoreBackup(backup, raft.RestoreTarget{Group: groupID, Members: members, Log: log, Snapshots: kept})
	if err != nil {
		return meta, fmt.Errorf("folder %s: %w", cfg.Dir, err)
	}
	return meta, nil
}
