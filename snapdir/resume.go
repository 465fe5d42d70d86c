// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/balsa-raft/raft/wire"
)

// resume goes on with an unfinished file that another process, or another Store, has left.
// What it can it reads from the disk, not from the cache, as nobody knows which syncs have
// failed before. An error means that there is nothing to go on with.
func (s *Store) resume(name fileName, meta wire.SnapshotMeta) (*writer, error) {
	path := s.path(name)
	file, err := s.fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	w := &writer{store: s, name: name, path: path, file: file}
	if err := w.recover(meta); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) recover(meta wire.SnapshotMeta) error {
	if err := w.file.DropCache(); err != nil {
		return fmt.Errorf("drop the cache of %s: %w", w.path, err)
	}
	fileBytes, err := w.file.Size()
	if err != nil {
		return fmt.Errorf("size of %s: %w", w.path, err)
	}
	if w.header, err = readHeader(w.file, w.path, fileBytes); err != nil {
		return err
	}
	if err := w.store.checkOwner(w.header, w.name); err != nil {
		return err
	}
	w.expect(&w.header.meta)
	if !isSameSnapshot(&w.header.meta, &meta) || !w.accepts(&meta) {
		return &DamagedError{Path: w.path, Problem: "it is of another description"}
	}
	w.expect(&meta)
	if err := w.recoverBlocks(fileBytes); err != nil {
		return err
	}
	if err := w.file.Truncate(w.header.offset(w.blocks)); err != nil {
		return fmt.Errorf("truncate %s: %w", w.path, err)
	}
	return nil
}

// recoverBlocks counts the whole blocks that are there. What follows the first that is
// not intact is of no use. That includes a last block which is not full: it was
// written with the footer, by a Publish that has not ended.
func (w *writer) recoverBlocks(fileBytes int64) error {
	w.allocate()
	for w.header.offset(w.blocks+1) <= fileBytes {
		err := readFull(w.file, w.path, w.buf, w.header.offset(w.blocks))
		if errors.Is(err, ErrDamaged) {
			return nil
		}
		if err != nil {
			return err
		}
		if !w.header.isBlock(w.blocks, w.buf) {
			return nil
		}
		w.sum = crc32.Update(w.sum, castagnoli, w.buf[blockSumBytes:])
		w.blocks++
	}
	return nil
}
