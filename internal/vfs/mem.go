// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
)

// Mem is a file system in memory that can lose its power; see CrashClone. It
// keeps what the system has cached, which is what reads see, apart from what is on
// the disk. Make it with NewMem.
type Mem struct {
	locks lockTable

	mu      sync.Mutex
	nodes   int64 // so many were made
	folders map[string]bool
	names   map[string]*memNode // as the system sees them
	durable map[string]*memNode // as the disk has them
	journal []nameChange        // from durable to names, in order
}

// nameChange is one change of a folder that is not synced. It removes a name, if
// that is not empty, and sets the other, if the node is not nil; both or none.
type nameChange struct {
	folder string
	remove string
	set    string
	node   *memNode
}

func (c nameChange) apply(names map[string]*memNode) {
	delete(names, c.remove)
	if c.node != nil {
		names[c.set] = c.node
	}
}

// NewMem returns an empty file system.
func NewMem() *Mem {
	return &Mem{
		folders: make(map[string]bool),
		names:   make(map[string]*memNode),
		durable: make(map[string]*memNode),
	}
}

// MkdirAll creates a folder and those above it. In Mem they are durable at once.
func (m *Mem) MkdirAll(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for path = filepath.Clean(path); !m.folders[path]; path = filepath.Dir(path) {
		if m.names[path] != nil {
			return pathError("mkdir", path, fs.ErrExist)
		}
		m.folders[path] = true
	}
	return nil
}

// Create makes a new file.
func (m *Mem) Create(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if m.names[path] != nil || m.folders[path] {
		return nil, pathError("create", path, fs.ErrExist)
	}
	if !m.folders[filepath.Dir(path)] {
		return nil, pathError("create", path, fs.ErrNotExist)
	}
	m.nodes++
	node := &memNode{id: m.nodes, path: path}
	m.change(nameChange{folder: filepath.Dir(path), set: path, node: node})
	return &memFile{mem: m, node: node}, nil
}

// Open opens an existing file.
func (m *Mem) Open(path string) (File, error) { return m.open(path, false) }

// OpenRead opens an existing file for reading only.
func (m *Mem) OpenRead(path string) (File, error) { return m.open(path, true) }

func (m *Mem) open(path string, readOnly bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.names[filepath.Clean(path)]
	if node == nil {
		return nil, pathError("open", path, fs.ErrNotExist)
	}
	return &memFile{mem: m, node: node, readOnly: readOnly}, nil
}

// ReadDir returns the names in a folder, sorted.
func (m *Mem) ReadDir(path string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if !m.folders[path] {
		return nil, pathError("readdir", path, fs.ErrNotExist)
	}
	var found []string
	for name := range m.names {
		if filepath.Dir(name) == path {
			found = append(found, filepath.Base(name))
		}
	}
	for name := range m.folders {
		if filepath.Dir(name) == path && name != path {
			found = append(found, filepath.Base(name))
		}
	}
	slices.Sort(found)
	return found, nil
}

// Rename gives a file another name. It reaches the disk whole or not at all.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, to = filepath.Clean(from), filepath.Clean(to)
	node := m.names[from]
	if node == nil || !m.folders[filepath.Dir(to)] {
		return pathError("rename", from, fs.ErrNotExist)
	}
	node.path = to
	m.change(nameChange{folder: filepath.Dir(to), remove: from, set: to, node: node})
	return nil
}

// Remove removes a file, or an empty folder, which in Mem is durable at once.
func (m *Mem) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if m.names[path] != nil {
		m.change(nameChange{folder: filepath.Dir(path), remove: path})
		return nil
	}
	if !m.folders[path] {
		return pathError("remove", path, fs.ErrNotExist)
	}
	for _, names := range []map[string]*memNode{m.names, m.durable} {
		for name := range names {
			if filepath.Dir(name) == path {
				return pathError("remove", path, fs.ErrExist)
			}
		}
	}
	delete(m.folders, path)
	return nil
}

func (m *Mem) change(c nameChange) {
	c.apply(m.names)
	m.journal = append(m.journal, c)
}

// SyncDir makes durable what was changed in the folder.
func (m *Mem) SyncDir(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if !m.folders[path] {
		return pathError("sync", path, fs.ErrNotExist)
	}
	m.journal = slices.DeleteFunc(m.journal, func(c nameChange) bool {
		if c.folder == path {
			c.apply(m.durable)
		}
		return c.folder == path
	})
	return nil
}

// Lock locks a name. No file is made for it.
func (m *Mem) Lock(path string) (io.Closer, error) {
	lock, err := m.locks.lock(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("vfs: lock %s: %w", path, err)
	}
	return lock, nil
}

func pathError(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: err}
}
