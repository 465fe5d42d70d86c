// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
)

// Verify reads a log that nobody uses, whole, and returns every place at which its files do not
// hold what was written to them, in the order of the files; none if Open would succeed. It
// changes nothing. Options are those of a read-only log.
//
// Behind a damage it goes on where the next intact batch begins, so that what it does not find
// is what follows from the damage itself. An error means that it could not read.
func Verify(options Options) ([]*CorruptError, error) {
	options = options.withDefaults()
	options.ReadOnly = true
	l, err := Open(options)
	var first *CorruptError
	switch {
	case err == nil:
		return nil, l.Close()
	case !errors.As(err, &first):
		return nil, err
	}
	v := verifier{options: options}
	if err := v.folder(); err != nil {
		return nil, err
	}
	isKnown := slices.ContainsFunc(v.found, func(e *CorruptError) bool { return e.File == first.File && e.Offset >= first.Offset })
	if !isKnown { // It is in how the files fit together.
		v.found = append(v.found, first)
	}
	return v.found, nil
}

// verifier looks for damage in each file by itself.
type verifier struct {
	options Options
	id      Identity
	found   []*CorruptError
	window  window
}

func (v *verifier) report(file string, offset uint32, format string, args ...any) {
	v.found = append(v.found, &CorruptError{
		File: file, Offset: int64(offset), Problem: fmt.Sprintf(format, args...), Hint: hintReplace,
	})
}

func (v *verifier) folder() error {
	lock, err := v.options.FS.Lock(filepath.Join(v.options.Dir, lockName))
	if err != nil {
		return lockError(v.options.Dir, err)
	}
	err = v.segments()
	return errors.Join(err, lock.Close())
}

func (v *verifier) segments() (err error) {
	if v.id, err = identify(&v.options); err != nil {
		return err
	}
	folder, err := readFolder(v.options.FS, v.options.Dir)
	if err != nil {
		return err
	}
	ends := make(map[uint32]uint32) // Where the next segment says that one ended.
	for i := len(folder.segments) - 1; i >= 0; i-- {
		if err := v.segment(folder.segments[i], ends); err != nil {
			return err
		}
	}
	slices.SortStableFunc(v.found, func(a, b *CorruptError) int { return slices.Compare([]byte(a.File), []byte(b.File)) })
	return nil
}

