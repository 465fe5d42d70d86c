// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// Store keeps the snapshots of all groups of a node. It satisfies the SnapshotStore
// interface of package raft, which says who may call what at the same time.
//
// A file that turns out to be damaged gets a name that ends in ".damaged". Whoever
// knows better may give it back its name while the store is closed.
type Store struct {
	dir     string
	options Options
	fs      vfs.FS
	lock    io.Closer

	buffers sync.Pool // of *[]byte, each with room for a block and its checksum

	// calls counts those under way. It grows under mu, while not closed.
	calls sync.WaitGroup

	// namesMu serialises changes of the names of published snapshots, as those that are
	// found damaged are set aside by whoever reads them. It is taken before mu.
	namesMu sync.Mutex

	mu     sync.Mutex
	closed bool
	groups map[wire.GroupID]*group
	files  files
	// damages are those found in a folder that is only read.
	damages []*DamagedError
}

// group is what the store knows of one group.
type group struct {
	// Store.mu guards these. Invariant: published is sorted by descending Last.
	published []*snapshot
	// damaged are the files of damaged snapshots: the one that is set aside, and those that could not
	// be renamed, or not removed, when they should have been.
	damaged []fileName

	// These belong to the one goroutine at a time that writes snapshots of the group.
	writer    *writer
	leftovers []leftover
}

// leftover is an unfinished file that no writer has.
type leftover struct {
	name fileName
	// spoiled means that a write or sync of this file has failed: the system may show
	// what the disk does not hold, so the file must not be gone on with.
	spoiled bool
}

// enter begins a call, which ends with s.calls.Done.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.calls.Add(1)
	return nil
}

// enterToChange begins a call that changes the folder.
func (s *Store) enterToChange() error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	return s.enter()
}

// group returns what is known of a group, and makes it if there is nothing. Its
// writer and leftovers are for the caller only if it is the one who writes.
func (s *Store) group(id wire.GroupID) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[id]
	if g == nil {
		g = new(group)
		s.groups[id] = g
	}
	return g
}

// List describes the published snapshots of a group, the one with the highest Last
// first, from memory.
func (s *Store) List(group wire.GroupID) ([]wire.SnapshotMeta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	g := s.groups[group]
	if g == nil {
		return nil, nil
	}
	list := make([]wire.SnapshotMeta, len(g.published))
	for i, p := range g.published {
		list[i] = cloneMeta(p.layout.described())
	}
	return list, nil
}

// cloneMeta copies a description with the lists in it.
func cloneMeta(meta wire.SnapshotMeta) wire.SnapshotMeta {
	meta.Membership = meta.Membership.Clone()
	return meta
}

// insert takes a snapshot among the published ones. The caller holds mu.
func (g *group) insert(p *snapshot) {
	g.published = append(g.published, p)
	slices.SortFunc(g.published, func(a, b *snapshot) int {
		return cmp.Or(cmp.Compare(b.layout.meta.Last.Index, a.layout.meta.Last.Index),
			b.layout.meta.Last.Compare(a.layout.meta.Last), cmp.Compare(a.name.id, b.name.id))
	})
}

// find returns a published snapshot, nil if there is none. The caller holds mu.
func (g *group) find(id wire.SnapshotID) *snapshot {
	for _, p := range g.published {
		if p.name.id == id {
			return p
		}
	}
	return nil
}

// Delete removes a published snapshot, durably, when nobody reads it any more; a damaged one
// with the file that is set aside. It is no error if there is none. After an error, the
// snapshot may be there still, or be there again when the store is next opened.
func (s *Store) Delete(group wire.GroupID, id wire.SnapshotID) error {
	if err := s.enterToChange(); err != nil {
		return err
	}
	defer s.calls.Done()
	g := s.group(group)
	s.namesMu.Lock()
	defer s.namesMu.Unlock()
	s.mu.Lock()
	p := g.find(id)
	s.mu.Unlock()
	removed, err := s.removeDamaged(g, func(name fileName) bool { return name.id == id })
	if p != nil && s.retire(g, p) {
		removed = true
		if failed := s.fs.Remove(p.path); failed != nil {
			s.mu.Lock()
			g.insert(p)
			s.mu.Unlock()
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		return fmt.Errorf("snapdir: delete snapshot %v of group %d: %w", id, group, err)
	}
	if !removed {
		return nil
	}
	return s.syncDir()
}

func (s *Store) syncDir() error {
	if err := s.fs.SyncDir(s.dir); err != nil {
		return fmt.Errorf("snapdir: sync folder %s: %w", s.dir, err)
	}
	return nil
}

// Close waits for calls that are going on and closes the files. Unfinished snapshots
// stay, and can be gone on with. A second call does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.calls.Wait()
	var problems []error
	for _, g := range s.groups {
		if g.writer != nil {
			problems = append(problems, g.writer.close())
		}
	}
	problems = append(problems, s.files.closeAll())
	if err := s.lock.Close(); err != nil {
		problems = append(problems, fmt.Errorf("snapdir: unlock folder %s: %w", s.dir, err))
	}
	return errors.Join(problems...)
}
