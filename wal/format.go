// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/balsa-raft/raft/wire"
)

// formatVersion is the version of everything described in docs/formats-wal.md.
const formatVersion = 2

// Sizes of what the files are made of, in bytes.
const (
	fileHeaderBytes    = 128
	identityBytes      = 48
	batchHeaderBytes   = 48
	recordHeaderBytes  = 40
	checkpointPerGroup = 56
	sealBytes          = 24
	proofBytes         = 32
)

const (
	segmentMagic  = "balsawal"
	identityMagic = "balsanod"
	batchMagic    = 0x68637462 // "btch"
	sealMagic     = 0x6c616573 // "seal"
	proofMagic    = 0x666f7270 // "prof"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var le = binary.LittleEndian

// seedOf starts the checksums of everything in a segment but its header, so that
// nothing passes for what it is not in another segment or folder, nor after the
// file was recycled.
func seedOf(incarnation wire.Incarnation, segment uint32) uint32 {
	var identity [12]byte
	le.PutUint64(identity[0:], uint64(incarnation))
	le.PutUint32(identity[8:], segment)
	return crc32.Checksum(identity[:], castagnoli)
}

func alignUp(n, block uint32) uint32 { return (n + block - 1) &^ (block - 1) }

// identity is whose folder it is.
type identity struct {
	cluster     wire.ClusterID
	node        wire.NodeID
	incarnation wire.Incarnation
}

// put writes the identity as it stands in the identity file and in every segment's
// header, with a magic and a version; the checksum comes later.
func (id identity) put(buf []byte, magic string) {
	copy(buf[0:8], magic)
	le.PutUint32(buf[8:], formatVersion)
	copy(buf[16:32], id.cluster[:])
	le.PutUint64(buf[32:], uint64(id.node))
	le.PutUint64(buf[40:], uint64(id.incarnation))
}

func parseIdentity(buf []byte) identity {
	id := identity{node: wire.NodeID(le.Uint64(buf[32:])), incarnation: wire.Incarnation(le.Uint64(buf[40:]))}
	copy(id.cluster[:], buf[16:32])
	return id
}

// putFileSum and fileSumOK treat the checksum of an identity or a segment header,
// which is over all of it but the checksum itself. Every version of the format keeps
// magic, version and checksum where they are.
func putFileSum(buf []byte) { le.PutUint32(buf[12:], fileSum(buf)) }

func fileSumOK(buf []byte, magic string) bool {
	return string(buf[0:8]) == magic && le.Uint32(buf[12:]) == fileSum(buf)
}

func fileSum(buf []byte) uint32 {
	return crc32.Update(crc32.Checksum(buf[:12], castagnoli), castagnoli, buf[16:])
}

// tail is where a log ends: the sequence number and the checksum of the last batch,
// and the byte behind it in its segment.
type tail struct {
	seq uint64
	sum uint32
	end uint32
}

// segmentHeader is what a segment file begins with.
type segmentHeader struct {
	identity
	number  uint32
	bytes   uint32
	block   uint32
	before  tail   // where the segment before ended
	state   uint32 // size of the checkpoint in bytes
	groups  uint32
	sumOfCP uint32
}

func (h *segmentHeader) put(buf []byte) {
	h.identity.put(buf, segmentMagic)
	le.PutUint32(buf[48:], h.number)
	le.PutUint32(buf[52:], h.bytes)
	le.PutUint32(buf[56:], h.block)
	le.PutUint32(buf[60:], h.before.end)
	le.PutUint64(buf[64:], h.before.seq)
	le.PutUint32(buf[72:], h.before.sum)
	le.PutUint32(buf[76:], h.state)
	le.PutUint32(buf[80:], h.groups)
	le.PutUint32(buf[84:], h.sumOfCP)
	putFileSum(buf[:fileHeaderBytes])
}

func parseSegmentHeader(buf []byte) segmentHeader {
	return segmentHeader{
		identity: parseIdentity(buf),
		number:   le.Uint32(buf[48:]),
		bytes:    le.Uint32(buf[52:]),
		block:    le.Uint32(buf[56:]),
		before:   tail{end: le.Uint32(buf[60:]), seq: le.Uint64(buf[64:]), sum: le.Uint32(buf[72:])},
		state:    le.Uint32(buf[76:]),
		groups:   le.Uint32(buf[80:]),
		sumOfCP:  le.Uint32(buf[84:]),
	}
}

// start is where the first batch begins.
func (h *segmentHeader) start() uint32 { return alignUp(fileHeaderBytes+h.state, h.block) }

// A seal is the last block of a segment that has a successor: if the successor
// is missing, it was removed.
func putSeal(buf []byte, incarnation wire.Incarnation, number, seed uint32) {
	le.PutUint32(buf[0:], sealMagic)
	le.PutUint64(buf[8:], uint64(incarnation))
	le.PutUint32(buf[16:], number)
	le.PutUint32(buf[20:], number+1)
	le.PutUint32(buf[4:], crc32.Update(seed, castagnoli, buf[8:sealBytes]))
}

func isSeal(buf []byte, incarnation wire.Incarnation, number, seed uint32) bool {
	var want [sealBytes]byte
	putSeal(want[:], incarnation, number, seed)
	return string(buf[:sealBytes]) == string(want[:])
}

// A proof stands where the seal will, as long as a segment has no successor, if it
// has no room for an empty batch: it says that its last batch was synced.
func putProof(buf []byte, s *segment, t tail) {
	le.PutUint32(buf[0:], proofMagic)
	le.PutUint64(buf[8:], uint64(s.incarnation))
	le.PutUint32(buf[16:], s.number)
	le.PutUint32(buf[20:], t.sum)
	le.PutUint64(buf[24:], t.seq)
	le.PutUint32(buf[4:], crc32.Update(s.seed, castagnoli, buf[8:proofBytes]))
}

// parseProof returns the sequence number of the batch that a proof says was synced, if
// it is one.
func parseProof(buf []byte, s *segment) (seq uint64, ok bool) {
	ok = le.Uint32(buf[0:]) == proofMagic && le.Uint64(buf[8:]) == uint64(s.incarnation) &&
		le.Uint32(buf[16:]) == s.number && le.Uint32(buf[4:]) == crc32.Update(s.seed, castagnoli, buf[8:proofBytes])
	return le.Uint64(buf[24:]), ok
}
