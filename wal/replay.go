// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"
	"hash/crc32"
)

// replay reads a segment, the one after those replayed, and changes the index as it
// says.
func (r *recovery) replay(i int) error {
	s, header := r.log.index.segments[i], &r.headers[i]
	r.window.open(s)
	if i == 0 {
		r.tail = header.before
	} else if r.tail != header.before {
		return corrupt(s.path, 0, hintReplace, "the segment does not follow the one before: it begins after batch %d "+
			"that ends at byte %d, that ends with batch %d at byte %d", header.before.seq, header.before.end, r.tail.seq, r.tail.end)
	}
	if err := r.checkpoint(s, header, i == 0); err != nil {
		return err
	}
	r.tail.end, r.hasBatch, r.isMark = s.start, false, false
	isLast := i == len(r.headers)-1
	end := s.limit()
	if !isLast {
		end = r.headers[i+1].before.end
	}
	for r.tail.end < end {
		problem, err := r.batch(s)
		if err == nil && problem != "" {
			problem, err = r.batchAgain(s)
		}
		if err != nil {
			return err
		}
		if problem == "" {
			continue
		}
		if !isLast {
			return corrupt(s.path, int64(r.tail.end), hintReplace, "%s, and segment %d proves that it was whole", problem, s.number+1)
		}
		return r.findEnd(s, problem)
	}
	return nil
}

// batchAgain reads what seems to be damaged once more, from the disk: what was wrong
// may have been the reading.
func (r *recovery) batchAgain(s *segment) (problem string, err error) {
	if err := s.file.DropCache(); err != nil {
		return "", fmt.Errorf("wal: read segment %d again: %w", s.number, err)
	}
	r.window.open(s)
	return r.batch(s)
}

// checkpoint reads the checkpoint of a segment. That of the oldest is where the groups
// begin; all others only repeat what is known, which is verified.
func (r *recovery) checkpoint(s *segment, header *segmentHeader, isOldest bool) error {
	buf, err := r.window.bytes(fileHeaderBytes, header.state)
	if err != nil {
		return err
	}
	if crc32.Update(s.seed, castagnoli, buf) != header.sumOfCP {
		return corrupt(s.path, fileHeaderBytes, hintReplace, "the checkpoint does not match its checksum")
	}
	for at := 0; at < len(buf); at += checkpointPerGroup {
		e := parseCheckpointEntry(buf[at:])
		if isOldest {
			g := r.log.index.group(e.group)
			g.known, g.hardState, g.compacted, g.last = true, e.hardState, e.compacted, e.last
			continue
		}
		if g := r.log.index.groups[e.group]; g == nil || g.checkpoint() != e {
			return corrupt(s.path, int64(fileHeaderBytes+at), hintReplace,
				"the checkpoint of group %d is not what the segments before it say", e.group)
		}
	}
	if int(header.groups) != len(r.log.index.groups) {
		return corrupt(s.path, fileHeaderBytes, hintReplace, "the checkpoint has %d groups, the segments before it have %d",
			header.groups, len(r.log.index.groups))
	}
	return nil
}

// batch reads the batch behind the tail. Problem says what is wrong with it if it is
// damaged or not there; an error is for what can be neither that nor whole.
func (r *recovery) batch(s *segment) (problem string, err error) {
	offset := r.tail.end
	buf, err := r.window.bytes(offset, batchHeaderBytes)
	if err != nil {
		return "", err
	}
	h, ok := parseBatchHeader(buf, s, offset)
	if !ok {
		return "there is no batch, or its header is damaged", nil
	}
	if h.seq != r.tail.seq+1 || h.previous != r.tail.sum || h.bytes < batchHeaderBytes || h.bytes > s.limit()-offset {
		return "", corrupt(s.path, int64(offset), hintReplace,
			"batch %d stands where batch %d should follow the one before", h.seq, r.tail.seq+1)
	}
	buf, err = r.window.bytes(offset, h.bytes)
	if err != nil {
		return "", err
	}
	if problem := checkRecords(buf, s, offset, &h); problem != "" {
		return problem, nil
	}
	r.tail = tail{seq: h.seq, sum: h.sum, end: offset + alignUp(h.bytes, s.block)}
	r.hasBatch, r.isMark = true, h.records == 0
	return "", r.applyRecords(buf, s, offset)
}

// checkRecords verifies all records of a batch before any of them is used.
func checkRecords(buf []byte, s *segment, offset uint32, h *batchHeader) (problem string) {
	var sumBuf [4]byte
	body, records := uint32(0), uint32(0)
	for at := batchHeaderBytes; at < len(buf); records++ {
		_, sum, size, problem := parseRecord(buf[at:], s.seed, offset+uint32(at))
		if problem != "" {
			return problem
		}
		le.PutUint32(sumBuf[:], sum)
		body = crc32.Update(body, castagnoli, sumBuf[:])
		at += size
	}
	if body != h.body || records != h.records {
		return "the records of a batch are not the ones it was written with"
	}
	return ""
}

// findEnd decides what the damage at the tail of the last segment is. If any batch
// of this segment stands behind it, or a proof, the damaged one was whole once. If none
// does, it is a write that was interrupted, or there was none.
func (r *recovery) findEnd(s *segment, problem string) error {
	buf, err := r.window.bytes(r.tail.end, s.block)
	if err != nil {
		return err
	}
	behind := r.tail.end + s.block
	if h, ok := parseBatchHeader(buf, s, r.tail.end); ok {
		r.torn = alignUp(h.bytes, s.block)
		behind = r.tail.end + r.torn // In between is what somebody saved, which may look like anything.
	} else if le.Uint32(buf) == batchMagic && le.Uint32(buf[24:]) == s.number {
		r.torn = s.block
	}
	for offset := behind; offset < s.limit(); offset += s.block {
		buf, err := r.window.bytes(offset, batchHeaderBytes)
		if err != nil {
			return err
		}
		if h, ok := parseBatchHeader(buf, s, offset); ok {
			return corrupt(s.path, int64(r.tail.end), hintReplace,
				"%s, and batch %d at byte %d proves that it was whole", problem, h.seq, offset)
		}
	}
	buf, err = r.window.bytes(s.limit(), proofBytes)
	if err != nil {
		return err
	}
	if seq, ok := parseProof(buf, s); ok && seq > r.tail.seq {
		return corrupt(s.path, int64(r.tail.end), hintReplace, "%s, and the segment's last block proves that it was whole", problem)
	}
	return nil
}
