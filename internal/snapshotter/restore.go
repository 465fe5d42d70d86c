// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"fmt"

	"github.com/balsa-raft/raft/wire"
)

// noteRestored goes on from a state that was restored.
func (s *Snapshotter) noteRestored(r *restored) {
	s.frontier = max(s.frontier, r.meta.Last.Index)
	s.rearm(r.upTo)
	s.pruneNow()
	if s.cfg.Durable && !r.meta.External {
		meta := r.meta
		s.replace = &meta
	}
	if t := s.take; t != nil && t.copying && t.meta.Last.Index < s.frontier {
		closeCapture(t.data)
		_ = s.cfg.Store.Abandon(s.cfg.Group)
		s.take = &taking{began: t.began, callers: t.callers}
		s.askCapture()
	}
}

// replaceRestored publishes an External snapshot in the place of data that a durable state
// machine has restored, so that these can be deleted.
func (s *Snapshotter) replaceRestored() {
	meta := *s.replace
	s.replace = nil
	meta.ID, meta.External, meta.Size, meta.Checksum = s.drawID(), true, 0, 0
	_, err := s.cfg.Store.Begin(s.cfg.Group, meta)
	if err == nil {
		err = s.cfg.Store.Publish(s.cfg.Group, meta.ID, 0, 0)
	}
	if err != nil {
		_ = s.cfg.Store.Abandon(s.cfg.Group)
		s.cfg.Owner.Trouble("the data of a restored snapshot stay until the next snapshot", err)
		return
	}
	s.insert(meta)
	s.pruneNow()
}

// noteDamage makes up for a snapshot that has been dropped from the catalog.
func (s *Snapshotter) noteDamage(id wire.SnapshotID) {
	s.counts.Damaged++
	s.undeleted = append(s.undeleted, id)
	s.wanted = true
	s.cfg.Owner.Trouble(fmt.Sprintf("snapshot %v is damaged and not used any more: taking another one", id), nil)
}
