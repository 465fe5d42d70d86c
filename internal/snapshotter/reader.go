// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// What reading a snapshot can end with.
var (
	// ErrDamaged says that a snapshot cannot be read as it was written.
	ErrDamaged = errors.New("snapshotter: snapshot damaged")
	// ErrGone says that a snapshot is not listed, or not any more.
	ErrGone = errors.New("snapshotter: no such snapshot")
	// ErrUnreadable says that the store could not read a snapshot, which is not known to be
	// damaged: it stays, and may be read another time.
	ErrUnreadable = errors.New("snapshotter: snapshot cannot be read now")
	// ErrExternal says that a snapshot's data are with the state machine.
	ErrExternal = errors.New("snapshotter: external snapshot without data")
)

const (
	// readAttemptsMax is how often a reader tries to read a part.
	readAttemptsMax = 3
	// readFailuresMax is how often in a row reading a snapshot may fail before it counts as damaged: a
	// place on a disk that cannot be read any more does not get better.
	readFailuresMax = 16
)

var errReaderClosed = errors.New("snapshotter: the reader is closed")

// reader reads a snapshot in order. It is for one goroutine, but Close may be called by
// any, once it does not read.
type reader struct {
	s    *Snapshotter
	meta wire.SnapshotMeta
	buf  []byte
	rest []byte // of buf, still to be handed out
	// offset is how far the store has been read, and checksum that of what was.
	offset   uint64
	checksum uint32
	err      error
	unpin    func()
}

// Reader returns a reader of a published snapshot's data, from the beginning. It gives io.EOF
// only if all that was read has the snapshot's size and checksum, and nothing of the last
// part before that is known. Damage is an error, ErrDamaged, and Damaged is called. Where the
// store fails to read, it is asked a few times; then the error is ErrUnreadable. Until the
// reader is closed, the snapshot is not deleted.
func (s *Snapshotter) Reader(meta wire.SnapshotMeta) io.ReadCloser {
	r := &reader{s: s, unpin: func() {}}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	for i := range s.catalog {
		if s.catalog[i].ID == meta.ID {
			found, r.meta = true, s.catalog[i]
		}
	}
	switch {
	case !found:
		r.err = fmt.Errorf("%w: %v", ErrGone, meta.ID)
	case r.meta.External:
		r.err = fmt.Errorf("%w: %v", ErrExternal, meta.ID)
	default:
		s.pins[meta.ID]++
		r.unpin = sync.OnceFunc(func() { s.unpin(meta.ID) })
		r.buf = make([]byte, min(uint64(s.cfg.ChunkBytes), max(r.meta.Size, 1)))
	}
	return r
}

// unpin lets a snapshot go, as far as one reader is concerned.
func (s *Snapshotter) unpin(id wire.SnapshotID) {
	s.mu.Lock()
	if s.pins[id]--; s.pins[id] == 0 {
		delete(s.pins, id)
	}
	s.mu.Unlock()
	s.post(func(in *inbox) { in.unpinned = true })
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(r.rest) == 0 && r.err == nil {
		r.fill()
	}
	if len(r.rest) == 0 {
		return 0, r.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// fill reads the next part.
func (r *reader) fill() {
	buf := r.buf[:min(uint64(len(r.buf)), r.meta.Size-r.offset)]
	if r.err = r.s.readFully(&r.meta, buf, r.offset); r.err != nil {
		return
	}
	r.checksum = crc32.Update(r.checksum, castagnoli, buf)
	r.offset += uint64(len(buf))
	if r.offset == r.meta.Size {
		if r.checksum != r.meta.Checksum {
			r.err = damage(&r.meta, r.offset, errors.New("the checksum of the whole is wrong"))
			r.s.Damaged(r.meta.ID)
			return
		}
		r.err = io.EOF
	}
	r.rest = buf
}

// readFully reads a part of a snapshot, in a few attempts.
func (s *Snapshotter) readFully(meta *wire.SnapshotMeta, buf []byte, offset uint64) (err error) {
	for range readAttemptsMax {
		if err = s.read(meta, buf, offset); err == nil || errors.Is(err, ErrDamaged) {
			break
		}
	}
	return err
}

// read fills buf with a part of a snapshot. The error is ErrDamaged, and Damaged was called, or
// it is ErrUnreadable. Any goroutine may call it.
func (s *Snapshotter) read(meta *wire.SnapshotMeta, buf []byte, offset uint64) error {
	if len(buf) == 0 {
		return nil
	}
	n, err := s.cfg.Store.ReadAt(s.cfg.Group, meta.ID, buf, offset)
	if n == len(buf) {
		s.noteRead(meta.ID, true)
		return nil
	}
	isShort := err == nil || err == io.EOF
	if isShort || !s.isListed(meta.ID) || s.noteRead(meta.ID, false) >= readFailuresMax {
		s.Damaged(meta.ID)
		return damage(meta, offset, err)
	}
	return fmt.Errorf("%w: %v at %d of %d: %w", ErrUnreadable, meta.ID, offset, meta.Size, err)
}

// isListed reports whether the store lists a snapshot that could not be read: then it was the disk
// that failed, and not what is on it.
func (s *Snapshotter) isListed(id wire.SnapshotID) bool {
	listed, err := s.cfg.Store.List(s.cfg.Group)
	return err != nil || slices.ContainsFunc(listed, func(m wire.SnapshotMeta) bool { return m.ID == id })
}

// noteRead counts how often in a row reading a snapshot has failed.
func (s *Snapshotter) noteRead(id wire.SnapshotID, isWell bool) (failures int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if isWell {
		delete(s.unread, id)
		return 0
	}
	s.unread[id]++
	return s.unread[id]
}

// damage says where a snapshot is damaged.
func damage(meta *wire.SnapshotMeta, offset uint64, err error) error {
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %v at %d of %d: %w", ErrDamaged, meta.ID, offset, meta.Size, err)
}

// Close implements io.Closer. It may be called more than once.
func (r *reader) Close() error {
	r.rest, r.err = nil, errReaderClosed
	r.unpin()
	return nil
}
