// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
)

// What can be wrong. Errors of this package wrap these.
var (
	// ErrNotFound means that there is no such snapshot: it was never published, or it was
	// deleted or set aside; or, when writing, that it was not begun, or is abandoned.
	ErrNotFound = errors.New("snapdir: no such snapshot")
	// ErrDamaged means that the disk does not hold what was written to it. The error
	// is a *DamagedError, which says where. The snapshot is not in List any more.
	ErrDamaged = errors.New("snapdir: damaged")
	// ErrOffset means that a Write does not begin where the snapshot ends. Nothing was
	// written, and the snapshot can be gone on with.
	ErrOffset = errors.New("snapdir: not the end of the snapshot")
	// ErrMismatch means that a snapshot's data are not of the size or the checksum that
	// they should have. The snapshot is abandoned.
	ErrMismatch = errors.New("snapdir: other data than expected")
	// ErrExists means that a snapshot of this ID is published already.
	ErrExists = errors.New("snapdir: snapshot is published already")
	// ErrInvalid means that a description contradicts itself. It is a fault of the
	// caller; nothing was changed.
	ErrInvalid = errors.New("snapdir: invalid description")
	// ErrLocked means that the folder is in use, by this or another process.
	ErrLocked = errors.New("snapdir: folder is in use")
	// ErrForeign means that the folder has a snapshot of another cluster or node.
	ErrForeign = errors.New("snapdir: snapshot of another node")
	// ErrUnsupported means that a file was written in a format that this version of the
	// program does not know.
	ErrUnsupported = errors.New("snapdir: unknown format version")
	// ErrReadOnly means that the folder was opened to be read.
	ErrReadOnly = errors.New("snapdir: opened to be read only")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("snapdir: closed")
)

// DamagedError says which file does not hold what was written to it. It wraps
// ErrDamaged.
type DamagedError struct {
	// Path is the path that the file had; see Store for the one it has now.
	Path string
	// Offset is where in the file the part begins that is not right, in bytes.
	Offset int64
	// Problem says what was found.
	Problem string
}

// Error describes the damage.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("%v: %s at byte %d: %s", ErrDamaged, e.Path, e.Offset, e.Problem)
}

// Unwrap makes errors.Is find ErrDamaged.
func (e *DamagedError) Unwrap() error { return ErrDamaged }
