// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// contentOf returns what a log that begins anew behind an entry has before it: what a
// durable snapshot covers.
func (s *step) contentOf(reset wire.LogID) []slot {
	isIt := func(snapshot wire.SnapshotMeta) bool { return snapshot.Last == reset }
	if i := slices.IndexFunc(s.l.disk.snapshots, isIt); i >= 0 {
		return contentOf(s.l.disk.snapshots[i].ID)
	}
	s.fail(CompactionCovered, "node %d's log is to begin behind %v, with %s", s.l.id, reset, renderSnapshots(s.l.disk.snapshots))
	if isIt(s.restoring) {
		return contentOf(s.restoring.ID)
	}
	return append(slices.Clone(s.l.log), make([]slot, reset.Index)...)[:reset.Index]
}

// checkWrite verifies that what a log is to forget was applied, and is in a snapshot.
func (s *step) checkWrite(w *write) {
	if w.compact > s.l.machine || w.compact > s.l.disk.covered() {
		s.fail(CompactionCovered, "node %d forgets entries through %d, having applied them through %d, with %s",
			s.l.id, w.compact, s.l.machine, renderSnapshots(s.l.disk.snapshots))
	}
}

// checkBase verifies where the log on the disk begins.
func (s *step) checkBase(before *image) {
	disk := &s.l.disk
	if disk.base.Index < before.base.Index {
		s.fail(CompactionCovered, "node %d's disk had no entries through %d, and has none through %d", s.l.id, before.base.Index, disk.base.Index)
	}
	if disk.base != before.base && !s.l.status.StateLost && disk.covered() < disk.base.Index {
		s.fail(CompactionCovered, "node %d's disk has no entries through %d, with %s", s.l.id, disk.base.Index, renderSnapshots(disk.snapshots))
	}
}

// checkApplied verifies that the state machine is given entry after entry.
func (s *step) checkApplied() {
	if l := s.l; l.machine < l.base.Index || int(l.applied) > len(l.log) && l.machine < l.applied {
		s.fail(AppliedInOrder, "node %d's state machine is at %d and is to go on to %d with %s", l.id, l.machine, l.applied, l.records.String())
	}
}

// checkRestored verifies that what is to be restored is durable.
func (s *step) checkRestored(meta wire.SnapshotMeta) {
	if !slices.ContainsFunc(s.l.disk.snapshots, func(kept wire.SnapshotMeta) bool { return isSame(&kept, &meta) }) {
		s.fail(SnapshotTrue, "node %d restores %s, with %s on its disk", s.l.id, renderSnapshot(&meta), renderSnapshots(s.l.disk.snapshots))
	}
}

// checkOffer verifies that what is offered can be fetched.
func (s *step) checkOffer(m *message, offered *wire.SnapshotMeta) {
	if !slices.ContainsFunc(s.l.disk.snapshots, func(kept wire.SnapshotMeta) bool { return isSame(&kept, offered) }) {
		s.fail(SnapshotTrue, "%v, with %s on the disk", m, renderSnapshots(s.l.disk.snapshots))
	}
}

func isSame(a, b *wire.SnapshotMeta) bool {
	return a.ID == b.ID && a.Last == b.Last && a.MembershipAt == b.MembershipAt && a.Membership.Equal(&b.Membership)
}

// checkMembership (I15): the membership in effect is the latest in the log, or in what a
// snapshot covers of it.
func (s *step) checkMembership() {
	l := s.l
	if l.status.StateLost {
		return // It may be among what was lost.
	}
	want := s.m.membershipIn(l.log, membershipAt(l.log))
	if is := l.core.Membership(); !is.Equal(&want) {
		s.fail(MembershipInEffect, "node %d goes by voters %v %v, its log says %v %v", l.id, is.Voters, is.Outgoing, want.Voters, want.Outgoing)
	}
}

// snapshotTrue (I14): a snapshot that is durable is of what is committed and describes itself
// truly, and the member cannot fall back behind the term in which that was committed.
func (t *transition) snapshotTrue() string {
	committed, disk := t.history.committed, &t.is.disk
	for i := range disk.snapshots {
		s := &disk.snapshots[i]
		content := contentOf(s.ID)
		if truth := t.m.snapshotOf(content); !isPrefix(content, committed) || !isSame(s, &truth) {
			return fmt.Sprintf("node %d has %s, committed is %s", t.is.id, renderSnapshot(s), renderLog(committed))
		}
		if term := slices.Max(t.history.terms[:len(content)]); term > disk.hard.Term {
			return fmt.Sprintf("node %d has %s, which was committed in term %d, and its disk is in term %d", t.is.id, renderSnapshot(s), term, disk.hard.Term)
		}
	}
	return ""
}

// offerTrue (I14): what a leader of a term offers was committed in that term or before, and
// so is in its log. It may have been deposed since.
func (t *transition) offerTrue() string {
	for _, number := range t.outcome.sends {
		m := t.m.messages.at(number)
		offer, ok := m.payload.(*wire.SnapshotOffer)
		if !ok {
			continue
		}
		terms := t.history.terms
		if term := slices.Max(terms[:min(len(terms), len(contentOf(offer.Snapshot.ID)))]); term > offer.Term {
			return fmt.Sprintf("%v, which was committed in term %d", m, term)
		}
	}
	return ""
}
