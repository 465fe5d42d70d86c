// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/tidwall/btree"
)

// SnapshotSource gives the items of a state that does not change, in the order of SCAN.
type SnapshotSource interface {
	// AppendRecords appends the next items with AppendRecord, until buf has chunk bytes
	// or a little more. More is false when there are no more items.
	AppendRecords(buf []byte, chunk int, tally *Tally) (grown []byte, more bool, err error)
	// Close releases the state.
	Close() error
}

// SnapshotReader is a state in the format of docs/formats-kv-snapshot.md. It encodes as it is read, by
// one goroutine at a time. Close may be called at any time, also twice.
type SnapshotReader struct {
	mu     sync.Mutex
	source SnapshotSource // nil once it is closed
	items  uint64
	tally  Tally
	buf    []byte
	unread []byte // the end of buf
	ended  bool
	err    error
}

// NewSnapshotReader returns a reader of so many items, which closes source when it is closed.
func NewSnapshotReader(moment Moment, items uint64, source SnapshotSource) *SnapshotReader {
	s := &SnapshotReader{source: source, items: items, buf: make([]byte, 0, snapshotChunkBytes*5/4)}
	s.buf = appendSnapshotHeader(s.buf, moment, items)
	s.unread = s.buf
	return s
}

// Read encodes what comes next.
func (s *SnapshotReader) Read(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source == nil {
		return 0, fmt.Errorf("kv: read snapshot: %w", os.ErrClosed)
	}
	for len(s.unread) == 0 && s.err == nil && !s.ended {
		s.fill()
	}
	switch {
	case s.err != nil:
		return 0, s.err
	case len(s.unread) == 0:
		return 0, io.EOF
	}
	n = copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *SnapshotReader) fill() {
	buf, more, err := s.source.AppendRecords(s.buf[:0], snapshotChunkBytes, &s.tally)
	switch {
	case err != nil:
		s.err = fmt.Errorf("kv: read snapshot: %w", err)
		return
	case !more && s.tally.Items != s.items:
		s.err = fmt.Errorf("kv: read snapshot: %d items, not the %d that were counted", s.tally.Items, s.items)
		return
	case !more:
		buf = appendSnapshotFooter(buf, &s.tally)
		s.ended = true
	}
	s.buf, s.unread = buf, buf
}

// Close releases the state.
func (s *SnapshotReader) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source == nil {
		return nil
	}
	err := s.source.Close()
	s.source, s.buf, s.unread = nil, nil, nil
	return err
}

// memorySource is a capture as a SnapshotSource.
type memorySource struct {
	capture *capture
	items   btree.IterG[*Item]
}

func newMemorySource(c *capture) *memorySource {
	return &memorySource{capture: c, items: c.order.Iter()}
}

// AppendRecords appends the next items of the capture.
func (s *memorySource) AppendRecords(buf []byte, chunk int, tally *Tally) (grown []byte, more bool, err error) {
	for len(buf) < chunk {
		if !s.items.Next() {
			return buf, false, nil
		}
		i := s.items.Item()
		buf = AppendRecord(buf, tally, i.key, i.Value(), i.expireAt)
	}
	return buf, true, nil
}

// Close closes the capture.
func (s *memorySource) Close() error {
	s.items = btree.IterG[*Item]{}
	s.capture.close()
	return nil
}
