// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
)

// What can be wrong with a log. Errors of this package wrap these.
var (
	// ErrCorrupt means that the disk does not hold what was written to it. Nothing
	// was changed. The error is a *CorruptError, which says where.
	ErrCorrupt = errors.New("wal: corrupt")
	// ErrLocked means that the folder is in use, by this or another process.
	ErrLocked = errors.New("wal: folder is in use")
	// ErrWrongCluster means that the folder belongs to another cluster.
	ErrWrongCluster = errors.New("wal: folder of another cluster")
	// ErrWrongNode means that the folder belongs to another node.
	ErrWrongNode = errors.New("wal: folder of another node")
	// ErrVersion means that the folder was written in a format that this version of
	// the program does not know.
	ErrVersion = errors.New("wal: unknown format version")
	// ErrFailed means that an earlier write or sync failed. What was saved before is
	// safe; the last Save that failed may be there after the next Open, or not, or,
	// from its start, in part. The log has to be closed and opened anew.
	ErrFailed = errors.New("wal: failed for good")
	// ErrClosed means that the log was closed.
	ErrClosed = errors.New("wal: closed")
	// ErrNotFound means that entries were asked for that the log does not hold,
	// because they are compacted or were never saved.
	ErrNotFound = errors.New("wal: no such entry")
	// ErrInvalidUpdate means that an update does not fit the log that it is for: it
	// would leave a gap, go back in terms, or touch what is compacted. It is a fault
	// of the caller. Nothing of the Save was written, and the log can still be used.
	ErrInvalidUpdate = errors.New("wal: invalid update")
	// ErrReadOnly means that the log was opened to be read.
	ErrReadOnly = errors.New("wal: opened to be read only")
	// ErrNoLog means that there is no log in a folder from which one was to be read.
	ErrNoLog = errors.New("wal: no log here")
	// ErrTooLarge means that an update does not fit in one segment. Nothing of the
	// Save was written, and the log can still be used.
	ErrTooLarge = errors.New("wal: update too large for a segment")
)

// CorruptError says which file does not hold what was written to it. It wraps
// ErrCorrupt.
type CorruptError struct {
	// File is the file's path; in case of a missing file, the one it should have.
	File string
	// Offset is where in the file, in bytes.
	Offset int64
	// Problem says what was found.
	Problem string
	// Hint says what a person can do.
	Hint string
}

// Error describes the damage.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%v: %s at byte %d: %s (%s)", ErrCorrupt, e.File, e.Offset, e.Problem, e.Hint)
}

// Unwrap makes errors.Is find ErrCorrupt.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

const (
	hintReplace = "nothing was changed; keep the folder for a closer look, and let this member's data come " +
		"from the others: remove the member, and add the machine as a new one with an empty folder"
	hintMissing = "put the missing file back, if it was moved away; otherwise remove the member from its groups, " +
		"and add the machine as a new one with an empty folder"
	hintForeign = "the file was copied or renamed from somewhere else; put the folder's own file back"
)

func corrupt(file string, offset int64, hint, format string, args ...any) error {
	return &CorruptError{File: file, Offset: offset, Problem: fmt.Sprintf(format, args...), Hint: hint}
}
