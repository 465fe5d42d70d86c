// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// leadSeven is a leader of three with entries up to 7, all of which are committed, applied
// and in a snapshot; the others hold them.
func leadSeven(t *testing.T) *rig {
	t.Helper()
	r := leadThree(t, 1, 1, 1, 1, 1, 1)
	r.do(EntriesApplied{Through: 7})
	r.sync()
	r.take(7, 7)
	return r
}

// Nothing is compacted beyond what was asked for, a durable snapshot covers and was
// applied (I13).
func TestCompactionIsCovered(t *testing.T) {
	for name, c := range map[string]struct {
		snapshot, applied, through, want wire.Index
	}{
		"as asked for":            {4, 5, 3, 3},
		"up to the snapshot":      {4, 5, 9, 4},
		"nothing to forget":       {4, 5, 0, 0},
		"no snapshot":             {0, 5, 5, 0},
		"not what is not applied": {4, 2, 4, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := following(t, 1, 5, historyOf(1, 1, 1, 1, 1))
			if c.snapshot > 0 {
				r.take(c.snapshot, 7)
			}
			r.do(EntriesApplied{Through: c.applied})
			effects := r.do(CompactRequested{Through: c.through, Limit: 9})
			if c.want == 0 {
				r.want(effects)
			} else {
				r.want(effects, "WriteLog #1 compact="+string('0'+rune(c.want)))
			}
			if got := r.core.log.Compacted().Index; got != c.want {
				t.Errorf("the log begins behind %d, want %d", got, c.want)
			}
			r.want(r.do(CompactRequested{Through: c.through}))
			r.sync()
			r.restart()
			if got := r.core.log.Compacted().Index; got != c.want {
				t.Errorf("after a restart the log begins behind %d, want %d", got, c.want)
			}
		})
	}
}

// A snapshot that was fetched and not restored yet does not let entries go that are still
// to be applied on the way there.
func TestCompactionWaitsForApplying(t *testing.T) {
	log := historyOf(1, 1, 1, 1)
	r := following(t, 1, 1, log)
	r.fetch(snapshotOf(log, 3, 7))
	r.want(r.do(CompactRequested{Through: 3}))
	r.do(EntriesApplied{Through: 3})
	r.want(r.do(CompactRequested{Through: 3}), "WriteLog #1 compact=3")
}

// A leader keeps what a live peer needs that lags, up to the limit; beyond it, it says so.
func TestLaggingPeerPinsTheLog(t *testing.T) {
	r := leadSeven(t)
	r.propose(3)
	r.sync()
	r.ack(2, 1, 10)
	r.do(EntriesApplied{Through: 10})
	r.take(10, 8)
	r.want(r.do(CompactRequested{Through: 10}), "WriteLog #4 compact=7") // Member 3 has 7.
	r.want(r.do(CompactRequested{Through: 10, Limit: 7}))
	r.want(r.do(CompactRequested{Through: 10, Limit: 8}), "Notice PinReleased peer=3", "WriteLog #5 compact=8")
	r.ack(3, 1, 9)
	r.want(r.do(CompactRequested{Through: 10}), "WriteLog #6 compact=9")
	r.ack(3, 1, 10)
	r.want(r.do(CompactRequested{Through: 10}), "WriteLog #7 compact=10")
}

// A peer of which nothing is known yet needs everything.
func TestUnknownPeerPinsTheLog(t *testing.T) {
	r := threeVoters(t, 1, 1, 1)
	r.lead()
	r.sync()
	r.ack(2, 1, 4)
	r.do(EntriesApplied{Through: 4})
	r.take(4, 7)
	r.want(r.do(CompactRequested{Through: 4}))
	r.ack(3, 1, 3)
	r.want(r.do(CompactRequested{Through: 4}), "WriteLog #3 compact=3")
}

// A peer that is silent for long pins nothing: it may never come back.
func TestSilentPeerIsNotWaitedFor(t *testing.T) {
	r := leadSeven(t)
	r.propose(1)
	r.sync()
	r.ack(2, 1, 8)
	r.do(EntriesApplied{Through: 8})
	r.take(8, 8)
	silent := r.now // As of its last acknowledgement.
	for r.now < silent+pinTimeouts*testElection-1 {
		r.wait(min(testHeartbeat, silent+pinTimeouts*testElection-1-r.now))
		r.ack(2, 1, 8)
	}
	r.want(r.do(CompactRequested{Through: 8}), "WriteLog #4 compact=7")
	r.wait(1)
	r.want(r.do(CompactRequested{Through: 8}), "WriteLog #5 compact=8")
}

