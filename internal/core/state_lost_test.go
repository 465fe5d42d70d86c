// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// lostState is a member of three whose log begins behind entry 3, which no snapshot
// covers any more, and ends with entry 5.
func lostState(t *testing.T) *rig {
	t.Helper()
	d := diskOf(voters(3), 2, 1, 1, 1, 2, 2)
	d.compacted = id(1, 3)
	r := newRig(t, d)
	if !r.core.Brief().StateLost {
		t.Fatal("the state is not lost")
	}
	return r
}

// A member that has lost its state, but not its log, votes and acknowledges as ever: what
// it has promised it keeps. The membership may have been lost with the snapshot.
func TestLostStateVotesAndAcknowledges(t *testing.T) {
	r := lostState(t)
	r.want(r.receive(2, &wire.RequestPreVote{Term: 3, Round: 1, Last: id(2, 5)}), "Send to 2: PreVoteReply term=2 round=1 granted=true")
	r.want(r.receive(2, &wire.RequestPreVote{Term: 3, Round: 1, Last: id(2, 4)}), "Send to 2: PreVoteReply term=2 round=1 granted=false")
	r.receive(2, &wire.RequestVote{Term: 3, Last: id(2, 5)})
	r.want(r.sync(), "Send to 2: VoteReply term=3 granted=true")
	r.want(r.receive(3, &wire.RequestVote{Term: 3, Last: id(2, 9)}), "Send to 3: VoteReply term=3 granted=false")

	r.want(r.append(2, 3, 6, id(2, 5), 3), "WriteLog #2 t3/i6/command",
		"Send to 2: AppendReply term=3 epoch=1 match=5 rejected=false conflict=t0/i0", "RoleChanged follower term=3 leader=2")
	r.want(r.sync(), "Send to 2: AppendReply term=3 epoch=1 match=6 rejected=false conflict=t0/i0")
	r.wantState(Status{
		HardState: wire.HardState{Term: 3, Vote: 2}, Leader: 2, Last: 6, Durable: 6, Commit: 6, Applied: 3, Compacted: id(1, 3), StateLost: true,
	})
}

// It never campaigns, whoever asks for it: it could serve nobody.
func TestLostStateNeverLeads(t *testing.T) {
	log := withMembership(historyOf(1, 1, 1, 2, 2), 4, voters(3)) // It knows that it is a voter.
	r := newRig(t, disk{hard: wire.HardState{Term: 2}, log: log, compacted: id(1, 3)})
	r.append(2, 2, 4, id(2, 5))
	r.want(r.receive(2, &wire.TimeoutNow{Term: 2}))
	for range 50 {
		r.now = r.core.Deadline()
		r.do(DeadlineReached{})
		if r.core.role != Follower {
			t.Fatalf("it is a %v", r.core.role)
		}
		if r.core.Deadline() <= r.now {
			t.Fatal("the deadline has been reached and stays")
		}
	}
}

// It asks the leader for a snapshot once in an election time-out, and nobody if there is
// no leader.
func TestLostStateAsksForSnapshot(t *testing.T) {
	r := lostState(t)
	r.want(r.expire())
	r.append(2, 2, 3, id(2, 5))
	for range 3 {
		before := r.now
		r.wait(testElection / 2)
		r.receive(2, &wire.Heartbeat{Term: 2})
		r.want(r.expire(), "Send to 2: SnapshotWanted term=2 atleast=3")
		if r.now-before != testElection {
			t.Fatalf("it asks after %v ms", (r.now-before)/millisecond)
		}
		r.want(r.do(DeadlineReached{}))
	}
}

