// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"io/fs"
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
	aside := p.name.as(damagedSuffix)
	err := s.fs.Rename(p.path, s.path(aside))
	if err == nil {
		err = errors.Join(s.dropOlder(g, aside), s.fs.SyncDir(s.dir))
	}
	if err != nil {
		s.options.Logger.Error("snapdir: a damaged snapshot cannot be set aside", "group", p.name.group,
			"snapshot", p.name.id.String(), "file", damage.Path, "err", err)
	}
	s.options.Logger.Warn("snapdir: a snapshot is damaged, and not used any more", "group", p.name.group,
		"snapshot", p.name.id.String(), "file", damage.Path, "offset", damage.Offset, "problem", damage.Problem,
		"now", s.path(aside))
}

// dropOlder removes the file that was set aside before this one.
func (s *Store) dropOlder(g *group, aside fileName) error {
	s.mu.Lock()
	before := g.damaged
	g.damaged = &aside
	s.mu.Unlock()
	if before == nil || *before == aside {
		return nil
	}
	s.options.Logger.Warn("snapdir: the damaged snapshot set aside before is removed", "file", s.path(*before))
	if err := s.fs.Remove(s.path(*before)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
