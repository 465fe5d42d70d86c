// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"hash/crc32"

	"github.com/balsa-raft/raft/wire"
)

// recordKind says what a record changes in its group.
type recordKind uint8

const (
	recordHardState recordKind = 1 // a is the term, b the vote
	recordReset     recordKind = 2 // a is the term, b the index
	recordEntries   recordKind = 3 // a is the index of the first, b the number of entries
	recordCompact   recordKind = 4 // a is the term, b the index
)

// recordBodyBytesMax bounds the entries of one record, unless it has one only:
// who reads an entry reads its record.
const recordBodyBytesMax = 64 << 10

// recordEntriesMax is how many entries fit in a record: run.count can hold that.
const recordEntriesMax = recordBodyBytesMax / wire.EntryOverhead

// record is one change of one group, with a checksum of its own, so that entries
// can be read and verified without the rest of their batch.
type record struct {
	kind  recordKind
	group wire.GroupID
	a, b  uint64
	body  []byte
}

// finishRecord writes the header of the record that fills buf, which stands at
// offset of a segment with this seed, and returns its checksum.
func finishRecord(buf []byte, seed, offset uint32, r record) uint32 {
	le.PutUint32(buf[4:], uint32(len(buf)))
	le.PutUint32(buf[8:], offset)
	le.PutUint32(buf[12:], uint32(r.kind))
	le.PutUint64(buf[16:], uint64(r.group))
	le.PutUint64(buf[24:], r.a)
	le.PutUint64(buf[32:], r.b)
	sum := crc32.Update(seed, castagnoli, buf[4:])
	le.PutUint32(buf[0:], sum)
	return sum
}

// parseRecord verifies and returns the record at the start of buf, its checksum and
// its size; problem says what is wrong with it, if anything is.
func parseRecord(buf []byte, seed, offset uint32) (r record, sum uint32, size int, problem string) {
	if len(buf) < recordHeaderBytes {
		return r, 0, 0, "a record is cut short"
	}
	length := le.Uint32(buf[4:])
	if length < recordHeaderBytes || uint64(length) > uint64(len(buf)) {
		return r, 0, 0, "a record has an impossible size"
	}
	size = int(length)
	sum = le.Uint32(buf[0:])
	if crc32.Update(seed, castagnoli, buf[4:size]) != sum {
		return r, 0, 0, "a record does not match its checksum"
	}
	if le.Uint32(buf[8:]) != offset {
		return r, 0, 0, "a record was written for another place"
	}
	r = record{
		kind:  recordKind(le.Uint32(buf[12:])),
		group: wire.GroupID(le.Uint64(buf[16:])),
		a:     le.Uint64(buf[24:]),
		b:     le.Uint64(buf[32:]),
		body:  buf[recordHeaderBytes:size:size],
	}
	return r, sum, size, r.check()
}

// check says what is wrong with a record that matches its checksum.
func (r *record) check() string {
	switch {
	case r.group == 0:
		return "a record has no group"
	case r.kind < recordHardState || r.kind > recordCompact:
		return "a record is of unknown kind"
	case (r.kind == recordEntries) != (len(r.body) > 0):
		return "a record has a body that its kind has not"
	case r.kind == recordEntries && (r.b == 0 || r.b > recordEntriesMax):
		return "a record has an impossible number of entries"
	}
	return ""
}

// logID returns the point of a reset or a compaction.
func (r *record) logID() wire.LogID {
	return wire.LogID{Term: wire.Term(r.a), Index: wire.Index(r.b)}
}

// appendEntries decodes the entries of the record and appends them to entries. Their
// data aliases the record. Problem says what is wrong with them, if anything is.
func (r *record) appendEntries(entries []wire.Entry) (all []wire.Entry, problem string) {
	rest := r.body
	for n := uint64(0); n < r.b; n++ {
		entry, next, err := wire.DecodeEntry(rest)
		if err != nil {
			return entries, err.Error()
		}
		if entry.Index != wire.Index(r.a+n) || entry.Index == 0 || entry.Term == 0 {
			return entries, "an entry has an index or a term that it cannot have"
		}
		entries, rest = append(entries, entry), next
	}
	if len(rest) > 0 {
		return entries, "a record has bytes behind its last entry"
	}
	return entries, ""
}
