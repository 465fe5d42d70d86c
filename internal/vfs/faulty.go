// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"io"
	"sync"
)

// OpKind is a kind of operation. Kinds can be combined with | into a set.
type OpKind uint32

// The kinds of operations. OpSync is both SyncData and Sync.
const (
	OpMkdir OpKind = 1 << iota
	OpCreate
	OpOpen
	OpReadDir
	OpRename
	OpRemove
	OpSyncDir
	OpLock
	OpRead
	OpWrite
	OpSync
	OpDropCache
	OpTruncate
	OpSize
	OpClose

	// OpAny is all of them.
	OpAny OpKind = 1<<iota - 1
	// OpChange is all that change a disk or make it durable.
	OpChange = OpMkdir | OpCreate | OpRename | OpRemove | OpSyncDir | OpWrite | OpSync | OpTruncate
)

// Op is an operation that is about to be done.
type Op struct {
	// Number counts the operations of a FaultyFS and of its files, from one.
	Number int
	Kind   OpKind
	// Path is the file or folder; the old name in a rename.
	Path string
	// Offset and Bytes say where and how much is read or written.
	Offset int64
	Bytes  int
}

// Fault says how an operation goes wrong. The zero Fault lets it go right.
type Fault struct {
	// Stall is called before anything else, and may block.
	Stall func()
	// Err is returned, and the operation is not done but for ShortBytes.
	Err error
	// ShortBytes is how much of a write is done before Err.
	ShortBytes int
	// LoseUnsynced makes a sync that fails do what Linux does: what was to be
	// written is taken for written and stays readable until the cache is dropped.
	LoseUnsynced bool
	// FlipBit is the number, from one, of the bit that is wrong in what a read returns.
	FlipBit int
}

// FaultyFS is a file system some operations of which fail. Make it with Faulty.
type FaultyFS struct {
	inner  FS
	mu     sync.Mutex
	ops    int
	decide func(Op) Fault
}

// Faulty wraps a file system. Before each operation decide is asked how it is to go
// wrong; one call of it at a time. It must not use the FaultyFS, but may use what
// that wraps.
func Faulty(inner FS, decide func(Op) Fault) *FaultyFS {
	return &FaultyFS{inner: inner, decide: decide}
}

// Once returns a decision that makes the nth operation, from one, of the kinds
// given go wrong, and no other.
func Once(n int, kinds OpKind, fault Fault) func(Op) Fault {
	return func(op Op) Fault {
		if op.Kind&kinds == 0 {
			return Fault{}
		}
		if n--; n == 0 {
			return fault
		}
		return Fault{}
	}
}

// From returns a decision that makes the nth operation, from one, of the kinds
// given and every later one of them go wrong.
func From(n int, kinds OpKind, fault Fault) func(Op) Fault {
	return func(op Op) Fault {
		if op.Kind&kinds == 0 {
			return Fault{}
		}
		if n--; n <= 0 {
			return fault
		}
		return Fault{}
	}
}

// Ops returns how many operations there were.
func (f *FaultyFS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// begin counts an operation and returns its fault, after the stall.
func (f *FaultyFS) begin(op Op) Fault {
	f.mu.Lock()
	f.ops++
	op.Number = f.ops
	fault := f.decide(op)
	f.mu.Unlock()
	if fault.Stall != nil {
		fault.Stall()
	}
	return fault
}

// MkdirAll is FS.MkdirAll, or a fault.
func (f *FaultyFS) MkdirAll(path string) error {
	if fault := f.begin(Op{Kind: OpMkdir, Path: path}); fault.Err != nil {
		return pathError("mkdir", path, fault.Err)
	}
	return f.inner.MkdirAll(path)
}

// Create is FS.Create, or a fault.
func (f *FaultyFS) Create(path string) (File, error) {
	return f.open(Op{Kind: OpCreate, Path: path}, f.inner.Create)
}

// Open is FS.Open, or a fault.
func (f *FaultyFS) Open(path string) (File, error) {
	return f.open(Op{Kind: OpOpen, Path: path}, f.inner.Open)
}

// OpenRead is FS.OpenRead, or a fault.
func (f *FaultyFS) OpenRead(path string) (File, error) {
	return f.open(Op{Kind: OpOpen, Path: path}, f.inner.OpenRead)
}

func (f *FaultyFS) open(op Op, open func(string) (File, error)) (File, error) {
	if fault := f.begin(op); fault.Err != nil {
		return nil, pathError("open", op.Path, fault.Err)
	}
	file, err := open(op.Path)
	if err != nil {
		return nil, err
	}
	return &faultyFile{fs: f, path: op.Path, inner: file}, nil
}

// ReadDir is FS.ReadDir, or a fault.
func (f *FaultyFS) ReadDir(path string) ([]string, error) {
	if fault := f.begin(Op{Kind: OpReadDir, Path: path}); fault.Err != nil {
		return nil, pathError("readdir", path, fault.Err)
	}
	return f.inner.ReadDir(path)
}

// Rename is FS.Rename, or a fault.
func (f *FaultyFS) Rename(from, to string) error {
	if fault := f.begin(Op{Kind: OpRename, Path: from}); fault.Err != nil {
		return pathError("rename", from, fault.Err)
	}
	return f.inner.Rename(from, to)
}

// Remove is FS.Remove, or a fault.
func (f *FaultyFS) Remove(path string) error {
	if fault := f.begin(Op{Kind: OpRemove, Path: path}); fault.Err != nil {
		return pathError("remove", path, fault.Err)
	}
	return f.inner.Remove(path)
}

// SyncDir is FS.SyncDir, or a fault.
func (f *FaultyFS) SyncDir(path string) error {
	if fault := f.begin(Op{Kind: OpSyncDir, Path: path}); fault.Err != nil {
		return pathError("sync", path, fault.Err)
	}
	return f.inner.SyncDir(path)
}

// Lock is FS.Lock, or a fault.
func (f *FaultyFS) Lock(path string) (io.Closer, error) {
	if fault := f.begin(Op{Kind: OpLock, Path: path}); fault.Err != nil {
		return nil, pathError("lock", path, fault.Err)
	}
	return f.inner.Lock(path)
}
