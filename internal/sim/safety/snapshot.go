// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"maps"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

const snapshotCovers = "I13 compacted only behind a durable snapshot"

// SnapshotSafety is what I13 says of snapshots: a published snapshot is there after a
// crash; a log forgets only what a snapshot covers that is durable, and what was applied;
// it begins anew only where one ends; and none is deleted on which the log's beginning
// relies. It looks at what a store says to be durable.
type SnapshotSafety struct {
	shelves map[wire.NodeID]*shelf
	// memberships are those that were in any log, encoded.
	memberships map[wire.LogID][]byte
}

// shelf is the snapshots of a member.
type shelf struct {
	kept map[wire.SnapshotID]keptSnapshot
	// covered is up to where a snapshot reached that was durable once, and ends are where
	// those ended.
	covered wire.Index
	ends    map[wire.LogID]bool
}

type keptSnapshot struct {
	last wire.LogID
	// unsure says that it may be there after a crash, or may not: it was being published or
	// deleted.
	unsure bool
	// doubted says that it could not be read, so that the member may take it for damaged.
	doubted bool
}

func (c *SnapshotSafety) shelf(node wire.NodeID) *shelf {
	if c.shelves == nil {
		c.shelves = make(map[wire.NodeID]*shelf)
	}
	s := c.shelves[node]
	if s == nil {
		s = &shelf{kept: make(map[wire.SnapshotID]keptSnapshot), ends: make(map[wire.LogID]bool)}
		c.shelves[node] = s
	}
	return s
}

// Forget is told that a member has lost its disk in a way that does not matter.
func (c *SnapshotSafety) Forget(node wire.NodeID) { delete(c.shelves, node) }

// Publishing is told that a snapshot is being published: from now on it may be there.
func (c *SnapshotSafety) Publishing(node wire.NodeID, meta *wire.SnapshotMeta) {
	c.shelf(node).kept[meta.ID] = keptSnapshot{last: meta.Last, unsure: true}
}

// Published is told that a snapshot is durable.
func (c *SnapshotSafety) Published(node wire.NodeID, meta *wire.SnapshotMeta) {
	s := c.shelf(node)
	s.kept[meta.ID] = keptSnapshot{last: meta.Last}
	s.covered = max(s.covered, meta.Last.Index)
	s.ends[meta.Last] = true
}

// Damaged is told that a snapshot of a member is no good any more, which is not its fault.
func (c *SnapshotSafety) Damaged(node wire.NodeID, id wire.SnapshotID) {
	delete(c.shelf(node).kept, id)
}

// Unreadable is told that a snapshot could not be read this time.
func (c *SnapshotSafety) Unreadable(node wire.NodeID, id wire.SnapshotID) {
	s := c.shelf(node)
	if k, found := s.kept[id]; found {
		k.doubted = true
		s.kept[id] = k
	}
}

// Deletes is told that a snapshot is about to be deleted from beside a log that begins behind
// an entry.
func (c *SnapshotSafety) Deletes(node wire.NodeID, id wire.SnapshotID, compacted wire.Index) *Violation {
	s := c.shelf(node)
	k, found := s.kept[id]
	if !found || k.unsure {
		return nil
	}
	s.kept[id] = keptSnapshot{last: k.last, unsure: true}
	if !k.doubted && k.last.Index >= compacted && s.best() < compacted {
		return violated(snapshotCovers, "node %d deletes its snapshot of entries up to %v, its log begins behind %d, and the best other snapshot ends at %d",
			node, k.last, compacted, s.best())
	}
	return nil
}

// best is the last entry that a snapshot covers which surely is there.
func (s *shelf) best() (last wire.Index) {
	for _, k := range s.kept {
		if !k.unsure {
			last = max(last, k.last.Index)
		}
	}
	return last
}

// Finds is told what a store lists after a start.
func (c *SnapshotSafety) Finds(node wire.NodeID, list []wire.SnapshotMeta) (v *Violation) {
	s := c.shelf(node)
	before := s.kept
	s.kept = make(map[wire.SnapshotID]keptSnapshot)
	for i := range list {
		k, known := before[list[i].ID]
		if !known || k.last != list[i].Last {
			v = violated(snapshotCovers, "node %d finds a snapshot %v of entries up to %v, which it never published", node, list[i].ID, list[i].Last)
		}
		delete(before, list[i].ID)
		c.Published(node, &list[i])
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if k := before[id]; !k.unsure {
			v = violated(snapshotCovers, "node %d has lost its snapshot %v of entries up to %v", node, id, k.last)
		}
	}
	return v
}

// Left is told what a store lists after a start if others may be gone.
func (c *SnapshotSafety) Left(node wire.NodeID, list []wire.SnapshotMeta) {
	clear(c.shelf(node).kept)
	for i := range list {
		c.Published(node, &list[i])
	}
}

// Compacts is told that a member is about to forget entries.
func (c *SnapshotSafety) Compacts(node wire.NodeID, through, applied wire.Index) *Violation {
	if covered := c.shelf(node).covered; through > covered || through > applied {
		return violated(snapshotCovers, "node %d forgets entries up to %d, its snapshots cover those up to %d, applied are those up to %d",
			node, through, covered, applied)
	}
	return nil
}

// Resets is told that a member is about to let its log begin anew behind an entry.
func (c *SnapshotSafety) Resets(node wire.NodeID, last wire.LogID) *Violation {
	if !c.shelf(node).ends[last] {
		return violated(snapshotCovers, "node %d lets its log begin anew behind %v, where no snapshot of it ends", node, last)
	}
	return nil
}

// Holds is told of an entry that is in a log.
func (c *SnapshotSafety) Holds(e *wire.Entry) {
	if e.Kind != wire.EntryMembership {
		return
	}
	if c.memberships == nil {
		c.memberships = make(map[wire.LogID][]byte)
	}
	c.memberships[e.ID()] = slices.Clone(e.Data)
}

// Membership returns a membership as it is in a log, nil if there is none.
func (c *SnapshotSafety) Membership(id wire.LogID) []byte { return c.memberships[id] }
