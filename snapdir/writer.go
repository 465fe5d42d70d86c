// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"fmt"
	"hash/crc32"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// writer writes one unfinished snapshot. It writes whole blocks; what does not fill one
// yet waits in memory.
type writer struct {
	store  *Store
	name   fileName
	path   string
	file   vfs.File
	header header

	// Size and checksum as far as they were said to Begin, else zero.
	size     uint64
	checksum uint32

	blocks   uint64 // so many are in the file
	buf      []byte // room for a block with its checksum
	tail     int    // bytes of data in buf
	sum      uint32 // of all data so far
	unsynced int    // bytes written since the last sync
}

// held returns how many bytes of data there are.
func (w *writer) held() uint64 { return w.blocks*uint64(w.header.block) + uint64(w.tail) }

// accepts reports whether size and checksum, where they are known, are as they were.
func (w *writer) accepts(meta *wire.SnapshotMeta) bool {
	return (meta.Size == 0 || w.size == 0 || meta.Size == w.size) &&
		(meta.Checksum == 0 || w.checksum == 0 || meta.Checksum == w.checksum)
}

// expect remembers size and checksum where they are known.
func (w *writer) expect(meta *wire.SnapshotMeta) {
	w.size, w.checksum = max(w.size, meta.Size), max(w.checksum, meta.Checksum)
}

// allocate makes the buffer when it is first needed: an external snapshot needs none.
func (w *writer) allocate() {
	if w.buf == nil {
		w.buf = make([]byte, blockSumBytes+w.header.block)
	}
}

func (w *writer) close() error { return closed(w.file, w.path) }

// Write appends to the unfinished snapshot; offset is how many bytes it has. Data that do
// not fill a block are kept in memory until they do or until Publish. Every
// Options.SyncBytes, it waits until they are on the disk. The errors are ErrNotFound and
// ErrOffset, after which nothing has changed, and ErrMismatch, for data beyond the size
// that Begin was told, and those of the file system: after these the snapshot is
// abandoned.
func (s *Store) Write(group wire.GroupID, id wire.SnapshotID, offset uint64, data []byte) error {
	if err := s.enterToChange(); err != nil {
		return err
	}
	defer s.calls.Done()
	g := s.group(group)
	w, err := g.writing(id)
	if err == nil && offset != w.held() {
		err = fmt.Errorf("%w: byte %d, it has %d", ErrOffset, offset, w.held())
	} else if err == nil {
		if err = w.write(data); err != nil {
			_ = s.abandon(g, nil) // What cannot be removed is never gone on with.
		}
	}
	if err != nil {
		return fmt.Errorf("snapdir: write snapshot %v of group %d: %w", id, group, err)
	}
	return nil
}

// writing returns the writer of the unfinished snapshot of this ID.
func (g *group) writing(id wire.SnapshotID) (*writer, error) {
	if g.writer == nil || g.writer.name.id != id {
		return nil, fmt.Errorf("%w is being written", ErrNotFound)
	}
	return g.writer, nil
}

func (w *writer) write(data []byte) error {
	if w.header.meta.External && len(data) > 0 {
		return fmt.Errorf("%w: the snapshot is external and has none", ErrMismatch)
	}
	if end := w.held() + uint64(len(data)); w.size > 0 && end > w.size {
		return fmt.Errorf("%w: %d bytes, it should have %d", ErrMismatch, end, w.size)
	}
	w.allocate()
	w.sum = crc32.Update(w.sum, castagnoli, data)
	for len(data) > 0 {
		n := copy(w.buf[blockSumBytes+w.tail:], data)
		w.tail, data = w.tail+n, data[n:]
		if w.tail == w.header.block {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the block in the buffer, and syncs the file if it is time to: the system
// would otherwise collect all of a large snapshot in its cache, and make everybody wait
// who syncs anything when it comes to the end.
func (w *writer) flush() error {
	block := w.buf[:blockSumBytes+w.tail]
	w.header.putBlockSum(w.blocks, block)
	if _, err := w.file.WriteAt(block, w.header.offset(w.blocks)); err != nil {
		return fmt.Errorf("write %d bytes to %s: %w", len(block), w.path, err)
	}
	w.blocks, w.tail = w.blocks+1, 0
	if w.unsynced += len(block); w.unsynced < w.store.options.SyncBytes {
		return nil
	}
	w.unsynced = 0
	if err := w.file.SyncData(); err != nil {
		return fmt.Errorf("sync %s: %w", w.path, err)
	}
	return nil
}
