// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"fmt"
	"io"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/sim/safety"
	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/snapdir"
)

const (
	snapshotDir      = "/snapshots"
	publishedSuffix  = ".snapshot"
	unfinishedSuffix = ".unfinished"
	damagedSuffix    = ".damaged"
)

// snapshotStore stands between the library and the folder with its snapshots. It lets the
// checker see what becomes durable, and lets the node's other stages run while the disk works.
type snapshotStore struct {
	n    *node
	dir  *snapdir.Store
	meta raft.SnapshotMeta // of the one that is being written
	// hasBegun says that one was, so that there are no unfinished ones of earlier processes,
	// hasDamaged that one was found to be damaged, so that there are no other damaged ones.
	hasBegun, hasDamaged bool
}

var _ raft.SnapshotStore = (*snapshotStore)(nil)

// openSnapshots opens the folder, and looks whether it has what it should.
func (n *node) openSnapshots() error {
	p := &n.w.plan.snapshots
	dir, err := snapdir.Open(snapshotDir, snapdir.Options{
		Cluster: raft.NewClusterID("sim"), Node: n.id, BlockBytes: p.blockBytes, SyncBytes: p.syncBytes, Logger: n.logger(), FS: n.disk.fs,
	})
	if err != nil {
		return err
	}
	n.snapshots = &snapshotStore{n: n, dir: dir}
	list, err := dir.List(groupID)
	if err != nil {
		return err
	}
	if !n.disk.snapshotsHarmed {
		n.w.check.SnapshotsFound(n.id, list)
		return nil
	}
	n.w.check.SnapshotsLeft(n.id, list)
	return nil
}

// List is raft.SnapshotStore's.
func (s *snapshotStore) List(group raft.GroupID) ([]raft.SnapshotMeta, error) {
	return s.dir.List(group)
}

// Begin is raft.SnapshotStore's.
func (s *snapshotStore) Begin(group raft.GroupID, meta raft.SnapshotMeta) (uint64, error) {
	w := s.n.w
	if d := s.n.disk; d.crashAt == 0 && w.chance(w.storing, CrashInSnapshot, 0.05) {
		d.crashAt, d.crashKind = 1+w.storing.IntN(16), CrashInSnapshot
	}
	s.n.interleave()
	s.meta = meta
	held, err := s.dir.Begin(group, meta)
	s.hasBegun = s.hasBegun || err == nil
	s.say("begin", meta.ID, err)
	return held, err
}

// Write is raft.SnapshotStore's.
func (s *snapshotStore) Write(group raft.GroupID, id raft.SnapshotID, offset uint64, data []byte) error {
	s.n.interleave()
	return s.dir.Write(group, id, offset, data)
}

// Publish is raft.SnapshotStore's.
func (s *snapshotStore) Publish(group raft.GroupID, id raft.SnapshotID, size uint64, checksum uint32) error {
	n := s.n
	meta := s.meta
	meta.Size, meta.Checksum = size, checksum
	n.w.check.SnapshotBegins(n.id, &meta)
	n.interleave()
	err := s.dir.Publish(group, id, size, checksum)
	s.say("publish", id, err)
	if err != nil {
		return err
	}
	n.w.check.SnapshotPublished(n.id, &meta, s.content(&meta))
	n.disk.lacksSnapshot = false
	n.interleave()
	return nil
}

// content is the state in a snapshot that was just published, nil if it has none.
func (s *snapshotStore) content(meta *raft.SnapshotMeta) *safety.SnapshotState {
	if meta.External || s.n.disk.dead {
		return nil
	}
	s.n.disk.calm(true)
	defer s.n.disk.calm(false)
	data := make([]byte, meta.Size)
	n, err := s.dir.ReadAt(groupID, meta.ID, data, 0)
	if n == len(data) && (err == nil || err == io.EOF) {
		var found state
		if found, err = decodeState(data); err == nil {
			seen := found.seen()
			return &seen
		}
	}
	s.n.w.check.Report(&safety.Violation{
		Invariant: "I13 compacted only behind a durable snapshot",
		Detail:    fmt.Sprintf("node %d has published %v, of which %d of %d bytes can be read: %v", s.n.id, meta.ID, n, len(data), err),
	})
	return nil
}