// segment verifies one, and notes where the one before has ended.
func (v *verifier) segment(number uint32, ends map[uint32]uint32) (err error) {
	path := segmentPath(v.options.Dir, number)
	file, err := v.options.FS.OpenRead(path)
	if err != nil {
		return fmt.Errorf("wal: open segment %d: %w", number, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size, err := file.Size()
	if err != nil {
		return fmt.Errorf("wal: measure segment %d: %w", number, err)
	}
	buf := make([]byte, fileHeaderBytes)
	if size < fileHeaderBytes {
		v.report(path, 0, "the file has %d bytes", size)
		return nil
	}
	if _, err := file.ReadAt(buf, 0); err != nil {
		return fmt.Errorf("wal: read the header of segment %d: %w", number, err)
	}
	h := parseSegmentHeader(buf)
	switch {
	case !fileSumOK(buf, segmentMagic):
		v.report(path, 0, "the header does not match its checksum; what is behind it cannot be told from anything")
		return nil
	case checkVersion(path, buf) != nil:
		return checkVersion(path, buf)
	case h.number != number || h.incarnation != v.id.Incarnation || int64(h.bytes) != size ||
		!isBlockBytes(int(h.block)) || !isSegmentBytes(int(h.bytes), int(h.block)) || h.state > h.bytes-h.block-fileHeaderBytes:
		v.report(path, 0, "the header is that of another file, or has sizes that this one has not")
		return nil
	}
	ends[number-1] = h.before.end
	s := newSegment(&h, path, file)
	v.window.open(s)
	if err := v.checkpoint(s, &h); err != nil {
		return err
	}
	return v.batches(s, ends[number])
}

func (v *verifier) checkpoint(s *segment, h *segmentHeader) error {
	buf, err := v.window.bytes(fileHeaderBytes, h.state)
	if err != nil {
		return err
	}
	if crc32.Update(s.seed, castagnoli, buf) != h.sumOfCP {
		v.report(s.path, fileHeaderBytes, "the checkpoint does not match its checksum")
	}
	return nil
}

// batches verifies all batches of a segment. The end is where they ended as the next segment
// knows it, zero for the last segment, in which damage behind which nothing is intact is an
// interrupted write, unless the proof tells otherwise.
func (v *verifier) batches(s *segment, end uint32) error {
	offset, seq := s.start, uint64(0)
	for limit := s.limit(); offset < limit && (end == 0 || offset < end); {
		h, ok, err := v.header(s, offset)
		if err != nil {
			return err
		}
		if ok && h.bytes >= batchHeaderBytes && h.bytes <= limit-offset {
			if err := v.batch(s, offset, &h); err != nil {
				return err
			}
			offset, seq = offset+alignUp(h.bytes, s.block), h.seq
			continue
		}
		next, isThere, err := v.nextBatch(s, offset+s.block)
		if err != nil {
			return err
		}
		if !isThere {
			return v.missingEnd(s, offset, seq, end)
		}
		v.report(s.path, offset, "there is no batch, or its header is damaged; the next intact one is at byte %d", next)
		offset = next
	}
	return nil
}

func (v *verifier) header(s *segment, offset uint32) (batchHeader, bool, error) {
	buf, err := v.window.bytes(offset, batchHeaderBytes)
	if err != nil {
		return batchHeader{}, false, err
	}
	h, ok := parseBatchHeader(buf, s, offset)
	return h, ok, nil
}

// nextBatch looks for a batch of this segment from an offset on.
func (v *verifier) nextBatch(s *segment, offset uint32) (at uint32, ok bool, err error) {
	for ; offset < s.limit(); offset += s.block {
		if _, ok, err := v.header(s, offset); ok || err != nil {
			return offset, ok, err
		}
	}
	return 0, false, nil
}

// missingEnd is for damage behind which there is no batch.
func (v *verifier) missingEnd(s *segment, offset uint32, seq uint64, end uint32) error {
	if end > 0 {
		v.report(s.path, offset, "there is no batch, or its header is damaged, up to byte %d", end)
		return nil
	}
	buf, err := v.window.bytes(s.limit(), proofBytes)
	if err != nil {
		return err
	}
	if proven, ok := parseProof(buf, s); ok && proven > seq {
		v.report(s.path, offset, "batch %d, which was synced, is not there, or its header is damaged", proven)
	}
	return nil
}

// batch verifies all records of a batch whose header is intact. In the last batch of the last
// segment a damaged record is what an interrupted write leaves.
func (v *verifier) batch(s *segment, offset uint32, h *batchHeader) error {
	buf, err := v.window.bytes(offset, h.bytes)
	if err != nil {
		return err
	}
	if checkRecords(buf, s, offset, h) == "" {
		return nil
	}
	damages := v.records(buf, s, offset)
	_, isProven, err := v.nextBatch(s, offset+alignUp(h.bytes, s.block))
	if err != nil {
		return err
	}
	if proof, err := v.window.bytes(s.limit(), proofBytes); err == nil {
		seq, ok := parseProof(proof, s)
		isProven = isProven || ok && seq >= h.seq || isSeal(proof, s.incarnation, s.number, s.seed)
	}
	if isProven {
		v.found = append(v.found, damages...)
	}
	return nil
}

// records returns the damaged records of a batch, as far as their sizes can be believed.
func (v *verifier) records(buf []byte, s *segment, offset uint32) (found []*CorruptError) {
	add := func(at int, problem string) {
		found = append(found, &CorruptError{File: s.path, Offset: int64(offset) + int64(at), Problem: problem, Hint: hintReplace})
	}
	for at := batchHeaderBytes; at < len(buf); {
		_, _, size, problem := parseRecord(buf[at:], s.seed, offset+uint32(at))
		if problem != "" {
			add(at, problem)
			if len(buf)-at < recordHeaderBytes {
				break
			}
			size = int(le.Uint32(buf[at+4:]))
			if size < recordHeaderBytes || size > len(buf)-at {
				break
			}
		}
		at += size
	}
	if len(found) == 0 {
		add(0, "the records of the batch are not the ones it was written with")
	}
	return found
}
