// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/balsa-raft/raft/internal/vfs"
)

// Open opens the log in a folder, or makes one in a folder that has none. It verifies
// everything that the log holds, and returns an error that wraps ErrCorrupt, and
// changes nothing, unless all is there that was ever saved. A Save that was going
// on when the power failed may be there, or not, or, from its start, in part.
// The other errors are ErrLocked, ErrWrongCluster, ErrWrongNode, ErrVersion and
// those of the file system.
func Open(options Options) (*Log, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	if err := prepareFolder(&options); err != nil {
		return nil, err
	}
	lock, err := options.FS.Lock(filepath.Join(options.Dir, lockName))
	if err != nil {
		return nil, lockError(options.Dir, err)
	}
	l := &Log{options: options, fs: options.FS, lock: lock, index: newIndex()}
	l.spares, l.prover = newSpares(l), newProver(l)
	if err := l.start(); err != nil {
		return nil, errors.Join(err, l.closeFiles())
	}
	return l, nil
}

// prepareFolder makes sure that there is a folder to be locked.
func prepareFolder(o *Options) error {
	if o.ReadOnly { // A folder without a log gets no lock either.
		return o.adoptIdentity()
	}
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return fmt.Errorf("wal: make folder %s: %w", o.Dir, err)
	}
	return nil
}

func lockError(dir string, err error) error {
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return fmt.Errorf("%w: %s: another process, or this one, has it open; end that first", ErrLocked, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("wal: folder %s cannot be written to; check its owner and permissions: %w", dir, err)
	}
	return fmt.Errorf("wal: lock folder %s: %w", dir, err)
}

// start reads or makes what is in the folder.
func (l *Log) start() error {
	folder, err := readFolder(l.fs, l.options.Dir)
	if err != nil {
		return err
	}
	id, err := l.readIdentity()
	if err != nil {
		return err
	}
	switch {
	case l.options.ReadOnly && len(folder.segments) > 0:
		return l.recover(folder.segments, id)
	case len(folder.segments) > 0:
		if err = l.recover(folder.segments, id); err == nil {
			err = l.spares.adopt(folder)
		}
	case id == nil && l.options.ReadOnly:
		return fmt.Errorf("%w: %s", ErrNoLog, l.options.Dir)
	case id == nil:
		if err = l.spares.adopt(folder); err == nil {
			err = l.create()
		}
	default:
		err = corrupt(segmentPath(l.options.Dir, 1), 0, hintMissing,
			"the folder has an identity, so it once had segments, and now it has none")
	}
	if err != nil {
		return err
	}
	l.spares.start()
	l.prover.start()
	return nil
}

// create makes the first segment, which fixes the folder's identity.
func (l *Log) create() error {
	l.id = identity{cluster: l.options.Cluster, node: l.options.Node, incarnation: l.options.Incarnation}
	if l.id.incarnation == 0 {
		l.id.incarnation = newIncarnation()
	}
	if err := l.roll(); err != nil {
		return err
	}
	if err := l.writeIdentity(); err != nil {
		return err
	}
	l.options.Logger.Info("wal: log created", "folder", l.options.Dir, "node", l.id.node, "cluster", l.id.cluster.String())
	return nil
}