// A snapshot that covers what the log has no more ends that; what the log has beyond it is
// applied again.
func TestLostStateIsRestored(t *testing.T) {
	history := diskOf(voters(3), 2, 1, 1, 1, 2, 2, 2).log
	for name, c := range map[string]struct {
		last   wire.Index
		after  Status
		effect []string
	}{
		"at the compacted point": {3, Status{Last: 5, Durable: 5, Commit: 5, Applied: 3, Compacted: id(1, 3), Snapshot: id(1, 3)},
			[]string{"RestoreSnapshot snapshot #7 last=t1/i3 voters=[1 2 3] since 1",
				"UseMembership voters=[1 2 3] outgoing=[] learners=[]", "Apply{Through:5}"}},
		"within the log": {4, Status{Last: 5, Durable: 5, Commit: 5, Applied: 3, Compacted: id(1, 3), Snapshot: id(2, 4)},
			[]string{"RestoreSnapshot snapshot #7 last=t2/i4 voters=[1 2 3] since 1",
				"UseMembership voters=[1 2 3] outgoing=[] learners=[]", "Apply{Through:5}"}},
		"beyond the log": {6, Status{Last: 6, Durable: 5, Commit: 6, Applied: 3, Compacted: id(2, 6), Snapshot: id(2, 6)},
			[]string{"RestoreSnapshot snapshot #7 last=t2/i6 voters=[1 2 3] since 1",
				"UseMembership voters=[1 2 3] outgoing=[] learners=[]", "WriteLog #1 reset=t2/i6"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := lostState(t)
			r.wantNone(r.append(2, 2, 5, id(2, 5)), "Apply")
			s := snapshotOf(history, c.last, 7)
			r.wantIn(r.offer(2, 2, 1, s), "FetchSnapshot from 2: snapshot #7")
			r.want(r.fetch(s), c.effect...)
			c.after.HardState, c.after.Leader = wire.HardState{Term: 2}, 2
			r.wantState(c.after)
			r.sync()
			r.do(EntriesApplied{Through: c.last})
			if r.core.Deadline() != r.core.electionAt {
				t.Error("it still waits for a snapshot")
			}
		})
	}
}

// A snapshot that ends before the log begins does not help, and neither does one of
// something else.
func TestLostStateNeedsTheRightSnapshot(t *testing.T) {
	r := lostState(t)
	r.append(2, 2, 5, id(2, 5))
	old := snapshotOf(r.disk.log, 2, 7)
	r.wantNone(r.offer(2, 2, 1, old), "FetchSnapshot")
	r.want(r.fetch(old))
	other := snapshotOf(diskOf(voters(3), 2, 1, 1, 1, 1).log, 4, 8)
	r.want(r.offer(2, 2, 1, other), "Notice MessageDropped peer=2 a snapshot that contradicts what is committed")
	r.want(r.fetch(other), "Notice SnapshotRefused peer=0 it contradicts what is committed", "DropSnapshot{ID:0000000000000008}")
	if !r.core.Brief().StateLost {
		t.Error("the state is taken to be restored")
	}
}

// While the state is lost, nothing is compacted: the log is all that is left.
func TestLostStateKeepsItsLog(t *testing.T) {
	r := lostState(t)
	r.append(2, 2, 5, id(2, 5))
	r.want(r.do(CompactRequested{Through: 5, Limit: 5}))

	r = following(t, 1, 5, historyOf(1, 1, 1, 1, 1))
	r.do(EntriesApplied{Through: 5})
	r.take(5, 7)
	r.do(StateLost{})
	r.want(r.do(CompactRequested{Through: 5, Limit: 5}))
}

// A leader gives who has lost its state a snapshot beside its entries, and drops what
// cannot be meant.
func TestLeaderOffersWhatIsWanted(t *testing.T) {
	r := leadThree(t, 1, 1)
	r.want(r.receive(2, &wire.SnapshotWanted{Term: 2, AtLeast: 2}), "OfferSnapshot to 2: term=2 epoch=1 at least 2")
	r.want(r.receive(2, &wire.SnapshotWanted{Term: 2, AtLeast: 9}), "Notice MessageDropped peer=2 a snapshot is wanted of what is not in the log")
	r.want(r.receive(2, &wire.SnapshotWanted{Term: 1, AtLeast: 2}))
	r.want(r.receive(7, &wire.SnapshotWanted{Term: 2, AtLeast: 2}), "Notice MessageDropped peer=7 reply from who is not a member")
	r.wantIn(r.propose(1), "Replicate to 2: stream term=2 epoch=1")
	follower := threeVoters(t, 1)
	follower.want(follower.receive(2, &wire.SnapshotWanted{Term: 1, AtLeast: 1}))
}