// A peer that fetches a snapshot needs what is behind it, however long it takes; what was
// before may go. When it has the snapshot, its acknowledgements count again (L8, L32).
func TestFetchingPeerPinsTheLog(t *testing.T) {
	r := leadSeven(t)
	r.propose(1) // 8
	r.sync()
	r.ack(2, 1, 8)
	r.do(EntriesApplied{Through: 8})
	r.take(8, 8)
	r.want(r.do(CompactRequested{Through: 8, Limit: 8}), "Notice PinReleased peer=3", "WriteLog #4 compact=8")
	effects := r.propose(2) // 9 and 10
	r.wantIn(effects, "StopReplication{To:3}")
	r.wantIn(effects, "OfferSnapshot to 3: term=2 epoch=2 at least 8")
	r.sync()
	r.ack(2, 1, 10)
	r.do(EntriesApplied{Through: 10})
	r.take(10, 9)
	r.want(r.do(CompactRequested{Through: 10}))
	for range 40 { // It says that it is there, and nothing else.
		r.wait(testElection - 1)
		r.ack(2, 1, 10)
		r.wantIn(r.receive(3, &wire.HeartbeatReply{Term: 2}), "OfferSnapshot to 3: term=2 epoch=2 at least 8")
	}
	r.want(r.do(CompactRequested{Through: 10}))
	r.want(r.ack(3, 2, 7)) // What it has is not enough,
	r.want(r.ack(3, 1, 8)) // and what it has of the old stream does not count.
	r.want(r.ack(3, 2, 8), "Replicate to 3: stream term=2 epoch=2 prev=t2/i8 last=10 commit=10 match=8")
	r.want(r.do(CompactRequested{Through: 10}))
	r.ack(3, 2, 10)
	r.want(r.do(CompactRequested{Through: 10}), "WriteLog #6 compact=10")
}

// What a peer fetches is the newest snapshot: up to there, it needs no entries.
func TestFetchingPeerNeedsWhatIsBehindTheSnapshot(t *testing.T) {
	r := leadSeven(t)
	r.propose(2)
	r.sync()
	r.ack(2, 1, 9)
	r.do(EntriesApplied{Through: 9})
	r.take(9, 8)
	r.want(r.do(CompactRequested{Through: 8, Limit: 8}), "Notice PinReleased peer=3", "WriteLog #4 compact=8")
	r.wantIn(r.propose(1), "OfferSnapshot to 3: term=2 epoch=2 at least 8")
	r.want(r.do(CompactRequested{Through: 9}), "WriteLog #6 compact=9")
}

// A peer that needs a snapshot is offered one when that turns out, and with each heartbeat
// that it answers; proposals, refusals, losses and what is heard of other streams change
// nothing (L8, L25).
func TestOffersAreNotRepeatedWithoutNeed(t *testing.T) {
	r := leadSeven(t)
	r.do(PeerUnreachable{Peer: 3}) // It is probed from 8 on.
	r.propose(1)
	r.sync()
	r.ack(2, 1, 8)
	r.do(EntriesApplied{Through: 8})
	r.take(8, 8)
	r.want(r.do(CompactRequested{Through: 8, Limit: 8}), "Notice PinReleased peer=3", "WriteLog #4 compact=8")
	r.wantIn(r.propose(1), "OfferSnapshot to 3")
	for range 5 {
		r.wantNone(r.propose(1), " to 3")
		r.want(r.do(PeerUnreachable{Peer: 3}))
		r.want(r.receive(3, &wire.AppendReply{Term: 2, Epoch: 2, Match: 7, Rejected: true}))
		r.want(r.receive(3, &wire.AppendReply{Term: 2, Epoch: 3, Match: 8, Rejected: true}))
		r.want(r.do(EntriesSent{Peer: 3, Epoch: 2, Last: 9}))
	}
	r.wait(testHeartbeat)
	r.wantIn(r.do(DeadlineReached{}), "Send to 3: Heartbeat term=2 round=1 commit=7")
	r.wantIn(r.receive(3, &wire.HeartbeatReply{Term: 2, Round: 1, Accepted: 7}), "OfferSnapshot to 3: term=2 epoch=3 at least 8")
	r.wantIn(r.receive(3, &wire.HeartbeatReply{Term: 2, Round: 1, Epoch: 3, Match: 8, Accepted: 8}), "Replicate to 3: stream term=2 epoch=3 prev=t2/i8")
}

