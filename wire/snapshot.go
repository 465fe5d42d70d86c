// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// SnapshotID names one snapshot. It is drawn at random when the snapshot is taken, and
// its copies on other nodes have it, too: equal IDs mean equal bytes.
type SnapshotID uint64

// String returns the ID in hexadecimal.
func (id SnapshotID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// SnapshotMeta describes a snapshot: the state that a group's state machine had come to
// at one point of the log (§7).
type SnapshotMeta struct {
	ID SnapshotID
	// Last is the last entry that the snapshot covers. It was committed.
	Last LogID
	// Membership was in effect at Last, and MembershipAt is the index of its entry.
	// It was committed, too.
	Membership   Membership
	MembershipAt Index
	// Command is the last entry that the state machine was given; entries between it
	// and Last are the library's own.
	Command LogID
	// Version says how the state machine has written its state.
	Version uint32
	// External says that the state is kept by the state machine itself, durably, and
	// that there are no data here.
	External bool
	// Size is the number of bytes of the data, and Checksum their CRC-32C. Both are
	// zero while they are not known, because the data are still being written.
	Size     uint64
	Checksum uint32
}

// snapshotMetaBytes is the size of an encoded description without its membership.
const snapshotMetaBytes = 8 + 16 + 8 + 16 + 4 + 1 + 8 + 4

// AppendSnapshotMeta appends the encoding of a description.
func AppendSnapshotMeta(buf []byte, s *SnapshotMeta) []byte {
	buf = appendUint64(buf, uint64(s.ID))
	buf = appendLogID(buf, s.Last)
	buf = appendUint64(buf, uint64(s.MembershipAt))
	buf = appendLogID(buf, s.Command)
	buf = appendUint32(buf, s.Version)
	buf = appendBool(buf, s.External)
	buf = appendUint64(buf, s.Size)
	buf = appendUint32(buf, s.Checksum)
	return AppendMembership(buf, &s.Membership)
}

// DecodeSnapshotMeta decodes a description, which must be all of buf, and checks what
// can be checked of it.
func DecodeSnapshotMeta(buf []byte) (SnapshotMeta, error) {
	d := decoder{buf: buf}
	s := d.snapshotMeta()
	return s, d.finish()
}

// snapshotMeta reads a description, which is all that is left.
func (d *decoder) snapshotMeta() SnapshotMeta {
	s := SnapshotMeta{
		ID: SnapshotID(d.uint64()), Last: d.logID(), MembershipAt: Index(d.uint64()), Command: d.logID(),
		Version: d.uint32(), External: d.bool(), Size: d.uint64(), Checksum: d.uint32(),
	}
	if d.err != nil {
		return SnapshotMeta{}
	}
	membership, err := DecodeMembership(d.buf)
	if err != nil {
		d.fail("a snapshot's membership")
		return SnapshotMeta{}
	}
	d.buf = nil
	s.Membership = membership
	if s.ID == 0 || s.Last.Index == 0 || s.Last.Term == 0 || s.MembershipAt > s.Last.Index || s.Command.Index > s.Last.Index || s.Command.Term > s.Last.Term {
		d.fail("a snapshot that cannot be")
		return SnapshotMeta{}
	}
	return s
}
