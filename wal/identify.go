// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// Identity is whose log a folder holds.
type Identity struct {
	Cluster wire.ClusterID
	Node    wire.NodeID
	// Incarnation was drawn when the folder was made.
	Incarnation wire.Incarnation
}

// Identify tells whose log is in the folder Options.Dir, without locking or changing it; of the
// other options only FS counts. The error wraps ErrNoLog if there is none, and ErrCorrupt if no
// file can say whose it is.
func Identify(options Options) (Identity, error) {
	options = options.withDefaults()
	return identify(&options)
}

// Identity tells whose log it is.
func (l *Log) Identity() Identity {
	return Identity{Cluster: l.id.cluster, Node: l.id.node, Incarnation: l.id.incarnation}
}

// adoptIdentity makes the options fit the folder, where they leave that open.
func (o *Options) adoptIdentity() error {
	id, err := identify(o)
	if err != nil {
		return err
	}
	o.Node = cmp.Or(o.Node, id.Node)
	if o.Cluster == (wire.ClusterID{}) {
		o.Cluster = id.Cluster
	}
	return nil
}

// identify asks the identity file and, if that is missing or damaged, the segments.
func identify(o *Options) (Identity, error) {
	folder, err := readFolder(o.FS, o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, fmt.Errorf("%w: there is no folder %s", ErrNoLog, o.Dir)
	}
	if err != nil {
		return Identity{}, err
	}
	path := filepath.Join(o.Dir, identityName)
	id, problem := identityIn(o.FS, path, identityBytes, identityMagic)
	if problem == nil || errors.Is(problem, ErrVersion) {
		return id, problem
	}
	for _, number := range folder.segments {
		if id, err := identityIn(o.FS, segmentPath(o.Dir, number), fileHeaderBytes, segmentMagic); err == nil {
			return id, nil
		}
	}
	if errors.Is(problem, fs.ErrNotExist) && len(folder.segments) == 0 {
		return Identity{}, fmt.Errorf("%w: %s", ErrNoLog, o.Dir)
	}
	return Identity{}, problem
}

// identityIn reads the identity at the start of a file, with all that its checksum covers.
func identityIn(fsys vfs.FS, path string, bytes int, magic string) (Identity, error) {
	file, err := fsys.OpenRead(path)
	if err != nil {
		return Identity{}, fmt.Errorf("wal: open %s: %w", path, err)
	}
	buf := make([]byte, bytes)
	_, err = file.ReadAt(buf, 0)
	isShort := errors.Is(err, io.EOF)
	if err := errors.Join(err, file.Close()); err != nil && !isShort {
		return Identity{}, fmt.Errorf("wal: read %s: %w", path, err)
	}
	if isShort || !fileSumOK(buf, magic) {
		return Identity{}, corrupt(path, 0, hintIdentity, "the file does not match its checksum")
	}
	if err := checkVersion(path, buf); err != nil {
		return Identity{}, err
	}
	id := parseIdentity(buf)
	return Identity{Cluster: id.cluster, Node: id.node, Incarnation: id.incarnation}, nil
}
