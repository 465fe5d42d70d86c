// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/balsa-raft/raft/wire"
)

// ReadAt reads data of a published snapshot from offset on, as many bytes as there are, and
// returns io.EOF with those at the end. It reads and verifies all blocks that it needs a
// part of, so reads of whole blocks are the cheapest. If the file is damaged, the
// error wraps ErrDamaged, n bytes before the damage are good, and the snapshot
// is not in List any more.
func (s *Store) ReadAt(group wire.GroupID, id wire.SnapshotID, buf []byte, offset uint64) (n int, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	p := s.use(group, id)
	if p == nil {
		return 0, fmt.Errorf("%w: %v of group %d", ErrNotFound, id, group)
	}
	n, err = s.read(p, buf, offset)
	s.release(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	var damage *DamagedError
	if errors.As(err, &damage) {
		s.setAside(p, damage)
	}
	return n, fmt.Errorf("snapdir: read snapshot %v of group %d: %w", id, group, err)
}

func (s *Store) read(p *snapshot, buf []byte, offset uint64) (n int, err error) {
	file, err := s.file(p)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, &DamagedError{Path: p.path, Problem: "the file is gone"}
	}
	if err != nil {
		return 0, err
	}
	l := &p.layout
	block := s.buffer(blockSumBytes + l.block)
	defer s.buffers.Put(block)
	for n < len(buf) && offset < l.size {
		number := offset / uint64(l.block)
		data, err := l.readBlock(file, p.path, number, *block)
		if err != nil {
			return n, err
		}
		copied := copy(buf[n:], data[offset-number*uint64(l.block):])
		n, offset = n+copied, offset+uint64(copied)
	}
	if offset >= l.size {
		return n, io.EOF
	}
	return n, nil
}

// buffer returns a buffer of at least so many bytes, to be put back.
func (s *Store) buffer(bytes int) *[]byte {
	if buf, ok := s.buffers.Get().(*[]byte); ok && len(*buf) >= bytes {
		return buf
	}
	buf := make([]byte, bytes)
	return &buf
}
