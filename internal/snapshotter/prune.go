// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"fmt"

	"github.com/balsa-raft/raft/wire"
)

// aheadKept is how many snapshots are kept, the newest ones, that were fetched and not
// restored: the core may be about to install the last but one.
const aheadKept = 2

// pruneNow lets the next steps delete what is not to be kept. What could not be deleted
// before is tried again.
func (s *Snapshotter) pruneNow() {
	s.pruneAt = 0
	s.doomed = append(s.doomed, s.undeleted...)
	s.undeleted = nil
}

// pruneNext is when something may be deleted.
func (s *Snapshotter) pruneNext(now int64) int64 {
	if len(s.doomed) > 0 {
		return now
	}
	return max(s.pruneAt, now)
}

// pruneOn looks for what is not to be kept, if it is time to, and deletes one snapshot.
func (s *Snapshotter) pruneOn() {
	now := s.cfg.Now()
	if s.pruneAt <= now {
		s.pruneAt = s.doom(now)
	}
	if len(s.doomed) == 0 {
		return
	}
	id := s.doomed[0]
	s.doomed = s.doomed[1:]
	if s.isPinned(id) { // It is damaged, and somebody will notice.
		s.undeleted = append(s.undeleted, id)
		return
	}
	if err := s.cfg.Store.Delete(s.cfg.Group, id); err != nil {
		s.undeleted = append(s.undeleted, id)
		s.cfg.Owner.Trouble(fmt.Sprintf("old snapshot %v not deleted: trying again after the next one", id), err)
	}
}

func (s *Snapshotter) isPinned(id wire.SnapshotID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pins[id] > 0
}

// doom takes out of the catalog what is not to be kept, and returns when to look again
// because of those that a member may still be fetching.
func (s *Snapshotter) doom(now int64) (again int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if again = never; s.frontier == 0 {
		return again // What the state has come from is not known yet.
	}
	kept := s.catalog[:0:0]
	keep := s.keeper()
	for _, meta := range s.catalog {
		until := s.servedUntil(meta.ID)
		switch {
		case keep(&meta) || s.pins[meta.ID] > 0:
			kept = append(kept, meta)
		case until > now:
			kept = append(kept, meta)
			again = min(again, until)
		default:
			s.doomed = append(s.doomed, meta.ID)
			delete(s.unread, meta.ID)
		}
	}
	s.catalog = kept
	return again
}

// keeper returns a function that says of each snapshot in turn, newest first, whether it is
// to be kept for its own sake: the newest ones that cover no more than the state
// has had, and a few that were fetched and not restored. Data that a durable state machine
// has taken over are not.
func (s *Snapshotter) keeper() func(meta *wire.SnapshotMeta) bool {
	ahead, covered, external := 0, 0, false
	return func(meta *wire.SnapshotMeta) bool {
		if meta.Last.Index > s.frontier {
			ahead++
			return ahead <= aheadKept
		}
		if s.cfg.Durable && external && !meta.External {
			return false
		}
		external = external || meta.External
		covered++
		return covered <= s.cfg.Policy.Keep
	}
}
