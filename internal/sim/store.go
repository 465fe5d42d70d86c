// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wal"
	"github.com/balsa-raft/raft/wire"
)

// store stands between the library and the log. It lets the checker see what becomes
// durable, and lets the node's other stages run while the disk works.
type store struct {
	n    *node
	life int
	log  *wal.Log
}

var (
	_ raft.LogStore   = (*store)(nil)
	_ raft.Identified = (*store)(nil)
)

// Save is raft.LogStore's.
func (s *store) Save(updates []wire.Update) error {
	c := s.n.w.check
	c.SaveBegins(s.n.id, updates)
	s.n.interleave()
	err := s.log.Save(updates)
	c.SaveEnds(s.n.id, err)
	for i := range updates {
		if updates[i].Compact > 0 && err == nil {
			s.n.w.snapshots.Compacted++
		}
	}
	if err != nil {
		s.n.w.say(s.n.id, "save: %v", err)
		return err
	}
	s.n.interleave()
	return nil
}

// Load is raft.LogStore's.
func (s *store) Load(group raft.GroupID) (wire.LogState, error) { return s.log.Load(group) }

// Entries is raft.LogStore's.
func (s *store) Entries(group raft.GroupID, lo, hi raft.Index, bytesMax int) ([]raft.Entry, error) {
	s.n.interleave()
	entries, err := s.log.Entries(group, lo, hi, bytesMax)
	if err != nil && errors.Is(err, wal.ErrCorrupt) {
		s.n.w.say(s.n.id, "read: %v", err)
	}
	s.n.interleave()
	return entries, err
}

// Incarnation is raft.Identified's.
func (s *store) Incarnation() raft.Incarnation { return s.log.Incarnation() }

// Close is raft.LogStore's, and not called.
func (s *store) Close() error { return nil }
