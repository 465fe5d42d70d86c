// SPDX-License-Identifier: Apache-2.0

package raft

import "io"

// StateMachine is what the user replicates. It is called by one goroutine, the
// group's applier, and by nothing else.
//
// Apply must be deterministic: the same commands in the same order give the same
// state and the same values on every node. So it has no context, and it must not
// look at a clock, at random numbers, at the iteration order of a map or at
// anything else that is not in the commands; what it needs of these travels in
// the command.
type StateMachine interface {
	// Apply applies committed commands, in index order, each exactly once in the
	// life of the process. Every entry is a command; entries that the library
	// itself writes (blank ones, memberships) are left out, so indexes may skip.
	//
	// It returns one value for each entry, which Propose hands to the caller, or
	// nil if no command has a value. The batch and the data in it are the
	// library's: they are valid until Apply returns and must not be changed, so
	// that a state machine copies what it keeps. The values returned are handed to
	// whoever proposed the commands: the state machine must not change them
	// afterwards, and the callers must not change what they get.
	//
	// A panic in Apply stops the group on this node: its state is not known any more.
	Apply(batch []Entry) (values [][]byte)
}

// Snapshotter is a StateMachine whose state can be captured and replaced. A group whose
// state machine is none, or whose node has no SnapshotStore, never compacts its log.
// Snapshot and Restore are called by the goroutine that calls Apply, so never at the same
// time as Apply or as each other.
type Snapshotter interface {
	StateMachine

	// Snapshot captures the state as it is, between two calls of Apply. It should be
	// cheap, for nothing is applied meanwhile: what is read from the capture is written out
	// beside Apply, by another goroutine, which closes it at the end, at most one capture
	// at a time for the node's own snapshots and one for each member that is being sent one.
	// What is read must be the state at the time of the call, whatever is applied later, and
	// should be equal bytes for equal states.
	//
	// An error puts the snapshot off: the library asks again, later.
	//
	// CaptureFunc makes a capture of a function that writes.
	Snapshot() (io.ReadCloser, error)

	// Restore replaces the whole state with one that Snapshot has captured, here or on
	// another node. What r gives has been verified, block by block, and an error of r must
	// be returned: then, as after any error, the state is not used any more, but Restore may be
	// called again with another snapshot.
	Restore(r io.Reader) error
}

// DurableStateMachine is a Snapshotter that keeps its state on disk, along with the LogID of
// the last entry applied, changed in one transaction with the state. The library then does
// not write the state a second time: a snapshot of such a state machine is a call of Sync, and a member
// that lags too far is sent a capture as it is read. It is given entries only that are durable in its own log.
type DurableStateMachine interface {
	Snapshotter

	// LastApplied returns the LogID of the last command whose effects are in the state,
	// zero if there is none. It is called once, before anything else; the
	// log is applied from there on.
	LastApplied() (LogID, error)

	// Sync makes the state, with everything applied so far, durable. It is called between two calls of
	// Apply. The log may forget afterwards what was applied before. An error stops the group.
	Sync() error
}

// CaptureFunc returns a capture, for Snapshotter.Snapshot, that is what write writes. write is called
// by a goroutine of its own, which ends when write returns or the capture is closed:
// then the writer returns an error.
func CaptureFunc(write func(w io.Writer) error) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	return r
}
