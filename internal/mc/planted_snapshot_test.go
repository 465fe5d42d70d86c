// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"testing"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// forgetTooMuch takes all that was applied for covered by a durable snapshot.
func forgetTooMuch(l *local, events []core.Event) []core.Effect {
	if _, ok := events[0].(core.CompactRequested); ok && l.machine > 0 {
		events = append([]core.Event{core.SnapshotTaken{Last: idAt(l.log, l.machine)}}, events...)
	}
	return handleAsIs(l, events...)
}

// keepConflict begins the log behind a snapshot, and leaves there what is behind it, and
// what was before.
func keepConflict(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	for i, effect := range effects {
		if w, ok := effect.(core.WriteLog); ok && w.Reset.Index > 0 && int(w.Reset.Index) <= len(l.log) {
			effects[i] = core.WriteLog{Seq: w.Seq, HardState: w.HardState, Compact: w.Reset.Index}
		}
	}
	return effects
}

// fetchAtOnce fetches a snapshot before the term in which it was offered is durable.
func fetchAtOnce(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	if arrived, ok := events[0].(core.MessageArrived); ok {
		if offer, ok := arrived.Message.(*wire.SnapshotOffer); ok && l.core.Brief().Commit < offer.Snapshot.Last.Index {
			effects = append(effects, core.FetchSnapshot{From: arrived.From, Snapshot: offer.Snapshot})
		}
	}
	return effects
}

// offerForEver sends offers though the leadership is over.
func offerForEver(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	if len(events) > 0 && len(effects) == 0 {
		if made, ok := events[0].(core.OfferMade); ok {
			effects = append(effects, core.Send{To: made.To, Message: made.Offer})
		}
	}
	return effects
}

// applyWhatIsLost applies entries to a state that is none.
func applyWhatIsLost(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	if is := l.core.Brief(); is.StateLost && is.Commit > l.machine {
		effects = append(effects, core.Apply{Through: is.Commit})
	}
	return effects
}

// acknowledgeRestored takes what is written behind a restored snapshot for durable.
func acknowledgeRestored(l *local, events []core.Event) []core.Effect {
	if arrived, ok := events[0].(core.MessageArrived); ok && l.base.Index > 0 {
		if _, ok := arrived.Message.(*wire.AppendEntries); ok {
			return acknowledgeBeforeSync(l, events)
		}
	}
	return handleAsIs(l, events...)
}

// Changes of what is made durable as a snapshot.
func wrongTerm(_ *local, s *wire.SnapshotMeta) bool {
	s.Last.Term--
	return true
}

func wrongMembership(_ *local, s *wire.SnapshotMeta) bool {
	s.Membership = wire.NewMembership(wire.Member{ID: 3})
	return true
}

func notDurable(*local, *wire.SnapshotMeta) bool { return false }

// ofAll snapshots what is in the log, committed or not.
func ofAll(l *local, s *wire.SnapshotMeta) bool {
	s.ID, s.Last = idOf(l.log), idAt(l.log, wire.Index(len(l.log)))
	return true
}

func TestPlantedSnapshotBugsAreFound(t *testing.T) {
	lagging := Bounds{
		Nodes: 3, Logs: [][]wire.Term{{1, 2}, {1, 2}, {1}}, Committed: 2, TermMax: 3, Timeouts: 1, Takes: 1, Compactions: 1,
		EntriesPerMessage: 2, InstantDisk: true,
	}
	taken := Bounds{
		Nodes: 3, Logs: lagging.Logs, Committed: 2, Snapshots: []wire.Index{2, 0, 0}, Bases: []wire.Index{2, 0, 0},
		TermMax: 3, Timeouts: 1, EntriesPerMessage: 2,
	}
	conflicting := taken
	conflicting.Logs, conflicting.TermMax = overtaken, 4
	slow := lagging
	slow.InstantDisk, slow.Proposals = false, 1
	alone := taken
	alone.TermMax, alone.Timeouts, alone.InstantDisk = 4, 2, true
	lossy := Bounds{
		Nodes: 2, Logs: [][]wire.Term{{1, 2}, {1, 2}}, Committed: 2, Snapshots: []wire.Index{2, 2}, Bases: []wire.Index{2, 2},
		TermMax: 4, Timeouts: 2, StepDowns: 1, Takes: 1, StateLosses: 1, Wants: 1, LateOffers: true, EntriesPerMessage: 2, InstantDisk: true,
	}
	for _, test := range []plant{
		{"forget what no snapshot covers", lagging, tamper{handle: forgetTooMuch}, [invariants]bool{}, CompactionCovered},
		{"restoring leaves a conflicting log", conflicting, tamper{handle: keepConflict}, [invariants]bool{}, StateMachineSafety},
		{"restoring leaves a conflicting log, seen when acknowledged", conflicting, tamper{handle: keepConflict}, everythingBut(AckedIsLeaders), AckedIsLeaders},
		{"restoring leaves a conflicting log, seen when applied", conflicting, tamper{handle: keepConflict}, everythingBut(StateMachineSafety), StateMachineSafety},
		{"a snapshot has the wrong term", lagging, tamper{keep: wrongTerm}, [invariants]bool{}, SnapshotTrue},
		{"a snapshot has the wrong members", lagging, tamper{keep: wrongMembership}, [invariants]bool{}, SnapshotTrue},
		{"a snapshot has the wrong members, seen when restored", taken, tamper{keep: wrongMembership}, everythingBut(MembershipInEffect), MembershipInEffect},
		{"a snapshot has the wrong members, seen when committing", alone, tamper{keep: wrongMembership}, everythingBut(CommitRule), CommitRule},
		{"a snapshot of what is not committed", slow, tamper{keep: ofAll}, [invariants]bool{}, CoreChecks},
		{"a fetched snapshot is not durable", conflicting, tamper{keep: notDurable}, [invariants]bool{}, SnapshotTrue},
		{"a fetched snapshot is not durable, seen when the log begins behind it", conflicting, tamper{keep: notDurable}, everythingBut(CompactionCovered), CompactionCovered},
		{"acknowledge what follows a snapshot before it is durable", taken, tamper{handle: acknowledgeRestored}, [invariants]bool{}, DurableBeforeAck},
		{"fetch before the term is durable", slow, tamper{handle: fetchAtOnce}, [invariants]bool{}, SnapshotTrue},
		{"offer when the leadership is over", lossy, tamper{handle: offerForEver}, [invariants]bool{}, SnapshotTrue},
		{"apply to a lost state", lossy, tamper{handle: applyWhatIsLost}, [invariants]bool{}, AppliedInOrder},
	} {
		t.Run(test.name, test.isFound)
	}
}
