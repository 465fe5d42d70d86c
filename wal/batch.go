// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"hash/crc32"
)

// batchHeader is what every batch begins with. Its checksum is over itself, what
// seedOf says, the checksum of the batch before and, by way of body, all records.
type batchHeader struct {
	sum      uint32
	seq      uint64
	bytes    uint32 // header and records, without the padding
	records  uint32
	previous uint32 // checksum of the batch before
	body     uint32 // checksum of the records' checksums
}

func (h *batchHeader) put(buf []byte, s *segment, offset uint32) {
	le.PutUint32(buf[0:], batchMagic)
	le.PutUint64(buf[8:], h.seq)
	le.PutUint64(buf[16:], uint64(s.incarnation))
	le.PutUint32(buf[24:], s.number)
	le.PutUint32(buf[28:], offset)
	le.PutUint32(buf[32:], h.bytes)
	le.PutUint32(buf[36:], h.records)
	le.PutUint32(buf[40:], h.previous)
	le.PutUint32(buf[44:], h.body)
	h.sum = crc32.Update(s.seed, castagnoli, buf[8:batchHeaderBytes])
	le.PutUint32(buf[4:], h.sum)
}

// parseBatchHeader reports whether a batch of this segment was once written at this
// offset, and what its header says.
func parseBatchHeader(buf []byte, s *segment, offset uint32) (batchHeader, bool) {
	h := batchHeader{
		sum:      le.Uint32(buf[4:]),
		seq:      le.Uint64(buf[8:]),
		bytes:    le.Uint32(buf[32:]),
		records:  le.Uint32(buf[36:]),
		previous: le.Uint32(buf[40:]),
		body:     le.Uint32(buf[44:]),
	}
	ok := le.Uint32(buf[0:]) == batchMagic &&
		le.Uint64(buf[16:]) == uint64(s.incarnation) && le.Uint32(buf[24:]) == s.number &&
		le.Uint32(buf[28:]) == offset &&
		h.sum == crc32.Update(s.seed, castagnoli, buf[8:batchHeaderBytes])
	return h, ok
}
