// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// historyOf is a log whose first entry is a membership of three.
func historyOf(terms ...wire.Term) []slot { return diskOf(voters(3), 0, terms...).log }

// withMembership replaces an entry of a log by one of a membership.
func withMembership(log []slot, at wire.Index, m wire.Membership) []slot {
	var changed []slot
	for _, s := range log {
		if s.Index == at {
			s.Kind, s.Data = wire.EntryMembership, wire.AppendMembership(nil, &m)
		}
		changed = extend(changed, s.Entry)
	}
	return changed
}

// following is a member of three with a log, which follows member 2 in a term and knows
// what is committed. All of its log is taken to be the leader's up to there.
func following(t *testing.T, term wire.Term, commit wire.Index, log []slot) *rig {
	t.Helper()
	r := newRig(t, disk{hard: wire.HardState{Term: term}, log: log})
	r.append(2, term, commit, log[commit-1].ID())
	r.sync()
	return r
}

// What a snapshot does to a log, for each way in which they can stand to each other (§7;
// S44, S47, L6).
func TestSnapshotAndLog(t *testing.T) {
	log := historyOf(1, 1, 2, 2, 3, 3)
	for name, c := range map[string]struct {
		snapshot []slot
		// kept is how many entries are left, and durable.
		kept     wire.Index
		commit   wire.Index
		restores bool
	}{
		"below commit":                           {log[:1], 6, 2, false},
		"at commit":                              {log[:2], 6, 2, false},
		"the log has the entry: the tail stays":  {log[:4], 6, 4, false},
		"at the end of the log":                  {log[:6], 6, 6, false},
		"another entry there: the tail goes":     {historyOf(1, 1, 2, 3), 4, 4, true},
		"another entry of a later term":          {historyOf(1, 1, 2, 2, 4), 5, 5, true},
		"another entry at the end":               {historyOf(1, 1, 2, 2, 3, 4), 6, 6, true},
		"beyond the log":                         {historyOf(1, 1, 2, 2, 3, 3, 3, 3), 8, 8, true},
		"beyond the log, and it conflicts there": {historyOf(1, 1, 4, 4, 4, 4, 4, 4), 8, 8, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := following(t, 4, 2, log)
			s := snapshotOf(c.snapshot, wire.Index(len(c.snapshot)), 7)
			r.offer(2, 4, 2, s)
			effects := r.fetch(s)
			if restores := len(r.disk.queue) > 0; restores != c.restores {
				t.Fatalf("restores: %v, want %v; effects %q", restores, c.restores, effects)
			}
			if c.restores {
				r.wantIn(effects, "reset="+s.meta.Last.String())
				r.wantIn(effects, "RestoreSnapshot snapshot #7")
				r.wantNone(effects, "Apply")
			}
			r.sync()
			b := r.core.Brief()
			if b.Last != c.kept || b.Durable != c.kept || b.Commit != c.commit || r.core.match() != max(c.commit, s.meta.Last.Index) {
				t.Errorf("match is %d, and the member knows %+v", r.core.match(), b)
			}
			r.restart()
			if after := r.core.Brief(); after.Last != b.Last || after.Compacted != b.Compacted {
				t.Errorf("after a restart: %+v, before: %+v", after, b)
			}
			r.want(r.fetch(s)) // Once more is nothing new.
		})
	}
}

// A snapshot that is not of the same history as what is committed here is refused, and said
// so (S45).
func TestContradictingSnapshotIsRefused(t *testing.T) {
	r := following(t, 3, 4, historyOf(1, 1, 2, 2, 3))
	before := frozen(r.core)
	s := snapshotOf(historyOf(1, 1, 3), 3, 7)
	r.want(r.fetch(s), "Notice SnapshotRefused peer=0 it contradicts what is committed", "DropSnapshot{ID:0000000000000007}")
	if frozen(r.core) != before {
		t.Error("a snapshot that was refused has changed something")
	}
	r.want(r.offer(2, 3, 2, s), "Notice MessageDropped peer=2 a snapshot that contradicts what is committed")
	r.want(r.offer(2, 3, 2, snapshotOf(historyOf(1, 4), 2, 8)), "Notice MessageDropped peer=2 a snapshot that contradicts what is committed")
}

// Offers that come late: of an older stream, of a second leader, of a term that is over or
// absurd.
func TestStrangeOffers(t *testing.T) {
	s := snapshotOf(historyOf(1, 1, 1, 1), 4, 7)
	r := following(t, 3, 1, historyOf(1, 1))
	r.wantIn(r.offer(2, 3, 5, s), "FetchSnapshot")
	r.want(r.offer(2, 3, 4, s))
	r.wantIn(r.offer(2, 3, 5, s), "FetchSnapshot") // Repeated, as it is offered again.
	r.want(r.offer(3, 3, 6, s), "Notice MessageDropped peer=3 a second leader in one term")
	r.want(r.offer(3, 2, 6, s), "Send to 3: HeartbeatReply term=3 round=0 epoch=0 match=0 accepted=0")
	r.want(r.offer(2, 3, 6, snapshotOf(historyOf(1, 1, 4), 3, 8)), "Notice MessageDropped peer=2 a snapshot that contradicts what is committed")
	r.want(r.offer(2, absurdTerm, 6, s), "Notice MessageDropped peer=2 absurd term")
	leader := leadThree(t, 1)
	leader.want(leader.offer(2, 2, 1, s), "Notice MessageDropped peer=2 a second leader in one term")
}

