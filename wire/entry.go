// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// EntryKind says what an entry is for.
type EntryKind uint8

// The kinds of entries. Zero is not a kind.
const (
	// EntryBlank is the entry that a leader appends when its term begins (§8).
	EntryBlank EntryKind = 1
	// EntryCommand carries a command for the state machine.
	EntryCommand EntryKind = 2
	// EntryMembership carries an encoded Membership, effective when appended (§6).
	EntryMembership EntryKind = 3
)

// String names the kind.
func (k EntryKind) String() string {
	switch k {
	case EntryBlank:
		return "blank"
	case EntryCommand:
		return "command"
	case EntryMembership:
		return "membership"
	}
	return fmt.Sprintf("EntryKind(%d)", uint8(k))
}

// Entry is one slot of the log. Data is never changed after the entry was made:
// the log cache, the log writer, the replication streams and the state machine
// share it.
type Entry struct {
	Index Index
	Term  Term
	Kind  EntryKind
	Data  []byte
}

// ID returns the entry's LogID.
func (e Entry) ID() LogID { return LogID{Term: e.Term, Index: e.Index} }

// EntryOverhead is the number of bytes an encoded entry has beside its data.
const EntryOverhead = 8 + 8 + 1 + 4

// Size returns the number of bytes the entry takes when encoded. It is what all
// limits in bytes count.
func (e Entry) Size() int { return EntryOverhead + len(e.Data) }

// SizeOf returns the encoded size of several entries together.
func SizeOf(entries []Entry) int {
	size := EntryOverhead * len(entries)
	for i := range entries {
		size += len(entries[i].Data)
	}
	return size
}

// AppendEntry appends the encoding of the entry to buf.
func AppendEntry(buf []byte, e Entry) []byte {
	buf = appendUint64(buf, uint64(e.Index))
	buf = appendUint64(buf, uint64(e.Term))
	buf = append(buf, byte(e.Kind))
	return appendBytes(buf, e.Data)
}

// DecodeEntry decodes one entry from the start of buf and returns what follows
// it. The entry's data aliases buf.
func DecodeEntry(buf []byte) (e Entry, rest []byte, err error) {
	d := decoder{buf: buf}
	e = d.entry()
	return e, d.buf, d.err
}
