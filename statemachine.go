// SPDX-License-Identifier: Apache-2.0

package raft

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