// Who campaigns when the snapshot is there follows again; who leads by then has what it
// covers, or will learn that it leads no more.
func TestSnapshotInOtherRoles(t *testing.T) {
	s := snapshotOf(historyOf(1, 1, 1, 1), 4, 7)
	for name, r := range inEveryRole(t) {
		before := frozen(r.core)
		effects := r.fetch(s)
		if name == "leader" {
			r.want(effects)
			if frozen(r.core) != before {
				t.Error("a leader installs a snapshot")
			}
			continue
		}
		if r.core.role != Follower || r.core.log.LastID() != id(1, 4) || r.core.commit != 4 {
			t.Errorf("%s: is a %v with %+v", name, r.core.role, r.core.Brief())
		}
	}
}

// Writes that were under way when the log was reset end later: nothing of them counts, and
// the acknowledgement is for what a restart would find.
func TestWritesUnderWayAtReset(t *testing.T) {
	r := following(t, 2, 1, historyOf(1))
	s := snapshotOf(historyOf(1, 3, 3, 3, 3), 5, 7)
	r.append(2, 2, 1, id(1, 1), 2, 2, 2) // 2 to 4
	r.append(2, 2, 1, id(2, 4), 2, 2, 2) // 5 to 7
	r.offer(3, 3, 1, s)
	r.fetch(s)
	r.append(3, 3, 6, id(3, 5), 3)
	if got := len(r.disk.queue); got != 5 {
		t.Fatalf("%d writes are under way", got)
	}
	for seq := Seq(1); seq <= 5; seq++ {
		r.syncTo(seq)
		if durable := r.core.lane.durable; chainAt(r.disk.held(), int(durable)) != chainAt(extend(s.log, wire.Entry{Index: 6, Term: 3, Kind: wire.EntryCommand}), int(durable)) {
			t.Errorf("after write %d, %d is taken for durable", seq, durable)
		}
	}
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 3, Last: 6, Durable: 6, Commit: 6, Compacted: id(3, 5), Snapshot: id(3, 5)})
}

// The membership of the snapshot takes effect with the log that it replaces; those that
// are behind it in a log that is kept survive, and an uncommitted one that goes with the
// log is rolled back, whoever is in it (S46, S48).
func TestMembershipOfSnapshot(t *testing.T) {
	two, four := voters(2), voters(4)
	joint := voters(3)
	joint.Outgoing = []wire.NodeID{1, 2}
	for name, c := range map[string]struct {
		log, snapshot []slot
		want          wire.Membership
		at            wire.Index
	}{
		"of a log that is replaced": {historyOf(1, 1), withMembership(historyOf(1, 1, 2, 2), 3, four), four, 3},
		"joint":                     {historyOf(1, 1), withMembership(historyOf(1, 1, 2, 2), 3, joint), joint, 3},
		"without this member":       {historyOf(1, 1), withMembership(historyOf(1, 1, 2, 2), 3, voters(9)), voters(9), 3},
		"older than one behind it":  {withMembership(historyOf(1, 1, 2, 2), 4, four), historyOf(1, 1, 2), four, 4},
		"instead of an uncommitted": {withMembership(historyOf(1, 1, 2, 2), 3, two), historyOf(1, 1, 3, 3, 3), bound(voters(3)), 1},
		"older than one before it":  {withMembership(historyOf(1, 1, 2, 2), 2, four), withMembership(historyOf(1, 1, 2), 2, four), four, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := following(t, 3, 1, c.log)
			s := snapshotOf(c.snapshot, wire.Index(len(c.snapshot)), 7)
			r.offer(2, 3, 2, s)
			r.fetch(s)
			check := func(when string) {
				if now := r.core.memberships[len(r.core.memberships)-1]; now.index != c.at || !now.membership.Equal(&c.want) {
					t.Errorf("%s: the membership in effect is %+v", when, now)
				}
			}
			check("installed")
			r.restart() // Recover ends it.
			check("after a crash before the reset")
			r.do()
			r.sync()
			r.restart()
			check("after a restart")
		})
	}
}

// A member that the snapshot says is none waits for nothing.
func TestSnapshotWithoutThisMember(t *testing.T) {
	r := following(t, 2, 1, historyOf(1))
	others := wire.NewMembership(wire.Member{ID: 2}, wire.Member{ID: 3})
	s := snapshotOf(withMembership(historyOf(1, 1, 2), 3, others), 3, 7)
	r.offer(2, 2, 2, s)
	r.fetch(s)
	r.sync()
	r.want(r.receive(2, &wire.TimeoutNow{Term: 2}))
	r.wantNoCampaign()
}

