// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"errors"
	"io"
)

// SectorBytes is the unit in which Mem loses and tears writes: the smallest one
// that disks write.
const SectorBytes = 512

// ErrLocked means that somebody else, maybe of the same process, holds the lock.
var ErrLocked = errors.New("vfs: locked by another process")

// FS is a file system. Its methods may be called from any goroutine. Their errors
// can be asked with errors.Is for those of io/fs, such as fs.ErrNotExist.
type FS interface {
	// MkdirAll creates a folder and those above it that are missing. Folders that
	// it created are durable when it returns nil.
	MkdirAll(path string) error
	// Create makes a new, empty file; it is an error if there is one of this name.
	Create(path string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(path string) (File, error)
	// OpenRead opens an existing file for reading only.
	OpenRead(path string) (File, error)
	// ReadDir returns the names in a folder, sorted.
	ReadDir(path string) ([]string, error)
	// Rename gives a file another name, in place of a file that has it. The file
	// must not be open, because some systems refuse that.
	Rename(from, to string) error
	// Remove removes a file, or an empty folder.
	Remove(path string) error
	// SyncDir makes durable which names the folder has.
	SyncDir(path string) error
	// Lock locks the file of this name, which is made if missing, against every
	// other Lock until the Closer is closed or the process ends. It never waits:
	// if the file is locked it returns an error that wraps ErrLocked.
	Lock(path string) (io.Closer, error)
}

// File is an open file. ReadAt, WriteAt and the syncs may be called from any goroutine.
type File interface {
	io.ReaderAt
	io.WriterAt
	// SyncData makes durable what was written and what is needed to read it back.
	// After an error nobody knows what is durable, and a later call that returns nil
	// tells nothing about what was written before: the caller must not try again.
	SyncData() error
	// Sync is SyncData and makes the rest of the file's metadata durable as well.
	Sync() error
	// DropCache asks the system to forget what it caches of the file and is not
	// waiting to be written, so that reads tell what the disk holds. Systems
	// without the like do nothing.
	DropCache() error
	// Truncate sets the file's size in bytes. What it grows by reads as zeroes.
	Truncate(size int64) error
	// Size returns the file's size in bytes.
	Size() (int64, error)
	// Close closes this handle. It syncs nothing.
	Close() error
}
