// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"io"
	"io/fs"
	"math"
	"slices"
)

// memNode is a file of Mem, whatever its names are. Mem.mu guards it.
type memNode struct {
	id    int64
	path  string // the last name it was given
	cache []byte // what reads see
	disk  []byte // what is durable
	// sharesCache says that cache is disk, and sharesDisk that disk is also that of a
	// clone or of what this was cloned from: it must be copied before it is changed.
	sharesCache, sharesDisk bool
	unsynced                unsyncedWrites
}

// ownCache makes the cache fit to be changed.
func (n *memNode) ownCache() {
	if n.sharesCache {
		n.cache, n.sharesCache = slices.Clone(n.disk), false
	}
}

func (n *memNode) sync() {
	if n.sharesCache {
		return
	}
	if n.sharesDisk {
		n.disk, n.sharesDisk = slices.Clone(n.disk), false
	}
	n.disk = resize(n.disk, int64(len(n.cache)))
	for _, sector := range n.unsynced.sectors {
		from := sector * SectorBytes
		if to := min(from+SectorBytes, int64(len(n.cache))); from < to {
			copy(n.disk[from:to], n.cache[from:to])
		}
	}
	n.unsynced.forget()
}

func (n *memNode) dropCache() {
	if n.sharesCache {
		return
	}
	unsynced := n.unsynced.versions()
	for sector := int64(0); sector*SectorBytes < int64(len(n.cache)); sector++ {
		if unsynced[sector] == nil {
			putSector(n.cache, sector, sectorOf(n.disk, sector))
		}
	}
}

func (n *memNode) truncate(size int64) {
	n.ownCache()
	before := int64(len(n.cache))
	n.cache = resize(n.cache, size)
	if size < before { // If it grows again, zeroes are what it holds there.
		n.unsynced.note(n.cache, size, before)
	}
}

func resize(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		clear(content[size:])
		return content[:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

// memFile is an open file of Mem.
type memFile struct {
	mem      *Mem
	node     *memNode
	readOnly bool
	closed   bool // guarded by mem.mu
}

// use locks the file system and checks that the file is open; the caller unlocks.
func (f *memFile) use(op string, write bool) error {
	f.mem.mu.Lock()
	if f.closed {
		return pathError(op, f.node.path, fs.ErrClosed)
	}
	if write && f.readOnly {
		return pathError(op, f.node.path, fs.ErrPermission)
	}
	return nil
}

func (f *memFile) ReadAt(buf []byte, offset int64) (int, error) {
	defer f.mem.mu.Unlock()
	if err := f.use("read", false); err != nil {
		return 0, err
	}
	if offset < 0 {
		return 0, pathError("read", f.node.path, fs.ErrInvalid)
	}
	if offset >= int64(len(f.node.cache)) {
		return 0, io.EOF
	}
	n := copy(buf, f.node.cache[offset:])
	if n < len(buf) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(data []byte, offset int64) (int, error) {
	defer f.mem.mu.Unlock()
	if err := f.use("write", true); err != nil {
		return 0, err
	}
	if offset < 0 || offset > math.MaxInt64-int64(len(data)) {
		return 0, pathError("write", f.node.path, fs.ErrInvalid)
	}
	f.node.ownCache()
	end := offset + int64(len(data))
	if end > int64(len(f.node.cache)) {
		f.node.cache = resize(f.node.cache, end)
	}
	copy(f.node.cache[offset:], data)
	f.node.unsynced.note(f.node.cache, offset, end)
	return len(data), nil
}

func (f *memFile) SyncData() error { return f.Sync() }

func (f *memFile) Sync() error {
	defer f.mem.mu.Unlock()
	if err := f.use("sync", false); err != nil {
		return err
	}
	f.node.sync()
	return nil
}

// loseUnsynced is what Linux does when a sync fails: what was to be written counts
// as written, though it is in the cache only.
func (f *memFile) loseUnsynced() {
	defer f.mem.mu.Unlock()
	if f.use("sync", false) == nil {
		f.node.unsynced.forget()
	}
}

func (f *memFile) DropCache() error {
	defer f.mem.mu.Unlock()
	if err := f.use("drop cache", false); err != nil {
		return err
	}
	f.node.dropCache()
	return nil
}

func (f *memFile) Truncate(size int64) error {
	defer f.mem.mu.Unlock()
	if err := f.use("truncate", true); err != nil {
		return err
	}
	if size < 0 {
		return pathError("truncate", f.node.path, fs.ErrInvalid)
	}
	f.node.truncate(size)
	return nil
}

func (f *memFile) Size() (int64, error) {
	defer f.mem.mu.Unlock()
	if err := f.use("stat", false); err != nil {
		return 0, err
	}
	return int64(len(f.node.cache)), nil
}

func (f *memFile) Close() error {
	defer f.mem.mu.Unlock()
	if err := f.use("close", false); err != nil {
		return err
	}
	f.closed = true
	return nil
}
