// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Publish ends the unfinished snapshot. It writes what is not written, syncs the file,
// reads all of it back, from the disk where the system can be told to, and gives it its
// name. That takes as long as the disk takes to read it.
//
// The errors are ErrNotFound, ErrMismatch, ErrDamaged if what was read back is not what was
// written, and those of the file system. In each case the snapshot is abandoned; after
// one of the file system it may be there when the store is next opened, whole.
func (s *Store) Publish(group wire.GroupID, id wire.SnapshotID, size uint64, checksum uint32) error {
	if err := s.enterToChange(); err != nil {
		return err
	}
	defer s.calls.Done()
	g := s.group(group)
	w, err := g.writing(id)
	if err == nil {
		if err = s.publish(g, w, size, checksum); err != nil {
			_ = s.abandon(g, nil) // What cannot be removed is never gone on with.
		}
	}
	if err != nil {
		return fmt.Errorf("snapdir: publish snapshot %v of group %d: %w", id, group, err)
	}
	return nil
}

func (s *Store) publish(g *group, w *writer, size uint64, checksum uint32) error {
	said := wire.SnapshotMeta{Size: size, Checksum: checksum}
	if w.held() != size || w.sum != checksum || w.size > 0 && size != w.size || !w.accepts(&said) {
		return fmt.Errorf("%w: there are %d bytes with checksum %08x, Begin was told %d and %08x, Publish %d and %08x",
			ErrMismatch, w.held(), w.sum, w.size, w.checksum, size, checksum)
	}
	l, err := w.finish()
	if err != nil {
		return err
	}
	g.writer = nil
	// From here on it is a file like others; if it gets no name, abandon removes it.
	g.leftovers = append(g.leftovers, leftover{name: w.name, spoiled: true})
	if err := w.close(); err != nil {
		return err
	}
	name := w.name.as(publishedSuffix)
	return s.name(g, &snapshot{name: name, path: s.path(name), layout: l}, w.path)
}

// finish writes the end of the file, makes it durable and verifies it.
func (w *writer) finish() (layout, error) {
	l := layout{header: w.header, size: w.held(), dsum: w.sum}
	end := l.fileBytes() - footerBytes
	if w.tail > 0 {
		w.unsynced = 0 // The sync that is to come serves for this block, too.
		if err := w.flush(); err != nil {
			return layout{}, err
		}
	}
	if _, err := w.file.WriteAt(l.appendFooter(nil), end); err != nil {
		return layout{}, fmt.Errorf("write the footer of %s: %w", w.path, err)
	}
	if err := w.file.Sync(); err != nil {
		return layout{}, fmt.Errorf("sync %s: %w", w.path, err)
	}
	if err := w.file.DropCache(); err != nil {
		return layout{}, fmt.Errorf("drop the cache of %s: %w", w.path, err)
	}
	return l, verify(w.file, w.path, l, w.buf)
}

// name gives a finished file the name of a published one.
func (s *Store) name(g *group, p *snapshot, from string) error {
	s.namesMu.Lock()
	defer s.namesMu.Unlock()
	if err := s.fs.Rename(from, p.path); err != nil {
		return fmt.Errorf("rename %s: %w", from, err)
	}
	g.leftovers = nil
	if err := s.syncDir(); err != nil {
		_ = s.fs.Remove(p.path) // Otherwise it is there again, whole, when the store is next opened.
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.damaged = slices.DeleteFunc(g.damaged, func(name fileName) bool { return name == p.name }) // It has taken its place.
	g.insert(p)
	return nil
}
