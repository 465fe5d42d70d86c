// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// filesOpenMax bounds the files that stay open for reading. More are open only while
// more are being read.
const filesOpenMax = 4

// snapshot is a published snapshot.
type snapshot struct {
	name   fileName
	path   string
	layout layout

	// Store.mu guards these.
	uses int      // so many are reading it
	file vfs.File // nil while it is not open
}

// files are the open files of published snapshots. Store.mu guards them.
type files struct {
	open []*snapshot // the least recently used first
	idle *sync.Cond  // a snapshot's uses became zero
}

// use finds a published snapshot and keeps it from being retired until release.
func (s *Store) use(group wire.GroupID, id wire.SnapshotID) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[group]
	if g == nil {
		return nil
	}
	p := g.find(id)
	if p != nil {
		p.uses++
	}
	return p
}

func (s *Store) release(p *snapshot) {
	s.mu.Lock()
	p.uses--
	if p.uses == 0 {
		s.files.idle.Broadcast()
	}
	victims := s.files.evict()
	s.mu.Unlock()
	closeQuietly(victims)
}

// file returns the open file of a snapshot that is in use. Whoever opens it verifies
// that it is the one it was.
func (s *Store) file(p *snapshot) (vfs.File, error) {
	s.mu.Lock()
	if file := p.file; file != nil {
		s.files.touch(p)
		s.mu.Unlock()
		return file, nil
	}
	s.mu.Unlock()
	file, err := s.openRead(p)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	var victims []vfs.File
	if p.file == nil {
		p.file = file
	} else { // Somebody else was faster.
		victims = append(victims, file)
	}
	s.files.touch(p)
	victims = append(victims, s.files.evict()...)
	file = p.file
	s.mu.Unlock()
	closeQuietly(victims)
	return file, nil
}

func (s *Store) openRead(p *snapshot) (vfs.File, error) {
	file, err := s.fs.OpenRead(p.path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.path, err)
	}
	found, err := readLayout(file, p.path)
	if err == nil && !found.isSame(&p.layout) {
		err = &DamagedError{Path: p.path, Problem: "the file is another than the one that was published"}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// touch makes a snapshot the most recently used one. The caller holds Store.mu.
func (f *files) touch(p *snapshot) {
	f.forget(p)
	f.open = append(f.open, p)
}

func (f *files) forget(p *snapshot) {
	f.open = slices.DeleteFunc(f.open, func(other *snapshot) bool { return other == p })
}

// evict returns files to be closed, which the caller does when it no longer holds
// Store.mu.
func (f *files) evict() (victims []vfs.File) {
	excess := len(f.open) - filesOpenMax
	for _, p := range slices.Clone(f.open[:max(excess, 0)]) {
		if p.uses == 0 {
			victims = append(victims, p.file)
			p.file = nil
			f.forget(p)
		}
	}
	return victims
}

// closeQuietly closes files that were only read: it can lose nothing.
func closeQuietly(victims []vfs.File) {
	for _, file := range victims {
		_ = file.Close()
	}
}

// retire takes a snapshot out of List, waits until nobody reads it and closes its file,
// so that it can be renamed or removed. It reports whether the snapshot was there.
func (s *Store) retire(g *group, p *snapshot) bool {
	s.mu.Lock()
	i := slices.Index(g.published, p)
	if i < 0 {
		s.mu.Unlock()
		return false
	}
	g.published = slices.Delete(slices.Clone(g.published), i, i+1)
	for p.uses > 0 {
		s.files.idle.Wait()
	}
	file := p.file
	p.file = nil
	s.files.forget(p)
	s.mu.Unlock()
	if file != nil {
		closeQuietly([]vfs.File{file})
	}
	return true
}

// closeAll closes what is open. Nobody reads any more.
func (f *files) closeAll() error {
	var problems []error
	for _, p := range f.open {
		problems = append(problems, closed(p.file, p.path))
		p.file = nil
	}
	f.open = nil
	return errors.Join(problems...)
}
