// SPDX-License-Identifier: Apache-2.0

package raft

// SnapshotStatus says what a member does about snapshots, and what it has done since it was
// started.
type SnapshotStatus struct {
	// Latest is the newest snapshot that the member has, with a zero ID if it has none.
	Latest SnapshotMeta
	// Taking is how many bytes of the snapshot that is being taken are written, and
	// IsTaking whether one is.
	IsTaking bool
	Taking   uint64
	// Receiving is the snapshot that is being fetched from another member, nil if none is.
	Receiving *SnapshotTransfer
	// Sending are the snapshots that are being sent to others.
	Sending []SnapshotTransfer

	// Taken, Sent and Received count snapshots, and Failed those that could not be taken.
	Taken, Failed, Sent, Received uint64
	// Interrupted counts transfers to this member that were given up, and Resumed those that
	// went on with what an earlier one had left.
	Interrupted, Resumed uint64
	// Damaged counts snapshots of this member that were found to be damaged.
	Damaged uint64
	// BytesSent and BytesReceived count what the transfers have carried.
	BytesSent, BytesReceived uint64
}

// SnapshotTransfer is a snapshot on its way to or from another member.
type SnapshotTransfer struct {
	Peer NodeID
	ID   SnapshotID
	// Last is the index of the last entry that the snapshot covers.
	Last Index
	// Bytes of Size have been transferred; Size is zero if it is not known yet.
	Bytes, Size uint64
}

// snapshotStatus asks the snapshotter.
func (g *Group) snapshotStatus() SnapshotStatus {
	if g.snapshots == nil {
		return SnapshotStatus{}
	}
	from := g.snapshots.Status()
	s := SnapshotStatus{
		Latest: from.Latest, IsTaking: from.Taking.Active, Taking: from.Taking.Bytes,
		Taken: from.Taken, Failed: from.TakeFailed, Sent: from.Sent, Received: from.Received,
		Interrupted: from.Interrupted, Resumed: from.Resumed, Damaged: from.Damaged,
		BytesSent: from.BytesOut, BytesReceived: from.BytesIn,
	}
	if f := from.Fetching; f.Active {
		s.Receiving = &SnapshotTransfer{Peer: f.From, ID: f.ID, Last: f.Index, Bytes: f.Bytes, Size: f.Size}
	}
	for _, v := range from.Serving {
		s.Sending = append(s.Sending, SnapshotTransfer{Peer: v.To, ID: v.ID, Last: v.Index, Bytes: v.Offset, Size: v.Size})
	}
	return s
}
