// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// apply is the applier: it applies after a while, in parts, and restores snapshots. A
// snapshot takes the place of everything before it.
func (n *node) apply(through wire.Index) {
	n.applyTo = max(n.applyTo, through)
	if n.applying || n.restore == nil && n.applyTo <= n.applied {
		return
	}
	n.applying = true
	life := n.life
	n.w.after(n.w.upTo(n.w.faults.applyDelay), func() {
		if n.life != life || n.core == nil {
			return
		}
		n.applying = false
		if n.restore != nil {
			n.restoreNow()
		} else if n.applyTo > n.applied {
			n.applySome(1 + wire.Index(n.w.random.below(Instant(n.applyTo-n.applied))))
		}
		n.apply(0)
	})
}

func (n *node) applySome(count wire.Index) {
	for range count {
		if n.applied < n.core.log.Compacted().Index {
			n.w.failf("node %d: entry %d is to be applied and has been compacted", n.id, n.applied+1)
		}
		n.w.history.applied(n.w, n, n.log[n.applied])
		n.applied++
	}
	n.keepApplied()
	n.take(EntriesApplied{Through: n.applied})
}

// keepApplied is what a state machine does that keeps its state: what it has applied is
// durable, and the entries have to be so before.
func (n *node) keepApplied() {
	if !n.w.faults.applyDurable {
		return
	}
	if held := n.disk.held(); chainAt(held, int(n.applied)) != n.chain(int(n.applied)) {
		n.w.failf("node %d: entry %d is applied durably and not in the log", n.id, n.applied)
	}
	n.disk.applied = n.applied
}

func (n *node) restoreSnapshot(e RestoreSnapshot) {
	s, held := n.disk.find(e.Snapshot.ID)
	if !held {
		n.w.failf("node %d: is to restore a snapshot that it does not have: %+v", n.id, e.Snapshot)
	}
	n.restore, n.applyTo = &s, s.meta.Last.Index
	n.apply(0)
}

// restoreNow restores a snapshot, or cannot: then its file was damaged.
func (n *node) restoreNow() {
	s := *n.restore
	n.restore = nil
	if n.mayLoseState() && len(n.disk.queue) == 0 && n.w.chance(n.w.faults.damage) {
		n.disk.drop(s.meta.ID)
		n.applied, n.applyTo, n.disk.applied = 0, 0, 0
		n.w.counts.lost++
		n.take(StateLost{})
		return
	}
	n.w.history.restored(n.w, n, s)
	n.w.counts.restored++
	n.applied = s.meta.Last.Index
	n.keepApplied()
	n.take(EntriesApplied{Through: n.applied})
}

// takeSnapshot writes down the state beside applying; it is durable after a while.
func (n *node) takeSnapshot() {
	if n.core == nil || n.taking || n.core.stateLost || n.restore != nil || n.applied <= n.disk.newest().meta.Last.Index {
		return
	}
	n.taking = true
	n.w.counts.snapshots++
	s := snapshotOf(n.log, n.applied, wire.SnapshotID(n.w.counts.snapshots))
	life := n.life
	n.w.after(n.w.upTo(n.w.faults.snapshotDelay), func() {
		if n.life != life || n.core == nil {
			return
		}
		n.taking = false
		n.disk.keep(s)
		n.take(SnapshotTaken{Last: s.meta.Last})
	})
}

// offerSnapshot offers the newest snapshot, or takes one for the next time. What was to be
// offered in a leadership that is over must not be: by now the newest snapshot may cover
// what a later leader has committed.
func (n *node) offerSnapshot(e OfferSnapshot) {
	if n.core.leader == nil || n.core.Term() != e.Term {
		return
	}
	s := n.disk.newest()
	if s.meta.Last.Index < e.AtLeast {
		n.takeSnapshot()
		return
	}
	n.w.counts.offered++
	m := &wire.SnapshotOffer{Term: e.Term, Epoch: e.Epoch, Snapshot: s.meta}
	n.w.history.sent(n.w, n, e.To, m)
	n.w.send(n.id, e.To, m)
}

// fetchSnapshot fetches a snapshot, unless it is being fetched already; another one is
// given up for it. It arrives if its sender has it and can be reached all the while.
func (n *node) fetchSnapshot(e FetchSnapshot) {
	if e.Snapshot.Last.Term > n.disk.hard.Term {
		n.w.failf("node %d: fetches %+v with %+v on disk", n.id, e.Snapshot, n.disk.hard)
	}
	if n.fetching == e.Snapshot.ID {
		return
	}
	n.fetching = e.Snapshot.ID
	life, w := n.life, n.w
	delay := w.upTo(w.faults.fetchDelay)
	w.calmAt = max(w.calmAt, w.now+delay)
	w.after(delay, func() {
		if n.life != life || n.core == nil || n.fetching != e.Snapshot.ID {
			return
		}
		n.fetching = 0
		s, held := w.node(e.From).disk.find(e.Snapshot.ID)
		if !held || w.node(e.From).core == nil || w.cut[link{e.From, n.id}] || w.cut[link{n.id, e.From}] {
			w.counts.interrupted++
			return
		}
		n.disk.keep(s)
		w.counts.fetched++
		n.take(SnapshotReceived{Snapshot: s.meta})
	})
}

// compactSome asks for the compaction of some of what was applied.
func (n *node) compactSome() {
	if n.core == nil || n.applied == 0 {
		return
	}
	e := CompactRequested{Through: n.applied}
	if n.w.chance(500) {
		e.Through = 1 + wire.Index(n.w.random.below(Instant(n.applied)))
	}
	switch n.w.random.below(3) {
	case 0:
		e.Limit = wire.Index(n.w.random.below(Instant(e.Through + 1)))
	case 1:
		e.Limit = e.Through
	}
	n.take(e)
}

// tidy deletes all snapshots but the newest, some of the time. One that has been fetched
// is kept until the core has been told and what it says is done.
func (n *node) tidy() {
	isTold := !slices.ContainsFunc(n.inbox, func(e Event) bool { _, received := e.(SnapshotReceived); return received })
	if newest := n.disk.newest(); len(n.disk.snapshots) > 1 && isTold && n.restore == nil && len(n.disk.queue) == 0 && n.w.chance(500) {
		n.disk.snapshots = []snapshot{newest}
	}
}

// mayLoseState: one member may lose its snapshots, and nobody else; see schedule.
func (n *node) mayLoseState() bool { return n.id == n.w.faults.unlucky }

// loseSnapshots damages what is on disk, some of the time.
func (n *node) loseSnapshots() {
	if !n.mayLoseState() || !n.w.chance(n.w.faults.damage) {
		return
	}
	// Without its snapshot a log that was about to begin behind it, but does not yet, is
	// one that lacks what was acknowledged.
	if held := n.disk.held(); len(held) == len(n.disk.log) && chainAt(held, len(held)) == chainAt(n.disk.log, len(held)) {
		n.disk.snapshots, n.disk.applied = nil, 0
	}
}
