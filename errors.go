// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
)

// Three families of errors say what became of a proposal. Each error that Propose
// returns wraps exactly one of them, to be asked for with errors.Is.
var (
	// ErrNotApplied means that the command was surely not applied and never will
	// be: the caller may retry freely, here or on another node.
	ErrNotApplied = errors.New("raft: not applied")

	// ErrOutcomeUnknown means that the command may or may not have been applied, or
	// may still be: retry only what may be applied twice. errors.As with an
	// *UnknownOutcomeError tells the LogID, where it is known.
	ErrOutcomeUnknown = errors.New("raft: outcome unknown")

	// ErrStopped means that the node or the group has stopped, by Close or by a
	// failure, before it took the command: it was surely not applied by this node.
	// A command that it had taken already ends with ErrOutcomeUnknown instead.
	ErrStopped = errors.New("raft: stopped")
)

// Reasons for ErrNotApplied; each wraps it.
var (
	// ErrTooLarge means that the command exceeds GroupConfig.CommandBytesMax.
	ErrTooLarge = fmt.Errorf("%w: command too large", ErrNotApplied)
	// ErrOverwritten means that another entry was committed in the command's place.
	ErrOverwritten = fmt.Errorf("%w: overwritten after a change of leader", ErrNotApplied)
	// ErrNoLeader means that no leader was known while the caller's context allowed.
	ErrNoLeader = fmt.Errorf("%w: no leader", ErrNotApplied)
	// ErrNotLeader means that this node does not lead and forwarding is off.
	ErrNotLeader = fmt.Errorf("%w: not the leader", ErrNotApplied)
	// ErrTooBusy means that there was no room for the command while the caller's
	// context allowed.
	ErrTooBusy = fmt.Errorf("%w: too busy", ErrNotApplied)
)

// ErrInitialized is returned by Initialize if the group was formed with other members.
var ErrInitialized = errors.New("raft: already initialized with other members")

// UnknownOutcomeError is an ErrOutcomeUnknown that knows where the command stands
// in the log, if it is there at all.
type UnknownOutcomeError struct {
	// LogID is the command's place, zero if not even that is known. The command was
	// applied if and only if the entry that is committed at this index has this term.
	LogID LogID
	// Cause says why the outcome could not be awaited.
	Cause error
}

// Error describes the error.
func (e *UnknownOutcomeError) Error() string {
	if e.LogID == (LogID{}) {
		return fmt.Sprintf("%v: %v", ErrOutcomeUnknown, e.Cause)
	}
	return fmt.Sprintf("%v: entry %v: %v", ErrOutcomeUnknown, e.LogID, e.Cause)
}

// Unwrap makes errors.Is find ErrOutcomeUnknown and the cause.
func (e *UnknownOutcomeError) Unwrap() []error { return []error{ErrOutcomeUnknown, e.Cause} }

// stoppedError is an ErrStopped with the failure that caused it.
type stoppedError struct{ cause error }

func (e *stoppedError) Error() string { return ErrStopped.Error() + ": " + e.cause.Error() }

func (e *stoppedError) Unwrap() []error { return []error{ErrStopped, e.cause} }