// Abandon is raft.SnapshotStore's.
func (s *snapshotStore) Abandon(group raft.GroupID) error { return s.dir.Abandon(group) }

// ReadAt is raft.SnapshotStore's.
func (s *snapshotStore) ReadAt(group raft.GroupID, id raft.SnapshotID, buf []byte, offset uint64) (int, error) {
	s.n.interleave()
	n, err := s.dir.ReadAt(group, id, buf, offset)
	switch {
	case errors.Is(err, snapdir.ErrDamaged):
		s.damaged(id, err)
	case err != nil && err != io.EOF:
		s.n.w.check.SnapshotUnreadable(s.n.id, id)
	}
	return n, err
}

// damaged is told that a snapshot is no good, which must be somebody's fault.
func (s *snapshotStore) damaged(id raft.SnapshotID, err error) {
	s.hasDamaged = true
	s.n.w.check.SnapshotDamaged(s.n.id, id)
	if !s.n.disk.snapshotsHarmed {
		s.n.w.check.Report(&safety.Violation{Invariant: "I24 corruption discipline", Detail: fmt.Sprintf("node %d, whose disk works: %v", s.n.id, err)})
	}
}

// Delete is raft.SnapshotStore's.
func (s *snapshotStore) Delete(group raft.GroupID, id raft.SnapshotID) error {
	s.n.w.check.SnapshotDeleted(s.n.id, id)
	s.n.interleave()
	err := s.dir.Delete(group, id)
	s.say("delete", id, err)
	return err
}

// Close is raft.SnapshotStore's, and not called.
func (s *snapshotStore) Close() error { return nil }

func (s *snapshotStore) say(what string, id raft.SnapshotID, err error) {
	if s.n.w.out != nil {
		s.n.w.say(s.n.id, "snapshot %v: %s: %v", id, what, err)
	}
}

// damageSnapshot damages a snapshot of a node that is down, or an unfinished one.
func (d *disk) damageSnapshot(f Fault) bool {
	w, suffix := d.n.w, publishedSuffix
	if f == RotUnfinished {
		suffix = unfinishedSuffix
	}
	paths := d.files(snapshotDir, suffix)
	if len(paths) == 0 {
		return false
	}
	chosen := paths[w.storing.IntN(len(paths))]
	if f == LostSnapshot {
		if errors.Join(d.mem.Remove(chosen), d.mem.SyncDir(snapshotDir)) != nil {
			return false
		}
	} else if !d.spoil(chosen, f) {
		return false
	}
	if f != RotUnfinished {
		d.snapshotsHarmed, d.lacksSnapshot = true, true
	}
	w.fault(f)
	w.say(d.n.id, "%v in %s", f, chosen)
	return true
}

// spoil flips a bit of a file, or cuts it off.
func (d *disk) spoil(path string, f Fault) bool {
	file, err := d.mem.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // In memory, this cannot matter.
	size, _ := file.Size()
	if size == 0 {
		return false
	}
	at := d.n.w.storing.Int64N(size)
	if f == CutSnapshot {
		return errors.Join(file.Truncate(at), file.Sync()) == nil
	}
	var one [1]byte
	_, _ = file.ReadAt(one[:], at) // A byte below the end is there.
	one[0] ^= 1 << d.n.w.storing.IntN(8)
	_, err = file.WriteAt(one[:], at)
	return errors.Join(err, file.Sync()) == nil
}

// readAll reads a whole file.
func readAll(disk vfs.FS, path string) ([]byte, error) {
	file, err := disk.OpenRead(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // It was read only.
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	_, err = file.ReadAt(data, 0)
	if err == io.EOF {
		err = nil
	}
	return data, err
}