// A new leader that has compacted its whole log finds out that a peer needs a snapshot
// without the help of a write (L25).
func TestNewLeaderWithCompactedLog(t *testing.T) {
	log := historyOf(1, 1, 1, 1)
	r := newRig(t, disk{hard: wire.HardState{Term: 1}, log: log, compacted: id(1, 4), snapshots: []snapshot{snapshotOf(log, 4, 7)}})
	r.lead()
	effects := r.receive(3, &wire.AppendReply{Term: 2, Epoch: 1, Match: 4, Rejected: true})
	r.want(effects, "StopReplication{To:3}", "Notice PeerNeedsSnapshot peer=3", "OfferSnapshot to 3: term=2 epoch=3 at least 4")
}

// Who leads alone has nobody to keep entries for.
func TestLonelyLeaderCompacts(t *testing.T) {
	r := newRig(t, diskOf(voters(1), 0, 1, 1))
	r.expire()
	r.sync()
	r.sync()
	r.propose(2)
	r.sync()
	r.do(EntriesApplied{Through: 5})
	r.take(5, 7)
	r.want(r.do(CompactRequested{Through: 5}), "WriteLog #4 compact=5")
	r.sync()
	r.propose(1)
	r.wantIn(r.sync(), "Apply{Through:6}")
	r.restart()
	if b := r.core.Brief(); b.Compacted != id(2, 5) || b.Last != 6 || b.Commit != 5 {
		t.Errorf("after a restart: %+v", b)
	}
}

// A leader compacts what its own disk, which lags, does not hold yet; the order of writes
// sees to it.
func TestCompactionBeforeOwnWrite(t *testing.T) {
	r := leadSeven(t)
	r.propose(1)
	r.ack(2, 1, 8)
	r.ack(3, 1, 8)
	r.do(EntriesApplied{Through: 8})
	s := snapshotOf(extend(r.disk.log, wire.Entry{Index: 8, Term: 2, Kind: wire.EntryCommand}), 8, 9)
	r.disk.keep(s)
	r.do(SnapshotTaken{Last: s.meta.Last})
	r.want(r.do(CompactRequested{Through: 8}), "WriteLog #4 compact=8")
	r.restart() // Neither write has ended: the snapshot is further than the log.
	if b := r.core.Brief(); b.Compacted != id(2, 8) || b.Last != 8 || b.Commit != 8 {
		t.Errorf("after a restart: %+v", b)
	}
	r.want(r.do(), "WriteLog #1 reset=t2/i8")
}

// The membership in effect at the compacted point stays known, and what is behind it can be
// rolled back to it.
func TestCompactionKeepsTheMembership(t *testing.T) {
	log := withMembership(withMembership(historyOf(1, 1, 1, 1, 2), 3, voters(4)), 5, voters(5))
	r := following(t, 2, 4, log)
	r.do(EntriesApplied{Through: 4})
	r.take(4, 7)
	r.want(r.do(CompactRequested{Through: 4}), "WriteLog #1 compact=4")
	if n := len(r.core.memberships); n != 2 || r.core.memberships[0].index != 3 {
		t.Fatalf("the memberships are %+v", r.core.memberships)
	}
	r.wantIn(r.append(3, 3, 4, id(1, 4), 3), "UseMembership voters=[1 2 3 4] outgoing=[] learners=[]")
	r.sync()
	r.restart()
	if m := r.core.Membership(); len(m.Voters) != 4 {
		t.Errorf("after a restart the membership is %+v", m)
	}
}

// Who is asked to form a group that exists says whether it has other members, as long as it
// knows with which it began.
func TestInitializeCompacted(t *testing.T) {
	for name, c := range map[string]struct {
		log      []slot
		conflict bool
	}{
		"it began with others":              {withMembership(historyOf(1, 1, 1), 1, voters(4)), true},
		"it began with the same":            {withMembership(historyOf(1, 1, 1), 1, voters(3)), false},
		"with whom it began is not known":   {withMembership(historyOf(1, 1, 1), 2, voters(4)), false},
		"it began with others, and changed": {withMembership(withMembership(historyOf(1, 1, 1), 1, voters(5)), 3, voters(4)), true},
	} {
		r := newRig(t, disk{hard: wire.HardState{Term: 1}, log: c.log, compacted: id(1, 2), snapshots: []snapshot{snapshotOf(c.log, 2, 7)}})
		want := map[bool]string{true: "AnswerInitialize{Conflict:true}", false: "AnswerInitialize{Conflict:false}"}[c.conflict]
		if got := r.do(InitializeRequested{Membership: voters(3)}); len(got) != 1 || got[0] != want || r.core.log.Last() != 3 {
			t.Errorf("%s: %q, and the log ends at %d", name, got, r.core.log.Last())
		}
	}
}
