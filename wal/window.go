// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"
	"slices"
)

// windowBytes is how much of a segment is read at once when it is recovered.
const windowBytes = 1 << 20

// window is a part of a segment in memory, for reading it from front to back.
type window struct {
	segment *segment
	from    uint32
	buf     []byte
}

// open begins with another segment.
func (w *window) open(s *segment) { w.segment, w.from, w.buf = s, 0, w.buf[:0] }

// bytes returns a part of the segment, which must be within it. It is valid until
// the next call.
func (w *window) bytes(offset, size uint32) ([]byte, error) {
	at := int64(offset) - int64(w.from)
	if at < 0 || at+int64(size) > int64(len(w.buf)) {
		if err := w.move(offset, size); err != nil {
			return nil, err
		}
		at = 0
	}
	return w.buf[at : at+int64(size) : at+int64(size)], nil
}

func (w *window) move(offset, size uint32) error {
	size = min(max(size, windowBytes), w.segment.bytes-offset)
	w.buf = slices.Grow(w.buf[:0], int(size))[:size]
	w.from = offset
	if _, err := w.segment.file.ReadAt(w.buf, int64(offset)); err != nil {
		w.buf = w.buf[:0]
		return fmt.Errorf("wal: read segment %d at %d: %w", w.segment.number, offset, err)
	}
	return nil
}
