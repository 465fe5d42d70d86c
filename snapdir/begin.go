// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Begin starts to write a snapshot, or goes on with an unfinished one of the same ID and
// description, also after a crash. It returns how many bytes are there: after a crash, or
// Close, these are the whole blocks before the first that is missing or damaged. An
// unfinished file that is no good is begun anew. Every other unfinished snapshot of the
// group is abandoned.
//
// The errors are ErrExists, ErrInvalid and those of the file system.
func (s *Store) Begin(group wire.GroupID, meta wire.SnapshotMeta) (held uint64, err error) {
	if err := s.enterToChange(); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	if held, err = s.begin(group, cloneMeta(meta)); err != nil {
		return 0, fmt.Errorf("snapdir: begin snapshot %v of group %d: %w", meta.ID, group, err)
	}
	return held, nil
}

func (s *Store) begin(id wire.GroupID, meta wire.SnapshotMeta) (held uint64, err error) {
	if _, err := wire.DecodeSnapshotMeta(wire.AppendSnapshotMeta(nil, &meta)); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	g := s.group(id)
	s.mu.Lock()
	isPublished := g.find(meta.ID) != nil
	s.mu.Unlock()
	if isPublished {
		return 0, ErrExists
	}
	if w := g.writer; w != nil && isSameSnapshot(&w.header.meta, &meta) && w.accepts(&meta) {
		w.expect(&meta)
		return w.held(), nil
	}
	name := fileName{group: id, id: meta.ID, suffix: unfinishedSuffix}
	if err := s.abandon(g, &name); err != nil {
		return 0, err
	}
	w, err := s.resumeOrCreate(g, name, meta)
	if err != nil {
		return 0, err
	}
	g.writer = w
	return w.held(), nil
}

// isSameSnapshot compares descriptions, but for what is not known from the start.
func isSameSnapshot(a, b *wire.SnapshotMeta) bool {
	x, y := *a, *b
	x.Size, x.Checksum, y.Size, y.Checksum = 0, 0, 0, 0
	return bytes.Equal(wire.AppendSnapshotMeta(nil, &x), wire.AppendSnapshotMeta(nil, &y))
}

func (s *Store) resumeOrCreate(g *group, name fileName, meta wire.SnapshotMeta) (*writer, error) {
	if len(g.leftovers) > 0 { // Abandon has left the one of this name, and no other.
		w, err := s.resume(name, meta)
		if err == nil {
			g.leftovers = nil
			return w, nil
		}
		s.options.Logger.Info("snapdir: an unfinished snapshot is begun anew", "group", name.group,
			"snapshot", name.id.String(), "why", err)
		if err := s.abandon(g, nil); err != nil {
			return nil, err
		}
	}
	w, err := s.create(name, meta)
	if err != nil {
		g.leftovers = append(g.leftovers, leftover{name: name, spoiled: true})
		_ = s.abandon(g, nil) // The next Begin tries again.
		return nil, err
	}
	return w, nil
}

// create makes a new file with a header, which becomes durable with what follows.
func (s *Store) create(name fileName, meta wire.SnapshotMeta) (*writer, error) {
	w := &writer{store: s, name: name, path: s.path(name)}
	w.header = header{
		cluster: s.options.Cluster, node: s.options.Node, group: name.group, block: s.options.BlockBytes, meta: meta,
	}
	w.expect(&meta)
	file, err := s.fs.Create(w.path)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", w.path, err)
	}
	w.file = file
	if _, err := file.WriteAt(w.header.encode(), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", w.path, err), w.close())
	}
	if err := s.syncDir(); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// Abandon drops the group's unfinished snapshot, if there is one, with its file.
func (s *Store) Abandon(group wire.GroupID) error {
	if err := s.enterToChange(); err != nil {
		return err
	}
	defer s.calls.Done()
	if err := s.abandon(s.group(group), nil); err != nil {
		return fmt.Errorf("snapdir: abandon the unfinished snapshot of group %d: %w", group, err)
	}
	return nil
}

// abandon drops the writer and removes all unfinished files of a group, but for one of
// the name given that is not spoiled, and not the writer's.
func (s *Store) abandon(g *group, but *fileName) error {
	if w := g.writer; w != nil {
		g.writer = nil
		_ = w.close() // Nobody relies on the file.
		g.leftovers = append(g.leftovers, leftover{name: w.name, spoiled: true})
	}
	var problems []error
	g.leftovers = slices.DeleteFunc(g.leftovers, func(l leftover) bool {
		if but != nil && l.name == *but && !l.spoiled {
			return false
		}
		err := s.fs.Remove(s.path(l.name))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return true
		}
		problems = append(problems, err)
		return false
	})
	return errors.Join(problems...)
}
