// SPDX-License-Identifier: Apache-2.0

package wire

// SnapshotOffer tells a member that needs entries which the leader's log no longer has
// of a snapshot that it can fetch from the leader instead (§7). It stands in the place
// of a request of the replication stream Epoch, and is repeated until the member
// acknowledges the snapshot's last entry in that epoch.
type SnapshotOffer struct {
	Term     Term
	Epoch    Epoch
	Snapshot SnapshotMeta
}

// SnapshotWanted tells the leader that a member's state was lost, though not its log: it
// needs a snapshot whose last entry is AtLeast or a later one. It is repeated.
type SnapshotWanted struct {
	Term    Term
	AtLeast Index
}

// SnapshotFetch asks for a part of a snapshot's data: Length bytes, or as many as there
// are, from Offset on. It is answered by exactly one SnapshotChunk, if nothing is lost.
type SnapshotFetch struct {
	ID     SnapshotID
	Offset uint64
	Length uint32
}

// ChunkStatus says what a SnapshotChunk is.
type ChunkStatus uint8

// What a SnapshotChunk can be. Zero is none of it.
const (
	// ChunkData: here are bytes, at least one.
	ChunkData ChunkStatus = 1
	// ChunkEnd: the data end at Offset; Checksum is that of all of them.
	ChunkEnd ChunkStatus = 2
	// ChunkGone: the sender does not have the snapshot, or not any more.
	ChunkGone ChunkStatus = 3
	// ChunkBusy: the sender serves as many others as it may; ask later.
	ChunkBusy ChunkStatus = 4
)

// SnapshotChunk answers SnapshotFetch. Checksum is the CRC-32C of Data; in a ChunkEnd,
// it is that of the whole snapshot's data.
//
// It is a bulk message; see IsBulk.
type SnapshotChunk struct {
	ID       SnapshotID
	Offset   uint64
	Status   ChunkStatus
	Checksum uint32
	Data     []byte
}

// IsBulk reports whether a message is for a lane of its own: it may be long, there may be
// many of its kind, and no other message may have to wait behind it.
func IsBulk(m Message) bool { return m.Kind() == KindSnapshotChunk }

// Kind returns KindSnapshotOffer.
func (*SnapshotOffer) Kind() MessageKind { return KindSnapshotOffer }

// Size returns an upper bound of the encoded size in bytes.
func (m *SnapshotOffer) Size() int {
	return smallMessageBytes + snapshotMetaBytes + membershipBytes(&m.Snapshot.Membership)
}

func (m *SnapshotOffer) append(buf []byte) []byte {
	buf = appendUint64(buf, uint64(m.Term))
	buf = appendUint64(buf, uint64(m.Epoch))
	return AppendSnapshotMeta(buf, &m.Snapshot)
}

func (m *SnapshotOffer) decode(d *decoder) {
	m.Term, m.Epoch = Term(d.uint64()), Epoch(d.uint64())
	m.Snapshot = d.snapshotMeta()
}

// Kind returns KindSnapshotWanted.
func (*SnapshotWanted) Kind() MessageKind { return KindSnapshotWanted }

// Size returns an upper bound of the encoded size in bytes.
func (*SnapshotWanted) Size() int { return smallMessageBytes }

func (m *SnapshotWanted) append(buf []byte) []byte {
	return appendUint64(appendUint64(buf, uint64(m.Term)), uint64(m.AtLeast))
}

func (m *SnapshotWanted) decode(d *decoder) { m.Term, m.AtLeast = Term(d.uint64()), Index(d.uint64()) }

// Kind returns KindSnapshotFetch.
func (*SnapshotFetch) Kind() MessageKind { return KindSnapshotFetch }

// Size returns an upper bound of the encoded size in bytes.
func (*SnapshotFetch) Size() int { return smallMessageBytes }

func (m *SnapshotFetch) append(buf []byte) []byte {
	return appendUint32(appendUint64(appendUint64(buf, uint64(m.ID)), m.Offset), m.Length)
}

func (m *SnapshotFetch) decode(d *decoder) {
	m.ID, m.Offset, m.Length = SnapshotID(d.uint64()), d.uint64(), d.uint32()
}

// Kind returns KindSnapshotChunk.
func (*SnapshotChunk) Kind() MessageKind { return KindSnapshotChunk }

// Size returns an upper bound of the encoded size in bytes.
func (m *SnapshotChunk) Size() int { return smallMessageBytes + len(m.Data) }

func (m *SnapshotChunk) append(buf []byte) []byte {
	buf = appendUint64(appendUint64(buf, uint64(m.ID)), m.Offset)
	buf = appendUint32(append(buf, byte(m.Status)), m.Checksum)
	return appendBytes(buf, m.Data)
}

func (m *SnapshotChunk) decode(d *decoder) {
	m.ID, m.Offset, m.Status, m.Checksum = SnapshotID(d.uint64()), d.uint64(), ChunkStatus(d.uint8()), d.uint32()
	m.Data = d.bytes()
	if d.err == nil && (m.Status < ChunkData || m.Status > ChunkBusy || (m.Status == ChunkData) != (len(m.Data) > 0)) {
		d.fail("a chunk that is none")
	}
}
