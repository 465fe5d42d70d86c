// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"math"

	"github.com/balsa-raft/raft/internal/vfs"
)

// roll begins a new segment. The order of the steps is what makes a crash between
// any two of them harmless:
//
//  1. The header and the checkpoint are written to a spare and synced: a file that is
//     named as a segment always has them.
//  2. The spare is renamed and the folder synced. Everything in the segment before
//     was synced by then, so the new header vouches for it.
//  3. The segment before is sealed: from now on the new one cannot go missing unnoticed.
//  4. Only then anything is written behind the checkpoint.
func (l *Log) roll() error {
	header, err := l.nextHeader()
	if err != nil {
		return err
	}
	spare, err := l.spares.take()
	if err != nil {
		return fmt.Errorf("wal: prepare segment %d: %w", header.number, err)
	}
	if err := l.writeStart(spare, &header); err != nil {
		return err
	}
	path := segmentPath(l.options.Dir, header.number)
	if err := l.fs.Rename(spare, path); err != nil {
		return fmt.Errorf("wal: rename %s to segment %d: %w", spare, header.number, err)
	}
	if err := l.syncDir(); err != nil {
		return err
	}
	file, err := l.fs.Open(path)
	if err != nil {
		return fmt.Errorf("wal: open segment %d: %w", header.number, err)
	}
	return l.begin(newSegment(&header, path, file))
}

// begin makes a segment that is complete on the disk the one that is written to. The
// one before is sealed first: once the new one is in the index, that may be disposed of.
func (l *Log) begin(s *segment) error {
	if len(l.index.segments) > 0 {
		if err := l.index.active().seal(); err != nil {
			return errors.Join(err, s.file.Close())
		}
	}
	l.tail.end, l.unproven = s.start, false
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index.segments = append(l.index.segments, s)
	l.retire()
	return nil
}

func newSegment(h *segmentHeader, path string, file vfs.File) *segment {
	return &segment{
		number:      h.number,
		incarnation: h.incarnation,
		seed:        seedOf(h.incarnation, h.number),
		path:        path,
		file:        file,
		bytes:       h.bytes,
		block:       h.block,
		start:       h.start(),
	}
}

// nextHeader returns the header of the segment behind the last, but for its checkpoint.
func (l *Log) nextHeader() (segmentHeader, error) {
	header := segmentHeader{
		identity: l.id,
		number:   1,
		bytes:    uint32(l.options.SegmentBytes),
		block:    uint32(l.options.BlockBytes),
		before:   l.tail,
	}
	if len(l.index.segments) > 0 {
		last := l.index.active().number
		if last == math.MaxUint32 {
			return header, errors.New("wal: the numbers of segments are used up")
		}
		header.number = last + 1
	}
	return header, nil
}

// writeStart completes the header and writes and syncs it, with the checkpoint.
func (l *Log) writeStart(path string, header *segmentHeader) error {
	buf := encodeSegmentStart(header, l.index.known())
	if room := l.options.SegmentBytes - l.options.BlockBytes; len(buf) > room {
		return fmt.Errorf("%w: the checkpoint of %d groups takes %d bytes, a segment has room for %d",
			ErrTooLarge, header.groups, len(buf), room)
	}
	file, err := l.fs.Open(path)
	if err != nil {
		return fmt.Errorf("wal: open %s: %w", path, err)
	}
	_, err = file.WriteAt(buf, 0)
	if err == nil {
		err = file.SyncData()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("wal: write the header of segment %d to %s: %w", header.number, path, err)
	}
	return nil
}
