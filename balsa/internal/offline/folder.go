// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/lsm"
	"github.com/balsa-raft/raft/snapdir"
	"github.com/balsa-raft/raft/wal"
)

// groupID is the one group that a node has, and the names are where in its folder the parts are,
// which are package node's; the tests read what that has written.
const (
	groupID         raft.GroupID = 1
	snapshotsFolder              = "snapshots"
	stateFolder                  = "state"
)

// ErrNoNode means that a folder is not a node's.
var ErrNoNode = errors.New("offline: no node's folder")

// Folder is a node's folder, locked, and not changed. It is for one goroutine.
type Folder struct {
	Dir string
	Log *wal.Log
	// Snapshots is nil if the folder has never had any.
	Snapshots *snapdir.Store
	// State is that of the disk engine, nil if the folder is of the memory engine.
	State *lsm.View
}

// Open opens the folder of a node that does not run. The error wraps wal.ErrLocked if it does,
// ErrNoNode if it is no node's folder, and wal.ErrCorrupt if the log is damaged.
func Open(dir string, logger *slog.Logger) (f *Folder, err error) {
	f = &Folder{Dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
			f = nil
		}
	}()
	f.Log, err = wal.Open(wal.Options{Dir: dir, ReadOnly: true, Logger: logger})
	if errors.Is(err, wal.ErrNoLog) {
		return f, fmt.Errorf("%w: %w", ErrNoNode, err)
	}
	if err != nil {
		return f, err
	}
	f.Snapshots, err = snapdir.Open(filepath.Join(dir, snapshotsFolder), snapdir.Options{ReadOnly: true, Logger: logger})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err != nil {
		f.Snapshots = nil
	}
	f.State, err = openState(dir, logger)
	return f, err
}

// openState opens the state of the disk engine, nil if there is none.
func openState(dir string, logger *slog.Logger) (*lsm.View, error) {
	fatal := func(message string) { logger.Error("offline: the state cannot be read", "why", message) }
	v, err := lsm.OpenView(filepath.Join(dir, stateFolder), lsm.Options{Logger: logger, Fatal: fatal})
	if errors.Is(err, lsm.ErrNoState) {
		return nil, nil
	}
	return v, err
}

// Close gives the folder back.
func (f *Folder) Close() error {
	var errs []error
	if f.State != nil {
		errs = append(errs, f.State.Close())
	}
	if f.Snapshots != nil {
		errs = append(errs, f.Snapshots.Close())
	}
	if f.Log != nil {
		errs = append(errs, f.Log.Close())
	}
	return errors.Join(errs...)
}

// target is the folder's group with other members.
func (f *Folder) target(members []raft.Member) raft.ForceTarget {
	t := raft.ForceTarget{Group: groupID, Node: f.Log.Identity().Node, Members: members, Log: f.Log}
	if f.Snapshots != nil {
		t.Snapshots = f.Snapshots
	}
	if f.State != nil {
		t.Applied = f.State.Applied().Index
	}
	return t
}
