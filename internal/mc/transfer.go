// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// transfers is what stands in for a member's snapshotter and applier: what they were told
// to do and have not done. A crash forgets it.
type transfers struct {
	// fetches are the snapshots that are to be fetched, by ID. Each may come or not.
	fetches []wire.SnapshotMeta
	// restoring are those that the state machine is to be given, oldest first.
	restoring []wire.SnapshotMeta
	// asked are the offers that are to be made, by the peer's ID less one.
	asked []core.OfferSnapshot
}

func (t *transfers) appendTo(buf []byte, relabel core.Relabel) []byte {
	buf = appendSnapshots(buf, t.fetches, relabel)
	buf = appendSnapshots(buf, t.restoring, relabel)
	asked := make([]core.OfferSnapshot, len(t.asked))
	for i := range t.asked {
		asked[relabel(wire.NodeID(i+1))-1] = t.asked[i]
	}
	for _, a := range asked {
		buf = binary.AppendUvarint(append(buf, byte(a.Term), byte(a.AtLeast)), uint64(a.Epoch))
	}
	return buf
}

// offerSnapshot makes an offer at once, or notes that it is to be made.
func (s *step) offerSnapshot(e core.OfferSnapshot) []core.Event {
	if s.m.bounds.LateOffers {
		s.l.asked[e.To-1] = e
		return nil
	}
	return s.offerMade(e)
}

// offerMade is the newest snapshot that is new enough, through the core. If there is none,
// one is to be taken, which may happen at any time.
func (s *step) offerMade(e core.OfferSnapshot) []core.Event {
	for _, snapshot := range s.l.disk.snapshots {
		if snapshot.Last.Index >= e.AtLeast {
			offer := &wire.SnapshotOffer{Term: e.Term, Epoch: e.Epoch, Snapshot: snapshot}
			return []core.Event{core.OfferMade{To: e.To, Offer: offer}}
		}
	}
	return nil
}

func (s *step) makeOffer(to wire.NodeID) {
	e := s.l.asked[to-1]
	s.l.asked[to-1] = core.OfferSnapshot{}
	s.handle(s.offerMade(e)...)
}

// fetchSnapshot notes what is to be fetched. Which of several comes, and when, depends on
// what makes progress.
func (s *step) fetchSnapshot(meta wire.SnapshotMeta) {
	place, known := slices.BinarySearchFunc(s.l.fetches, meta.ID, func(other wire.SnapshotMeta, id wire.SnapshotID) int {
		return cmp.Compare(other.ID, id)
	})
	if !known {
		s.l.fetches = slices.Insert(slices.Clone(s.l.fetches), place, meta)
	}
}

// publish makes a fetched snapshot durable. Unless told, the core will hear of it later.
func (s *step) publish(place int, told bool) {
	meta := s.keep(s.l.fetches[place])
	if told {
		s.l.fetches = slices.Delete(slices.Clone(s.l.fetches), place, place+1)
		s.handle(core.SnapshotReceived{Snapshot: meta})
	}
}

// takeSnapshot makes the state that the state machine had come to at an entry durable.
func (s *step) takeSnapshot(last wire.Index) {
	meta := s.keep(s.m.snapshotOf(s.l.log[:last]))
	s.handle(core.SnapshotTaken{Last: meta.Last})
}

// keep makes a snapshot durable, and returns what the core is to be told.
func (s *step) keep(meta wire.SnapshotMeta) wire.SnapshotMeta {
	if s.m.tamper.keep == nil || s.m.tamper.keep(s.l, &meta) {
		s.l.disk.keep(meta, s.m.bounds.snapshotsKept())
	}
	return meta
}

// snapshotsKept is how many snapshots a member keeps: older ones than the newest are of use
// only if that is damaged.
func (b Bounds) snapshotsKept() int {
	if b.StateLosses > 0 {
		return 3
	}
	return 1
}

// restore begins to give the state machine a snapshot. That may fail only where states may
// be lost; otherwise it is done at once, as entries are applied at once.
func (s *step) restore(meta wire.SnapshotMeta) []core.Event {
	s.checkRestored(meta)
	s.restoring = meta
	if len(s.l.restoring) > 1 { // The last one is not under way yet.
		s.l.restoring = s.l.restoring[:1]
	}
	s.l.restoring = append(slices.Clone(s.l.restoring), meta)
	s.l.applied = max(s.l.applied, meta.Last.Index)
	if s.m.bounds.StateLosses > 0 {
		return nil
	}
	return s.restored()
}

// restored puts the state of a snapshot in the place of the state machine's, which then
// goes on applying.
func (s *step) restored() []core.Event {
	l := s.l
	last := l.restoring[0].Last.Index
	l.restoring = l.restoring[1:]
	if last <= l.machine {
		return nil
	}
	l.machine = last
	then := []core.Event{core.EntriesApplied{Through: last}}
	if len(l.restoring) == 0 && l.applied > last {
		then = append(then, s.applyOn()...)
	}
	return then
}

// failToRestore loses the state: the snapshot is damaged.
func (s *step) failToRestore() {
	l := s.l
	l.disk.drop(l.restoring[0].ID)
	l.restoring = l.restoring[1:]
	l.machine = 0
	s.handle(core.StateLost{})
}

// apply gives the state machine what it may have, unless it waits for a snapshot.
func (s *step) apply(through wire.Index) []core.Event {
	l := s.l
	l.applied = max(l.applied, through)
	if len(l.restoring) > 0 {
		return nil
	}
	return s.applyOn()
}

func (s *step) applyOn() []core.Event {
	l := s.l
	s.checkApplied()
	l.machine = l.applied
	return []core.Event{core.EntriesApplied{Through: min(l.applied, l.core.Brief().Commit)}}
}
