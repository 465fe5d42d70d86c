// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/balsa-raft/raft/wire"
)

// What can be wrong with a snapshot. Errors of Snapshots wrap these.
var (
	// ErrNoSnapshot says that there is no such snapshot: it was never published, or was
	// deleted, or is damaged; or, when writing, that it was not begun, or is abandoned.
	ErrNoSnapshot = errors.New("mem: no such snapshot")
	// ErrSnapshotExists says that a snapshot of this ID is published already.
	ErrSnapshotExists = errors.New("mem: snapshot is published already")
	// ErrSnapshotOffset says that a Write does not begin where the snapshot ends. Nothing
	// was written, and the snapshot can be gone on with.
	ErrSnapshotOffset = errors.New("mem: not the end of the snapshot")
	// ErrSnapshotMismatch says that a snapshot's data are not of the size or the checksum
	// that they should have. The snapshot is abandoned.
	ErrSnapshotMismatch = errors.New("mem: other data than expected")
	// ErrSnapshotDamaged says that the data are damaged; see Damage.
	ErrSnapshotDamaged = errors.New("mem: snapshot is damaged")
	// ErrInvalidSnapshot says that a description contradicts itself. It is a fault of
	// the caller; nothing was changed.
	ErrInvalidSnapshot = errors.New("mem: invalid description of a snapshot")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Snapshots is a snapshot store in memory, for any number of groups. It satisfies the
// SnapshotStore interface of package raft, which says who may call what at the same time.
type Snapshots struct {
	mu     sync.Mutex
	groups map[wire.GroupID]*groupSnapshots
	faults snapshotFaults
}

// NewSnapshots returns an empty snapshot store.
func NewSnapshots() *Snapshots {
	return &Snapshots{groups: make(map[wire.GroupID]*groupSnapshots)}
}

// groupSnapshots are the snapshots of one group.
type groupSnapshots struct {
	published  []*snapshot // by descending Last
	unfinished *snapshot   // nil if there is none
}

// snapshot is a snapshot, finished or not. Once it is published only damaged changes.
type snapshot struct {
	meta wire.SnapshotMeta
	data []byte
	// written is how long data was before the last Write: what that wrote need not
	// be durable.
	written int
	damaged []uint64 // offsets of bytes that are not what was written
}

// group returns a group's snapshots and makes them if there are none. The caller holds mu.
func (s *Snapshots) group(id wire.GroupID) *groupSnapshots {
	g := s.groups[id]
	if g == nil {
		g = new(groupSnapshots)
		s.groups[id] = g
	}
	return g
}

// List describes the published snapshots of a group, the one with the highest Last first.
func (s *Snapshots) List(group wire.GroupID) ([]wire.SnapshotMeta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[group]
	if g == nil {
		return nil, nil
	}
	list := make([]wire.SnapshotMeta, len(g.published))
	for i, p := range g.published {
		list[i] = cloneMeta(p.meta)
	}
	return list, nil
}

// cloneMeta copies a description with the lists in it.
func cloneMeta(meta wire.SnapshotMeta) wire.SnapshotMeta {
	meta.Membership = meta.Membership.Clone()
	return meta
}

// Begin starts to write a snapshot, or goes on with an unfinished one of the same ID and
// description, and returns how many bytes it has. Every other one of the group is
// abandoned. The errors are ErrSnapshotExists and ErrInvalidSnapshot.
func (s *Snapshots) Begin(group wire.GroupID, meta wire.SnapshotMeta) (held uint64, err error) {
	if _, err := wire.DecodeSnapshotMeta(wire.AppendSnapshotMeta(nil, &meta)); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrInvalidSnapshot, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(group)
	if g.find(meta.ID) >= 0 {
		return 0, fmt.Errorf("%w: %v of group %d", ErrSnapshotExists, meta.ID, group)
	}
	if u := g.unfinished; u == nil || !u.accepts(&meta) {
		g.unfinished = &snapshot{meta: cloneMeta(meta)}
	} else {
		u.meta.Size, u.meta.Checksum = max(u.meta.Size, meta.Size), max(u.meta.Checksum, meta.Checksum)
	}
	return uint64(len(g.unfinished.data)), nil
}

// accepts reports whether a description is that of the snapshot, where both say something.
func (p *snapshot) accepts(meta *wire.SnapshotMeta) bool {
	said, known := *meta, p.meta
	if said.Size == 0 || known.Size == 0 {
		said.Size, known.Size = 0, 0
	}
	if said.Checksum == 0 || known.Checksum == 0 {
		said.Checksum, known.Checksum = 0, 0
	}
	return slices.Equal(wire.AppendSnapshotMeta(nil, &said), wire.AppendSnapshotMeta(nil, &known))
}

// Write appends a copy of data to the unfinished snapshot; offset is how many bytes that
// has. The errors are ErrNoSnapshot, ErrSnapshotOffset, ErrSnapshotMismatch, and what
// FailWrites says; after the last two the snapshot is abandoned.
func (s *Snapshots) Write(group wire.GroupID, id wire.SnapshotID, offset uint64, data []byte) error {
	s.faults.wait(&s.mu, writing)
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(group)
	u := g.unfinished
	if u == nil || u.meta.ID != id {
		return fmt.Errorf("%w: %v of group %d is not being written", ErrNoSnapshot, id, group)
	}
	if have := uint64(len(u.data)); offset != have {
		return fmt.Errorf("%w: byte %d of snapshot %v of group %d, which has %d", ErrSnapshotOffset, offset, id, group, have)
	}
	if err := s.faults.writeErr; err != nil {
		g.unfinished = nil
		return fmt.Errorf("mem: write snapshot %v of group %d: %w", id, group, err)
	}
	end := offset + uint64(len(data))
	if u.meta.External && end > 0 || u.meta.Size > 0 && end > u.meta.Size {
		g.unfinished = nil
		return fmt.Errorf("%w: %d bytes of snapshot %v of group %d", ErrSnapshotMismatch, end, id, group)
	}
	u.written, u.data = len(u.data), append(u.data, data...)
	return nil
}

// Publish ends the unfinished snapshot. The errors are ErrNoSnapshot,
// ErrSnapshotMismatch, ErrSnapshotDamaged, and what FailPublishes says; the snapshot is
// abandoned after each of them.
func (s *Snapshots) Publish(group wire.GroupID, id wire.SnapshotID, size uint64, checksum uint32) error {
	s.faults.wait(&s.mu, publishing)
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(group)
	u := g.unfinished
	if u == nil || u.meta.ID != id {
		return fmt.Errorf("%w: %v of group %d is not being written", ErrNoSnapshot, id, group)
	}
	g.unfinished = nil
	if err := s.faults.publishErr; err != nil {
		return fmt.Errorf("mem: publish snapshot %v of group %d: %w", id, group, err)
	}
	if err := u.finish(size, checksum); err != nil {
		return fmt.Errorf("%w: publish snapshot %v of group %d", err, id, group)
	}
	g.published = append(g.published, u)
	slices.SortFunc(g.published, func(a, b *snapshot) int {
		return cmp.Or(cmp.Compare(b.meta.Last.Index, a.meta.Last.Index),
			b.meta.Last.Compare(a.meta.Last), cmp.Compare(a.meta.ID, b.meta.ID))
	})
	return nil
}

// finish checks that the data are what they should be.
func (p *snapshot) finish(size uint64, checksum uint32) error {
	said := p.meta
	said.Size, said.Checksum = size, checksum
	switch {
	case len(p.damaged) > 0:
		return ErrSnapshotDamaged
	case uint64(len(p.data)) != size || crc32.Checksum(p.data, castagnoli) != checksum || p.meta.Size > 0 && size == 0 || !p.accepts(&said):
		return ErrSnapshotMismatch
	}
	p.meta = said
	return nil
}

// Abandon drops the group's unfinished snapshot, if there is one.
func (s *Snapshots) Abandon(group wire.GroupID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.group(group).unfinished = nil
	return nil
}

// ReadAt reads data of a published snapshot from offset on, as many bytes as there are,
// and returns io.EOF with those at the end. If a byte that is to be read is damaged, the
// error wraps ErrSnapshotDamaged, and the snapshot is gone.
func (s *Snapshots) ReadAt(group wire.GroupID, id wire.SnapshotID, buf []byte, offset uint64) (n int, err error) {
	s.faults.wait(&s.mu, reading)
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(group)
	i := g.find(id)
	if i < 0 {
		return 0, fmt.Errorf("%w: %v of group %d", ErrNoSnapshot, id, group)
	}
	if err := s.faults.readErr; err != nil {
		return 0, fmt.Errorf("mem: read snapshot %v of group %d: %w", id, group, err)
	}
	p := g.published[i]
	offset = min(offset, uint64(len(p.data)))
	end := offset + min(uint64(len(buf)), uint64(len(p.data))-offset)
	if slices.ContainsFunc(p.damaged, func(at uint64) bool { return at >= offset && at < end }) {
		g.remove(i)
		return 0, fmt.Errorf("%w: %v of group %d", ErrSnapshotDamaged, id, group)
	}
	n = copy(buf, p.data[offset:])
	if end == uint64(len(p.data)) {
		err = io.EOF
	}
	return n, err
}

// Delete removes a published snapshot. It is no error if there is none.
func (s *Snapshots) Delete(group wire.GroupID, id wire.SnapshotID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(group)
	if i := g.find(id); i >= 0 {
		g.remove(i)
	}
	return nil
}

// find returns where a published snapshot is, -1 if there is none.
func (g *groupSnapshots) find(id wire.SnapshotID) int {
	return slices.IndexFunc(g.published, func(p *snapshot) bool { return p.meta.ID == id })
}

func (g *groupSnapshots) remove(i int) { g.published = slices.Delete(g.published, i, i+1) }

// Close does nothing: the store keeps what it has, and may be used again, as a disk
// may after its process ended.
func (s *Snapshots) Close() error { return nil }

// Clone returns another store with what a crash at this moment leaves, and none of the
// faults but damage: what is published, and of what is unfinished all but the last
// Write, which need not have been durable.
func (s *Snapshots) Clone() *Snapshots {
	s.mu.Lock()
	defer s.mu.Unlock()
	clone := NewSnapshots()
	for id, g := range s.groups {
		copied := clone.group(id)
		for _, p := range g.published {
			copied.published = append(copied.published, p.clone(len(p.data)))
		}
		if u := g.unfinished; u != nil {
			copied.unfinished = u.clone(u.written)
		}
	}
	return clone
}

// clone returns a copy with so many bytes. The bytes are shared: none is ever changed.
func (p *snapshot) clone(bytes int) *snapshot {
	clone := &snapshot{meta: cloneMeta(p.meta), data: p.data[:bytes:bytes], written: bytes}
	for _, at := range p.damaged {
		if at < uint64(bytes) {
			clone.damaged = append(clone.damaged, at)
		}
	}
	return clone
}
