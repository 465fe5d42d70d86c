// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is what every decoding error wraps: the bytes are not a message,
// entry or membership of this version.
var ErrMalformed = errors.New("wire: malformed")

func appendUint32(buf []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(buf, v) }
func appendUint64(buf []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(buf, v) }

func appendBytes(buf, data []byte) []byte {
	return append(appendUint32(buf, uint32(len(data))), data...)
}

func appendBool(buf []byte, v bool) []byte {
	if v {
		return append(buf, 1)
	}
	return append(buf, 0)
}

func appendLogID(buf []byte, id LogID) []byte {
	return appendUint64(appendUint64(buf, uint64(id.Term)), uint64(id.Index))
}

// decoder reads a buffer front to back. The first error sticks, and every read
// after it returns zero, so that callers check once at the end.
type decoder struct {
	buf []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	d.buf = nil
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.buf) {
		d.fail("cut short")
		return nil
	}
	taken := d.buf[:n:n]
	d.buf = d.buf[n:]
	return taken
}

func (d *decoder) uint8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) bool() bool {
	v := d.uint8()
	if v > 1 {
		d.fail("a truth value that is neither")
	}
	return v == 1
}

func (d *decoder) bytes() []byte {
	n := d.uint32()
	if uint64(n) > uint64(len(d.buf)) {
		d.fail("cut short")
		return nil
	}
	return d.take(int(n))
}

// count reads the number of items that follow, each of at least sizeMin bytes, so
// that a forged count cannot ask for more memory than its message has bytes.
func (d *decoder) count(sizeMin int) int {
	n := d.uint32()
	if uint64(n)*uint64(sizeMin) > uint64(len(d.buf)) {
		d.fail("a count beyond the message's end")
		return 0
	}
	return int(n)
}

func (d *decoder) logID() LogID {
	return LogID{Term: Term(d.uint64()), Index: Index(d.uint64())}
}

func (d *decoder) nodeIDs() []NodeID {
	n := d.count(8)
	if n == 0 {
		return nil
	}
	ids := make([]NodeID, n)
	for i := range ids {
		ids[i] = NodeID(d.uint64())
	}
	return ids
}

// entry reads an entry. Logs are read entry by entry, so it looks at the length of the buffer only twice.
func (d *decoder) entry() Entry {
	head := d.take(EntryOverhead)
	if head == nil {
		return Entry{}
	}
	size := binary.LittleEndian.Uint32(head[17:])
	if uint64(size) > uint64(len(d.buf)) {
		d.fail("cut short")
		return Entry{}
	}
	e := Entry{
		Index: Index(binary.LittleEndian.Uint64(head)), Term: Term(binary.LittleEndian.Uint64(head[8:])),
		Kind: EntryKind(head[16]), Data: d.take(int(size)),
	}
	if e.Kind < EntryBlank || e.Kind > EntryMembership {
		d.fail("an entry of unknown kind")
	}
	return e
}

func (d *decoder) finish() error {
	if d.err == nil && len(d.buf) > 0 {
		d.fail("bytes after the end")
	}
	return d.err
}
