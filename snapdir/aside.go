// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"io/fs"
	"slices"
)

// setAside takes a damaged snapshot out of List and gives its file another name. It
// replaces the one that was set aside before. What the file system has against it is
// said, and no more can be done: when the store is next opened, the damage is found again.
// The caller does not use the snapshot.
func (s *Store) setAside(p *snapshot, damage *DamagedError) {
	s.namesMu.Lock()
	defer s.namesMu.Unlock()
	g := s.group(p.name.group)
	if !s.retire(g, p) {
		return // Deleted, or somebody else has found the damage, too.
	}
	if s.options.ReadOnly {
		s.mu.Lock()
		s.damages = append(s.damages, damage)
		s.mu.Unlock()
		return
	}
	aside := p.name.as(damagedSuffix)
	err := s.fs.Rename(p.path, s.path(aside))
	switch {
	case err == nil:
		err = errors.Join(s.dropOlder(g, aside), s.fs.SyncDir(s.dir))
	case !errors.Is(err, fs.ErrNotExist): // Whoever deletes the snapshot has to find it.
		s.mu.Lock()
		g.damaged = append(g.damaged, p.name)
		s.mu.Unlock()
	}
	if err != nil {
		s.options.Logger.Error("snapdir: a damaged snapshot cannot be set aside", "group", p.name.group,
			"snapshot", p.name.id.String(), "file", damage.Path, "err", err)
	}
	s.options.Logger.Warn("snapdir: a snapshot is damaged, and not used any more", "group", p.name.group,
		"snapshot", p.name.id.String(), "file", damage.Path, "offset", damage.Offset, "problem", damage.Problem,
		"now", s.path(aside))
}

// dropOlder removes the files that were set aside before this one.
func (s *Store) dropOlder(g *group, aside fileName) error {
	_, err := s.removeDamaged(g, func(name fileName) bool {
		isOlder := name != aside
		if isOlder {
			s.options.Logger.Warn("snapdir: the damaged snapshot set aside before is removed", "file", s.path(name))
		}
		return isOlder
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(g.damaged, aside) {
		g.damaged = append(g.damaged, aside)
	}
	return err
}

// removeDamaged removes files of damaged snapshots, and reports whether there were any. The caller
// holds namesMu.
func (s *Store) removeDamaged(g *group, which func(name fileName) bool) (removed bool, err error) {
	s.mu.Lock()
	before := slices.Clone(g.damaged)
	s.mu.Unlock()
	var kept []fileName
	var problems []error
	for _, name := range before {
		if !which(name) {
			kept = append(kept, name)
			continue
		}
		removed = true
		if err := s.fs.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			kept = append(kept, name)
			problems = append(problems, err)
		}
	}
	s.mu.Lock()
	g.damaged = kept
	s.mu.Unlock()
	return removed, errors.Join(problems...)
}
