// SPDX-License-Identifier: Apache-2.0

package raft

import "github.com/balsa-raft/raft/wire"

// LogStore keeps the logs and hard states of all groups of one node. Package wal
// has the durable one, package mem one for tests.
//
// Save is called by one goroutine, the node's log writer. Load and Entries are
// called from any goroutine, also while a Save runs.
type LogStore interface {
	// Save makes the updates durable, in order, each of them atomically: after a
	// crash an update is there whole or not at all, and if one is there, so are all
	// before it. All are durable when Save returns nil. An error is final: the
	// library stops the node, and nothing is retried, because after a failed
	// sync nobody knows what the disk holds. Save must not keep or change what it
	// is given.
	Save(updates []wire.Update) error

	// Load returns what is known about a group: a zero LogState for a new one.
	Load(group GroupID) (wire.LogState, error)

	// Entries returns the entries of a group from lo up to and including hi, or
	// fewer, but at least one, if they would exceed bytesMax in Entry.Size. Every read verifies what it
	// reads: an entry that isn't there or is damaged is an error, never a
	// gap and never a zero entry. The entries returned are not changed afterwards.
	Entries(group GroupID, lo, hi Index, bytesMax int) ([]Entry, error)

	// Close releases the store. The library does not call it: who opened it closes
	// it, after the node.
	Close() error
}

// Identified is what a LogStore offers that can tell whether it has been replaced. The
// membership of a group records each voter's incarnation, and a voter that comes back with
// another one, or without data, does not vote until it is removed and added again. Of a store
// that does not offer it, nobody notices that its disk was lost.
type Identified interface {
	// Incarnation returns a number that was drawn at random when the store was created
	// empty, and is never one of another store. It is neither 0 nor 1.
	Incarnation() Incarnation
}

// incarnationNone is recorded of a voter that has no incarnation.
const incarnationNone Incarnation = 1

// incarnationOf returns zero for who has none.
func incarnationOf(store LogStore) Incarnation {
	if identified, ok := store.(Identified); ok {
		return identified.Incarnation()
	}
	return 0
}
