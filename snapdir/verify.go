// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Verify reads all published snapshots in a folder that nobody uses, whole, and returns what
// is damaged, by path. It changes nothing. Options are those of a folder that is only read.
// An error means that it could not read.
func Verify(dir string, options Options) (damages []*DamagedError, err error) {
	options.ReadOnly = true
	s, err := Open(dir, options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for id := range s.groups {
		if err := s.verifyGroup(id); err != nil {
			return nil, fmt.Errorf("snapdir: verify the snapshots of group %d: %w", id, err)
		}
	}
	damages = s.Damages()
	slices.SortFunc(damages, func(a, b *DamagedError) int { return cmp.Compare(a.Path, b.Path) })
	return damages, nil
}

// Damages returns what was found damaged so far in a folder that is only read.
func (s *Store) Damages() []*DamagedError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.damages)
}

func (s *Store) verifyGroup(id wire.GroupID) error {
	for _, p := range slices.Clone(s.group(id).published) {
		file, err := s.fs.OpenRead(p.path)
		if err != nil {
			return fmt.Errorf("open %s: %w", p.path, err)
		}
		buf := s.buffer(blockSumBytes + p.layout.block)
		err = verify(file, p.path, p.layout, *buf)
		s.buffers.Put(buf)
		err = errors.Join(err, closed(file, p.path))
		var damage *DamagedError
		if errors.As(err, &damage) {
			s.setAside(p, damage)
		} else if err != nil {
			return err
		}
	}
	return nil
}
