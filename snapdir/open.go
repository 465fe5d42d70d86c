// SPDX-License-Identifier: Apache-2.0

package snapdir

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// Open opens the snapshots in a folder, which belongs to them alone and is made if
// missing. It reads header and footer of each; what is damaged is set aside. The
// errors are ErrLocked, ErrForeign, ErrUnsupported, after which nothing in the folder was
// changed, and those of the file system.
func Open(dir string, options Options) (*Store, error) {
	options = options.withDefaults()
	err := options.validate()
	if dir == "" {
		err = errors.Join(errors.New("snapdir: the folder is missing"), err)
	}
	if err != nil {
		return nil, err
	}
	if err := prepareFolder(dir, &options); err != nil {
		return nil, err
	}
	lock, err := options.FS.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, lockError(dir, err)
	}
	s := &Store{dir: dir, options: options, fs: options.FS, lock: lock, groups: map[wire.GroupID]*group{}}
	s.files.idle = sync.NewCond(&s.mu)
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepareFolder makes sure that there is a folder to be locked.
func prepareFolder(dir string, options *Options) error {
	if options.ReadOnly {
		if _, err := options.FS.ReadDir(dir); err != nil {
			return fmt.Errorf("snapdir: read folder %s: %w", dir, err)
		}
		return nil
	}
	if err := options.FS.MkdirAll(dir); err != nil {
		return fmt.Errorf("snapdir: make folder %s: %w", dir, err)
	}
	return nil
}

func lockError(dir string, err error) error {
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return fmt.Errorf("%w: %s: another process, or this one, has it open; end that first", ErrLocked, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("snapdir: folder %s cannot be written to; check its owner and permissions: %w", dir, err)
	}
	return fmt.Errorf("snapdir: lock folder %s: %w", dir, err)
}

// start takes stock of the folder. It syncs the folder first: a process that was killed may
// have left a name that is not durable yet, and somebody may rely on it from now on.
func (s *Store) start() error {
	names, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("snapdir: read folder %s: %w", s.dir, err)
	}
	if !s.options.ReadOnly {
		if err := s.syncDir(); err != nil {
			return err
		}
	}
	var damaged []finding
	for _, text := range names {
		name, ok := parseName(text)
		if !ok {
			continue
		}
		g := s.group(name.group)
		switch name.suffix {
		case unfinishedSuffix:
			g.leftovers = append(g.leftovers, leftover{name: name})
		case damagedSuffix:
			g.damaged = append(g.damaged, name)
		case publishedSuffix:
			p := &snapshot{name: name, path: s.path(name)}
			damage, err := s.inspect(p)
			if err != nil {
				return fmt.Errorf("snapdir: %w", err)
			}
			g.insert(p)
			if damage != nil {
				damaged = append(damaged, finding{p, damage})
			}
		}
	}
	for _, f := range damaged { // Only now, as there is nothing that forbids a change.
		s.setAside(f.snapshot, f.damage)
	}
	return nil
}

// finding is a snapshot with what is wrong with it.
type finding struct {
	snapshot *snapshot
	damage   *DamagedError
}

// inspect reads what there is to know about a published file, or finds it damaged.
func (s *Store) inspect(p *snapshot) (*DamagedError, error) {
	file, err := s.fs.OpenRead(p.path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.path, err)
	}
	l, err := readLayout(file, p.path)
	if err == nil {
		err = s.checkOwner(l.header, p.name)
	}
	err = errors.Join(err, closed(file, p.path))
	p.layout = l
	var damage *DamagedError
	if errors.As(err, &damage) {
		return damage, nil
	}
	return nil, err
}

// checkOwner says whether a file with a good header is where it belongs. One of
// another node was put here by a person, who has to know; one of another name only
// is as good as damaged.
func (s *Store) checkOwner(h header, name fileName) error {
	path := s.path(name)
	if !s.isOwner(&h) {
		return fmt.Errorf("%w: %s belongs to node %d of cluster %v, this is node %d of cluster %v; check the folder and the "+
			"IDs in the configuration, and do not delete anything", ErrForeign, path, h.node, h.cluster, s.options.Node, s.options.Cluster)
	}
	if h.group != name.group || h.meta.ID != name.id {
		return &DamagedError{Path: path, Problem: fmt.Sprintf("the file has snapshot %v of group %d", h.meta.ID, h.group)}
	}
	return nil
}

func (s *Store) isOwner(h *header) bool {
	cluster := h.cluster == s.options.Cluster || s.options.ReadOnly && s.options.Cluster == wire.ClusterID{}
	return cluster && (h.node == s.options.Node || s.options.ReadOnly && s.options.Node == 0)
}

func closed(file vfs.File, path string) error {
	if err := file.Close(); err != nil {
		return fmt.Errorf("close %s: %w", path, err)
	}
	return nil
}
