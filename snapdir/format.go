// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/balsa-raft/raft/wire"
)

// formatVersion is the version of everything described in docs/formats-snapshot.md.
const formatVersion = 2

// Sizes of what a file is made of, in bytes.
const (
	headerFixedBytes = 56
	headerBytesMax   = 1 << 20 // The largest membership has 0.3 MiB.
	blockSumBytes    = 4
	footerBytes      = 32
)

const (
	headerMagic = "balsasnp"
	footerMagic = "balsaend"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var le = binary.LittleEndian

// header is what a file begins with.
type header struct {
	cluster wire.ClusterID
	node    wire.NodeID
	group   wire.GroupID
	block   int // bytes of data in each block but the last
	meta    wire.SnapshotMeta

	// What follows from them.
	bytes int64
	sum   uint32
	seed  uint32 // how the checksums of blocks and footer begin
}

// encode returns the header as it stands in the file, and sets what follows from it.
func (h *header) encode() []byte {
	buf := make([]byte, headerFixedBytes, 512)
	copy(buf, headerMagic)
	le.PutUint32(buf[8:], formatVersion)
	le.PutUint32(buf[20:], uint32(h.block))
	copy(buf[24:40], h.cluster[:])
	le.PutUint64(buf[40:], uint64(h.node))
	le.PutUint64(buf[48:], uint64(h.group))
	buf = wire.AppendSnapshotMeta(buf, &h.meta)
	le.PutUint32(buf[16:], uint32(len(buf)))
	le.PutUint32(buf[12:], headerSum(buf))
	h.conclude(buf)
	return buf
}

// conclude sets what follows from the header's bytes. The seed has all of the header in
// it, so that no block passes for one of another snapshot or of an earlier attempt.
func (h *header) conclude(buf []byte) {
	h.bytes, h.sum = int64(len(buf)), le.Uint32(buf[12:])
	var identity [20]byte
	le.PutUint64(identity[0:], uint64(h.group))
	le.PutUint64(identity[8:], uint64(h.meta.ID))
	le.PutUint32(identity[16:], h.sum)
	h.seed = crc32.Checksum(identity[:], castagnoli)
}

// headerSum is over all of a header but the checksum itself. Every version of the format
// keeps magic, version, checksum and size where they are.
func headerSum(buf []byte) uint32 {
	return crc32.Update(crc32.Checksum(buf[:12], castagnoli), castagnoli, buf[16:])
}

// headerSize returns how long a header is, given its first bytes, and zero if it is none.
func headerSize(buf []byte) int {
	if len(buf) < headerFixedBytes || string(buf[:8]) != headerMagic {
		return 0
	}
	size := le.Uint32(buf[16:])
	if size < headerFixedBytes || size > headerBytesMax {
		return 0
	}
	return int(size)
}

// parseHeader reads a header, which must be all of buf and not shorter than its fixed
// part. The error wraps ErrUnsupported, or it is about damage.
func parseHeader(buf []byte) (header, error) {
	if headerSize(buf) != len(buf) || le.Uint32(buf[12:]) != headerSum(buf) {
		return header{}, errProblem("the header does not match its checksum")
	}
	if version := le.Uint32(buf[8:]); version != formatVersion {
		return header{}, fmt.Errorf("%w %d, this program knows version %d", ErrUnsupported, version, formatVersion)
	}
	meta, err := wire.DecodeSnapshotMeta(buf[headerFixedBytes:])
	if err != nil {
		return header{}, errProblem("the description in the header is none")
	}
	h := header{
		node: wire.NodeID(le.Uint64(buf[40:])), group: wire.GroupID(le.Uint64(buf[48:])),
		block: int(le.Uint32(buf[20:])), meta: meta,
	}
	copy(h.cluster[:], buf[24:40])
	if !isBlockBytes(h.block) {
		return header{}, errProblem(fmt.Sprintf("blocks of %d bytes cannot be", h.block))
	}
	h.conclude(buf)
	return h, nil
}

// errProblem is damage of which the place is not known yet.
type errProblem string

func (e errProblem) Error() string { return string(e) }

// layout is what header and footer say about a whole file.
type layout struct {
	header
	size uint64 // of the data
	dsum uint32 // of the data
}

// blocks returns how many blocks there are.
func (l *layout) blocks() uint64 { return (l.size + uint64(l.block) - 1) / uint64(l.block) }

// offset returns where a block begins in the file, with its checksum.
func (h *header) offset(block uint64) int64 {
	return h.bytes + int64(block)*int64(blockSumBytes+h.block)
}

// length returns how many bytes of data a block has.
func (l *layout) length(block uint64) int {
	return int(min(uint64(l.block), l.size-block*uint64(l.block)))
}

// fileBytes returns the size of the whole file.
func (l *layout) fileBytes() int64 {
	return l.bytes + int64(l.blocks()*blockSumBytes+l.size) + footerBytes
}

// described returns the description with what is known at the end.
func (l *layout) described() wire.SnapshotMeta {
	meta := l.meta
	meta.Size, meta.Checksum = l.size, l.dsum
	return meta
}

// putBlockSum completes a block whose data are in place.
func (h *header) putBlockSum(number uint64, block []byte) {
	le.PutUint32(block, h.blockSum(number, block[blockSumBytes:]))
}

// isBlock reports whether a block is the one of this number, and intact.
func (h *header) isBlock(number uint64, block []byte) bool {
	return len(block) > blockSumBytes && le.Uint32(block) == h.blockSum(number, block[blockSumBytes:])
}

func (h *header) blockSum(number uint64, data []byte) uint32 {
	var identity [12]byte
	le.PutUint64(identity[0:], number)
	le.PutUint32(identity[8:], uint32(len(data)))
	return crc32.Update(crc32.Update(h.seed, castagnoli, identity[:]), castagnoli, data)
}

// appendFooter appends the footer of a file.
func (l *layout) appendFooter(buf []byte) []byte {
	start := len(buf)
	buf = append(buf, footerMagic...)
	buf = le.AppendUint32(buf, 0)
	buf = le.AppendUint32(buf, l.dsum)
	buf = le.AppendUint64(buf, l.size)
	buf = le.AppendUint64(buf, l.blocks())
	le.PutUint32(buf[start+8:], l.footerSum(buf[start:]))
	return buf
}

func (h *header) footerSum(footer []byte) uint32 {
	return crc32.Update(crc32.Update(h.seed, castagnoli, footer[:8]), castagnoli, footer[12:footerBytes])
}

// parseFooter reads the footer, the last bytes of a file of so many bytes in all.
func parseFooter(h header, footer []byte, fileBytes int64) (layout, error) {
	if string(footer[:8]) != footerMagic || le.Uint32(footer[8:]) != h.footerSum(footer) {
		return layout{}, errProblem("the footer does not match its checksum")
	}
	l := layout{header: h, dsum: le.Uint32(footer[12:]), size: le.Uint64(footer[16:])}
	if l.size > math.MaxInt64/2 || le.Uint64(footer[24:]) != l.blocks() || l.fileBytes() != fileBytes {
		return layout{}, errProblem(fmt.Sprintf("the footer is not one of a file of %d bytes", fileBytes))
	}
	if h.meta.Size != 0 && h.meta.Size != l.size || h.meta.Checksum != 0 && h.meta.Checksum != l.dsum {
		return layout{}, errProblem("header and footer disagree about the data")
	}
	return l, nil
}