// A snapshot that was installed and then cannot be restored is a state that is lost. The
// next one is restored, and what is behind it applied, though that had been said before.
func TestSnapshotThatCannotBeRestored(t *testing.T) {
	history := diskOf(voters(3), 2, 1, 1, 1, 2, 2, 2, 2, 2).log
	r := threeVoters(t, 1)
	r.append(2, 2, 1, id(1, 1))
	r.sync()
	first, second := snapshotOf(history, 5, 7), snapshotOf(history, 6, 8)
	r.offer(2, 2, 2, first)
	r.wantIn(r.fetch(first), "RestoreSnapshot snapshot #7 last=t2/i5")
	r.wantIn(append(r.append(2, 2, 8, id(2, 5), 2, 2, 2), r.sync()...), "Apply{Through:8}")

	r.do(StateLost{})
	if s := r.core.Brief(); !s.StateLost || s.Compacted != id(2, 5) || s.Last != 8 {
		t.Fatalf("after the loss: %+v", s)
	}
	r.want(r.expire(), "Send to 2: SnapshotWanted term=2 atleast=5")
	r.wantNone(r.append(2, 2, 8, id(2, 8)), "Apply")
	r.wantIn(r.offer(2, 2, 2, second), "FetchSnapshot from 2: snapshot #8")
	effects := r.fetch(second)
	r.wantIn(effects, "RestoreSnapshot snapshot #8 last=t2/i6")
	r.wantIn(effects, "Apply{Through:8}")
	r.do(EntriesApplied{Through: 6}, EntriesApplied{Through: 8})
}

// Who loses its state while it leads, because it was elected while it restored a snapshot,
// leads no more.
func TestLeaderLosesItsState(t *testing.T) {
	r := leadThree(t, 1)
	effects := r.do(StateLost{})
	r.wantIn(effects, "StopReplication{To:0}")
	r.wantIn(effects, "RoleChanged follower term=2 leader=0")
	r.wantNone(r.expire(), "Send")
	if r.core.Deadline() <= r.now {
		t.Error("the deadline has been reached and stays")
	}
}

// A peer that is being probed is not offered a snapshot: its answer, in the epoch of the
// probe, would end the probing, though the probe may have been lost, and nothing would ever
// find that out.
func TestNoOfferWhileProbing(t *testing.T) {
	r := leadThree(t, 1, 1)
	r.do(PeerUnreachable{Peer: 2})
	r.want(r.receive(2, &wire.SnapshotWanted{Term: 2, AtLeast: 2}))
	r.ack(2, 2, 3)
	r.want(r.receive(2, &wire.SnapshotWanted{Term: 2, AtLeast: 2}), "OfferSnapshot to 2: term=2 epoch=2 at least 2")
}

// The membership that a lost snapshot had comes back with the next; one in the log that is
// newer stays in effect.
func TestLostStateLearnsTheMembership(t *testing.T) {
	for name, c := range map[string]struct {
		log    []slot
		at     wire.Index
		effect string
	}{
		"of the snapshot": {historyOf(1, 1, 1, 2, 2), 1, "UseMembership voters=[1 2 3] outgoing=[] learners=[]"},
		"newer":           {withMembership(historyOf(1, 1, 1, 2, 2), 5, voters(4)), 5, "UseMembership voters=[1 2 3 4] outgoing=[] learners=[]"},
	} {
		r := newRig(t, disk{hard: wire.HardState{Term: 2}, log: c.log, compacted: id(1, 3)})
		r.append(2, 2, 4, id(2, 5))
		s := snapshotOf(c.log, 4, 7)
		r.offer(2, 2, 2, s)
		r.wantIn(r.fetch(s), c.effect)
		if at := r.core.memberships[len(r.core.memberships)-1].index; at != c.at {
			t.Errorf("%s: the membership in effect is that of entry %d", name, at)
		}
		if r.core.Deadline() == Never {
			t.Errorf("%s: it does not campaign", name)
		}
	}
}
