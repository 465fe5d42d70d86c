// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/balsa-raft/raft/wire"
)

const hintIdentity = "if the segments are the folder's own, the identity file may be removed: " +
	"it is made anew from them"

func newIncarnation() wire.Incarnation {
	var random [8]byte
	for {
		_, _ = rand.Read(random[:]) // It never fails.
		if incarnation := le.Uint64(random[:]); incarnation != 0 {
			return wire.Incarnation(incarnation)
		}
	}
}

// readIdentity returns what the identity file says, nil if there is none.
func (l *Log) readIdentity() (*identity, error) {
	path := filepath.Join(l.options.Dir, identityName)
	file, err := l.fs.OpenRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("wal: open %s: %w", path, err)
	}
	buf := make([]byte, identityBytes)
	size, err := file.Size()
	if err == nil && size >= identityBytes {
		_, err = file.ReadAt(buf, 0)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("wal: read %s: %w", path, err)
	}
	if size != identityBytes || !fileSumOK(buf, identityMagic) {
		return nil, corrupt(path, 0, hintIdentity, "the file does not match its checksum")
	}
	if err := checkVersion(path, buf); err != nil {
		return nil, err
	}
	id := parseIdentity(buf)
	return &id, l.checkOwner(id)
}

// writeIdentity makes the identity file, or makes it anew. It is the folder's record
// of having been used: without it, a folder that lost all segments looks new.
func (l *Log) writeIdentity() error {
	path := filepath.Join(l.options.Dir, identityName)
	buf := make([]byte, identityBytes)
	l.id.put(buf, identityMagic)
	putFileSum(buf)
	if err := l.spares.remove(path + tempSuffix); err != nil { // Of a crash.
		return err
	}
	if err := l.writeFile(path+tempSuffix, buf); err != nil {
		return fmt.Errorf("wal: write %s: %w", path+tempSuffix, err)
	}
	if err := l.fs.Rename(path+tempSuffix, path); err != nil {
		return fmt.Errorf("wal: rename %s: %w", path+tempSuffix, err)
	}
	return l.syncDir()
}

func (l *Log) writeFile(path string, content []byte) error {
	file, err := l.fs.Create(path)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(content, 0)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (l *Log) syncDir() error {
	if err := l.fs.SyncDir(l.options.Dir); err != nil {
		return fmt.Errorf("wal: sync folder %s: %w", l.options.Dir, err)
	}
	return nil
}

func checkVersion(path string, buf []byte) error {
	if version := le.Uint32(buf[8:]); version != formatVersion {
		return fmt.Errorf("%w: %s has version %d, this program knows version %d; run the program that wrote it",
			ErrVersion, path, version, formatVersion)
	}
	return nil
}

// checkOwner refuses a folder of somebody else.
func (l *Log) checkOwner(id identity) error {
	if id.cluster != l.options.Cluster {
		return fmt.Errorf("%w: %s belongs to cluster %v, this is cluster %v; check the folder and the cluster's ID in "+
			"the configuration, and do not delete anything", ErrWrongCluster, l.options.Dir, id.cluster, l.options.Cluster)
	}
	if id.node != l.options.Node {
		return fmt.Errorf("%w: %s belongs to node %d, this is node %d; check the folder and the node's ID in "+
			"the configuration, and do not delete anything", ErrWrongNode, l.options.Dir, id.node, l.options.Node)
	}
	return nil
}
