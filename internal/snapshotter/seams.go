// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"

	"github.com/balsa-raft/raft/wire"
)

// What a call of Take can end with, besides what the state machine or the store says.
// No snapshot has been taken for it then.
var (
	// ErrClosed says that the group ends on this node.
	ErrClosed = errors.New("snapshotter: closed")
	// ErrFetching says that the node is fetching a snapshot from another member, whose
	// state will replace its own.
	ErrFetching = errors.New("snapshotter: a snapshot is being fetched from another member")
	// ErrNothing says that nothing has been applied yet.
	ErrNothing = errors.New("snapshotter: there is no state yet")
	// ErrOverloaded says that too many others wait already; see callersMax.
	ErrOverloaded = errors.New("snapshotter: too many wait for a snapshot")
)

// Store is where snapshots are kept; see raft.SnapshotStore.
type Store interface {
	// List describes what is published, but for what is known to be damaged.
	List(group wire.GroupID) ([]wire.SnapshotMeta, error)
	// Begin makes a snapshot the group's unfinished one, and says how much of it there is.
	Begin(group wire.GroupID, meta wire.SnapshotMeta) (held uint64, err error)
	// Write appends to the unfinished snapshot.
	Write(group wire.GroupID, id wire.SnapshotID, offset uint64, data []byte) error
	// Publish verifies the unfinished snapshot and makes it durable.
	Publish(group wire.GroupID, id wire.SnapshotID, size uint64, checksum uint32) error
	// Abandon drops the unfinished snapshot.
	Abandon(group wire.GroupID) error
	// ReadAt reads and verifies a part of a published snapshot. Any goroutine may call it. If
	// what it reads is damaged, the snapshot is not in List any more when it returns.
	ReadAt(group wire.GroupID, id wire.SnapshotID, buf []byte, offset uint64) (n int, err error)
	// Delete removes a published snapshot, listed or not, if it is there.
	Delete(group wire.GroupID, id wire.SnapshotID) error
}

// Owner is the group. Its methods are called by the goroutine that steps, without a
// lock that the snapshotter's exported methods need, and must not block. They must not
// call Step.
type Owner interface {
	// Send sends a message to a member, and returns false if it was dropped.
	Send(to wire.NodeID, m wire.Message) bool
	// Capture asks the applier for a capture of the state. It must be answered by one
	// call of Captured; a second one of the same kind is not asked for before. With
	// stream, the state machine has durable state and the capture is to be sent to a
	// member.
	Capture(stream bool)
	// Taken says that a snapshot of the node's own has been published.
	Taken(meta wire.SnapshotMeta)
	// Received says that a snapshot which a member has offered is published here, just
	// now or already before. The core decides whether to install it.
	Received(from wire.NodeID, meta wire.SnapshotMeta)
	// Trouble is for the log: what did not work, with what happens next, and why. err
	// may be nil.
	Trouble(what string, err error)
}
