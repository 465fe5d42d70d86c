// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"hash/crc32"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// encodeBytesKept bounds the buffer that an encoder keeps from one batch to the next.
const encodeBytesKept = 4 << 20

// encoder encodes batches, into the same buffer each time.
type encoder struct {
	buf     []byte
	runs    []run // of the entries encoded, in order
	segment *segment
	offset  uint32 // where the batch begins in the segment
	body    uint32 // checksum of the records' checksums
	records uint32
	sumBuf  [4]byte
}

// begin starts a batch of at most size bytes at an offset of a segment.
func (e *encoder) begin(s *segment, offset uint32, size int) {
	if cap(e.buf) > encodeBytesKept && size <= encodeBytesKept {
		e.buf = nil
	}
	e.buf = slices.Grow(e.buf[:0], int(alignUp(uint32(size), s.block)))[:batchHeaderBytes]
	e.runs, e.segment, e.offset, e.body, e.records = e.runs[:0], s, offset, 0, 0
}

// update encodes one update; compact is the LogID of its compaction point, if it
// has one.
func (e *encoder) update(u *wire.Update, compact wire.LogID) {
	if h := u.HardState; !h.IsZero() {
		e.point(record{kind: recordHardState, group: u.Group, a: uint64(h.Term), b: uint64(h.Vote)})
	}
	if p := u.Reset; p != (wire.LogID{}) {
		e.point(record{kind: recordReset, group: u.Group, a: uint64(p.Term), b: uint64(p.Index)})
	}
	for rest := u.Entries; len(rest) > 0; {
		rest = rest[e.entries(u.Group, rest):]
	}
	if compact != (wire.LogID{}) {
		e.point(record{kind: recordCompact, group: u.Group, a: uint64(compact.Term), b: uint64(compact.Index)})
	}
}

// point encodes a record without a body.
func (e *encoder) point(r record) {
	start := e.startRecord()
	e.finishRecord(start, r)
}

// entries encodes a record of as many entries as fit, and returns how many that are.
func (e *encoder) entries(group wire.GroupID, entries []wire.Entry) int {
	start := e.startRecord()
	count, room := 0, recordBodyBytesMax
	for i := range entries {
		if room -= entries[i].Size(); room < 0 && count > 0 {
			break
		}
		e.buf = wire.AppendEntry(e.buf, entries[i])
		count++
	}
	e.finishRecord(start, record{kind: recordEntries, group: group, a: uint64(entries[0].Index), b: uint64(count)})
	e.runs = append(e.runs, run{
		first:   entries[0].Index,
		count:   uint16(count),
		segment: e.segment.number,
		offset:  e.offset + uint32(start),
		bytes:   uint32(len(e.buf) - start),
	})
	return count
}

func (e *encoder) startRecord() int {
	start := len(e.buf)
	var header [recordHeaderBytes]byte
	e.buf = append(e.buf, header[:]...)
	return start
}

func (e *encoder) finishRecord(start int, r record) {
	sum := finishRecord(e.buf[start:], e.segment.seed, e.offset+uint32(start), r)
	le.PutUint32(e.sumBuf[:], sum)
	e.body = crc32.Update(e.body, castagnoli, e.sumBuf[:])
	e.records++
}

// finish completes the batch that follows the tail, and returns it, padded with
// zeroes to whole blocks, and the new tail.
func (e *encoder) finish(before tail) ([]byte, tail) {
	header := batchHeader{
		seq:      before.seq + 1,
		bytes:    uint32(len(e.buf)),
		records:  e.records,
		previous: before.sum,
		body:     e.body,
	}
	header.put(e.buf, e.segment, e.offset)
	length := len(e.buf)
	padded := int(alignUp(uint32(length), e.segment.block))
	e.buf = slices.Grow(e.buf, padded-length)[:padded]
	clear(e.buf[length:])
	return e.buf, tail{seq: header.seq, sum: header.sum, end: e.offset + uint32(padded)}
}

// updateBytes is an upper bound of the encoded size of an update. Of two records of
// entries that follow each other, the entries are together larger than one may hold,
// so there are at most two for each time that size, and one more.
func updateBytes(u *wire.Update) int {
	const pointsMax = 3
	size := pointsMax * recordHeaderBytes
	if len(u.Entries) > 0 {
		body := wire.SizeOf(u.Entries)
		records := min(len(u.Entries), 2*(body/recordBodyBytesMax)+2)
		size += body + records*recordHeaderBytes
	}
	return size
}
