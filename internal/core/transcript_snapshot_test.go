// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"

	"github.com/balsa-raft/raft/wire"
)

// runSnapshots runs the commands that are about snapshots; see script.do.
func (s *script) runSnapshots(words []string) {
	if len(words) < 2 {
		s.t.Fatalf("no such command: %s", words)
	}
	a := s.actor(words[1])
	switch words[0] {
	case "snapshot":
		s.takeSnapshot(a)
	case "compact":
		e := CompactRequested{Through: wire.Index(s.number(words[2]))}
		if len(words) > 3 {
			e.Limit = wire.Index(s.number(words[3]))
		}
		s.handle(a, e)
	case "fetched":
		s.publish(a)
		e := SnapshotReceived{Snapshot: a.fetch.Snapshot}
		a.fetch = nil
		s.handle(a, e)
	case "published":
		s.publish(a)
		s.start(a)
	case "restored":
		e := EntriesApplied{Through: a.restore.Snapshot.Last.Index}
		a.restore = nil
		s.handle(a, e)
	case "restart":
		s.start(a)
	case "lose-state":
		a.disk.snapshots = nil
		s.start(a)
	default:
		s.t.Fatalf("no such command: %s", words)
	}
}

func (s *script) takeSnapshot(a *actor) {
	s.snapshots++
	var log []slot
	for _, e := range a.log {
		log = extend(log, e)
	}
	snapshot := snapshotOf(log, a.core.applied, s.snapshots)
	a.disk.keep(snapshot)
	s.handle(a, SnapshotTaken{Last: snapshot.meta.Last})
}

// publish makes durable what the member fetches.
func (s *script) publish(a *actor) {
	if a.fetch == nil {
		s.t.Fatalf("member %d fetches nothing", a.id)
	}
	snapshot, found := s.actors[a.fetch.From-1].disk.find(a.fetch.Snapshot.ID)
	if !found {
		s.t.Fatalf("member %d has no snapshot %v", a.fetch.From, a.fetch.Snapshot.ID)
	}
	a.disk.keep(snapshot)
}

// offerSnapshot sends the newest snapshot's description.
func (s *script) offerSnapshot(a *actor, e OfferSnapshot) {
	newest := a.disk.newest().meta
	if newest.Last.Index < e.AtLeast || newest.ID == 0 {
		fmt.Fprintf(&s.out, "       there is no such snapshot yet\n")
		return
	}
	m := &wire.SnapshotOffer{Term: e.Term, Epoch: e.Epoch, Snapshot: newest}
	fmt.Fprintf(&s.out, "       Send to %d: %s\n", e.To, formatMessage(m))
	s.flights = append(s.flights, flight{a.id, e.To, m})
}
