// SPDX-License-Identifier: Apache-2.0

package raft

import "github.com/balsa-raft/raft/wire"

// SnapshotMeta describes a snapshot; see wire.SnapshotMeta.
type SnapshotMeta = wire.SnapshotMeta

// SnapshotID names one snapshot; see wire.SnapshotID.
type SnapshotID = wire.SnapshotID

// SnapshotStore keeps the snapshots of all groups of one node. Package snapdir has the
// one that keeps them in files, package mem one for tests.
//
// A snapshot comes into being between Begin and Publish, and nobody sees it before. Begin,
// Write, Publish, Abandon and Delete are called for one group by one goroutine at a time;
// List and ReadAt by any, also meanwhile. What has been published is never changed.
type SnapshotStore interface {
	// List describes the published snapshots of a group, the one with the highest Last
	// first. One that is known to be damaged is not among them.
	List(group GroupID) ([]SnapshotMeta, error)

	// Begin starts to write a snapshot, or goes on with an unfinished one of the same ID,
	// also after a crash. It returns how many bytes of its data are there and intact:
	// writing goes on behind them. Every other unfinished snapshot of the group is abandoned,
	// so there is one at most. The Size and Checksum of meta may be zero.
	Begin(group GroupID, meta SnapshotMeta) (held uint64, err error)

	// Write appends to the unfinished snapshot; offset is how many bytes it has. It
	// need not be durable when Write returns. Write must not keep data.
	Write(group GroupID, id SnapshotID, offset uint64, data []byte) error

	// Publish ends the unfinished snapshot, whose data must be of this size and checksum
	// (CRC-32C): if they are not, or not any more, it is an error and the snapshot is
	// abandoned. When Publish returns nil, the snapshot is durable, and it is in List after
	// a crash, too. At any moment it is published whole or not at all.
	Publish(group GroupID, id SnapshotID, size uint64, checksum uint32) error

	// Abandon drops the group's unfinished snapshot, if there is one.
	Abandon(group GroupID) error

	// ReadAt reads data of a published snapshot from offset on into buf, as many bytes as
	// there are, and returns io.EOF with those at the end. Every read verifies what it
	// reads: damaged data are an error, and never returned. When ReadAt has returned an error
	// because of damage, the snapshot is not in List any more. After any other error, as one of
	// the disk, it is, for the next read may succeed: so whoever calls tells the two apart.
	ReadAt(group GroupID, id SnapshotID, buf []byte, offset uint64) (n int, err error)

	// Delete removes a published snapshot with all that is kept of it, also a damaged one,
	// which List omits. It is no error if there is none.
	Delete(group GroupID, id SnapshotID) error

	// Close releases the store. The library does not call it: who opened it closes it,
	// after the node.
	Close() error
}
