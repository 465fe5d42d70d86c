// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"math"
)

// open opens the segments and verifies that they are what they should be and that
// none is missing.
func (r *recovery) open(numbers []uint32, id *identity) error {
	if !r.log.options.ReadOnly {
		if err := r.log.syncDir(); err != nil { // Who crashed may not have got that far.
			return err
		}
	}
	for i, number := range numbers {
		if i > 0 && number != numbers[i-1]+1 {
			return corrupt(segmentPath(r.log.options.Dir, numbers[i-1]+1), 0, hintMissing,
				"the file is missing, while older and newer ones are there")
		}
		if err := r.openSegment(number, id); err != nil {
			return err
		}
		id = &r.headers[0].identity
	}
	return r.checkLast()
}

// checkLast verifies that there never was a segment behind the last, and that what
// will be read from this one is what the disk holds. Only the last is in doubt, as
// each was synced before the next was begun: the process that wrote it may have been
// killed before its sync, or the sync may have failed, and then what is in the
// system's cache is not on the disk.
func (r *recovery) checkLast() error {
	last := r.log.index.active()
	var err error
	if !r.log.options.ReadOnly {
		err = last.file.SyncData()
	}
	if err = errors.Join(err, last.file.DropCache()); err != nil {
		return fmt.Errorf("wal: sync segment %d: %w", last.number, err)
	}
	sealed, err := last.isSealed()
	if err != nil {
		return err
	}
	if sealed {
		return corrupt(segmentPath(r.log.options.Dir, last.number+1), 0, hintMissing,
			"the file is missing; segment %d says that there is one", last.number)
	}
	return nil
}

func (r *recovery) openSegment(number uint32, id *identity) error {
	path := segmentPath(r.log.options.Dir, number)
	open := r.log.fs.Open
	if r.log.options.ReadOnly {
		open = r.log.fs.OpenRead
	}
	file, err := open(path)
	if err != nil {
		return fmt.Errorf("wal: open segment %d: %w", number, err)
	}
	s := &segment{number: number, path: path, file: file}
	r.log.index.segments = append(r.log.index.segments, s)
	size, err := file.Size()
	if err != nil {
		return fmt.Errorf("wal: measure segment %d: %w", number, err)
	}
	if size < fileHeaderBytes || size > math.MaxUint32 {
		return corrupt(path, size, hintReplace, "the file has %d bytes", size)
	}
	s.bytes = uint32(size)
	buf := make([]byte, fileHeaderBytes)
	if _, err := file.ReadAt(buf, 0); err != nil {
		return fmt.Errorf("wal: read the header of segment %d: %w", number, err)
	}
	if !fileSumOK(buf, segmentMagic) {
		return corrupt(path, 0, hintReplace, "the header does not match its checksum")
	}
	if err := checkVersion(path, buf); err != nil {
		return err
	}
	header := parseSegmentHeader(buf)
	if err := r.checkHeader(s, &header, id); err != nil {
		return err
	}
	*s = *newSegment(&header, path, file)
	r.headers = append(r.headers, header)
	return nil
}

// checkHeader verifies that a header, which matches its checksum, is the one that
// should be here.
func (r *recovery) checkHeader(s *segment, h *segmentHeader, id *identity) error {
	if err := r.log.checkOwner(h.identity); err != nil {
		return err
	}
	if id != nil && h.incarnation != id.incarnation {
		return corrupt(s.path, 0, hintForeign, "the file is of another incarnation of the folder, %016x, not %016x",
			uint64(h.incarnation), uint64(id.incarnation))
	}
	if h.number != s.number {
		return corrupt(s.path, 0, hintForeign, "the file was segment %d", h.number)
	}
	if h.bytes != s.bytes {
		return corrupt(s.path, int64(s.bytes), hintReplace, "the file has %d bytes and was made with %d", s.bytes, h.bytes)
	}
	if !isBlockBytes(int(h.block)) || !isSegmentBytes(int(h.bytes), int(h.block)) ||
		uint64(h.state) != uint64(h.groups)*checkpointPerGroup || h.state > h.bytes-h.block-fileHeaderBytes ||
		h.start() > h.bytes-h.block {
		return corrupt(s.path, 0, hintReplace, "the header has sizes that it cannot have")
	}
	return nil
}