// A snapshot that was fetched from the leader of an earlier term, or that the leader's
// newer offer has overtaken, is installed; but who leads now has not said that it is of its
// log, and is told of nothing.
//
// It would be wrong to take that for granted. A leader of term 4 that was deposed, and has
// learned since what term 6 committed, might send a late offer in its old term, with its
// newest snapshot. The member, meanwhile in term 5, with a leader that is cut off and has
// other entries there, would acknowledge these to it. (That no such offer is sent is the
// runtime's part: StopReplication ends what OfferSnapshot has begun.)
func TestSnapshotOfAnotherLeader(t *testing.T) {
	r := following(t, 4, 1, historyOf(1))
	late := snapshotOf(historyOf(1, 3, 3), 3, 7) // Committed in term 6.
	r.wantIn(r.offer(2, 4, 2, late), "FetchSnapshot")
	r.append(3, 5, 1, id(1, 1))
	r.sync()
	effects := append(r.fetch(late), r.sync()...)
	r.wantNone(effects, "Send to 3")
	r.want(r.receive(3, &wire.Heartbeat{Term: 5, Round: 1}), "Send to 3: HeartbeatReply term=5 round=1 epoch=1 match=1 accepted=1")
	if b := r.core.Brief(); b.Commit != 3 || b.Compacted != id(3, 3) {
		t.Errorf("the snapshot is not installed: %+v", b)
	}
}

// The same, when that leader's entries are in the log already, and go.
func TestSnapshotOverEntriesOfAnotherLeader(t *testing.T) {
	r := following(t, 4, 1, historyOf(1))
	late := snapshotOf(historyOf(1, 3, 3), 3, 7)
	r.offer(2, 4, 2, late)
	r.append(3, 5, 1, id(1, 1), 5, 5, 5, 5)
	r.sync()
	r.wantNone(append(r.fetch(late), r.sync()...), "Send to 3")
	r.wantState(Status{HardState: wire.HardState{Term: 5}, Leader: 3, Last: 3, Durable: 3, Commit: 3, Compacted: id(3, 3), Snapshot: id(3, 3)})
}

// Whoever holds the last entry of the snapshot learns from the offer that it is committed.
func TestOfferTellsTheCommitIndex(t *testing.T) {
	log := historyOf(1, 1, 1, 1)
	r := following(t, 1, 1, log)
	effects := r.offer(2, 1, 2, snapshotOf(log, 3, 7))
	r.want(effects, "Send to 2: AppendReply term=1 epoch=2 match=3 rejected=false conflict=t0/i0", "Apply{Through:3}")
}

// Two snapshots in a row: the second one is installed on top of the first, also while the
// first is still being restored; an older one that comes last is nothing new.
func TestTwoSnapshots(t *testing.T) {
	log := historyOf(1, 1, 1, 2, 2, 2)
	first, second := snapshotOf(log, 3, 7), snapshotOf(log, 5, 8)
	r := following(t, 2, 1, log[:1])
	r.offer(2, 2, 2, first)
	r.offer(2, 2, 2, second)
	r.wantIn(r.fetch(first), "WriteLog #1 reset=t1/i3")
	r.wantIn(r.fetch(second), "WriteLog #2 reset=t2/i5")
	r.want(r.fetch(first))
	r.wantIn(r.sync(), "match=5")
	r.do(EntriesApplied{Through: 3})
	r.do(EntriesApplied{Through: 5})
	r.wantState(Status{HardState: wire.HardState{Term: 2}, Leader: 2, Last: 5, Durable: 5, Commit: 5, Applied: 5, Compacted: id(2, 5), Snapshot: id(2, 5)})
}

// Only what is durable in the member's own log is applied, if the state machine keeps what
// it applies; a snapshot that is restored goes before that.
func TestApplyDurable(t *testing.T) {
	r := &rig{t: t, now: testElection, disk: diskOf(voters(3), 1, 1), applyDurable: true}
	r.restart()
	r.append(2, 1, 1, id(1, 1))
	r.wantNone(r.append(2, 1, 3, id(1, 1), 1, 1), "Apply")
	r.wantNone(r.append(2, 1, 4, id(1, 3), 1), "Apply")
	r.wantIn(r.syncTo(1), "Apply{Through:3}")
	r.wantIn(r.syncTo(2), "Apply{Through:4}")
	s := snapshotOf(historyOf(1, 1, 1, 1, 1, 1, 1, 1), 8, 7)
	r.offer(2, 1, 2, s)
	effects := r.fetch(s)
	r.wantIn(effects, "RestoreSnapshot")
	r.wantNone(effects, "Apply")
	r.wantNone(r.append(2, 1, 9, id(1, 8), 1), "Apply")
	r.wantIn(r.sync(), "Apply{Through:9}")
}
