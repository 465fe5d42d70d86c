// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/wire"
)

// §6, thesis §4.3: a change that nothing goes wrong in, step by step. Each membership is in
// effect as soon as it is appended; newcomers learn, then vote with the old ones, then those
// that are left decide alone.
func TestChangeStepByStep(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2, 4)))
	c.wantPhase(preparing, false)
	c.wantMembership(ids(1, 2, 3), nil, ids(4), ids(1, 2, 4))
	if c.core.leader.peer(4) == nil {
		t.Fatal("nothing is replicated to the newcomer")
	}
	c.round()
	c.wantPhase(joint, false)
	c.wantMembership(ids(1, 2, 4), ids(1, 2, 3))
	c.round()
	c.wantPhase(final, false)
	c.wantMembership(ids(1, 2, 4))
	c.round()
	c.wantPhase(steady, true)
	c.wantIn(c.propose(1), "AcceptProposals")
}

// §6: "The leader of the new configuration uses a majority of both": for each set of those who
// hold the joint membership, it is committed if, and only if, there is one.
func TestJointIsCommittedByBothMajorities(t *testing.T) {
	for set := range 1 << 4 {
		c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 4, 5)))
		c.round()
		c.wantPhase(joint, false)
		c.sync()
		for i := range 4 {
			if id := wire.NodeID(i + 2); set>>i&1 == 1 {
				c.reply(id)
			}
		}
		want := set&0b0011 != 0 && set&0b1100 != 0
		if got := phaseOf(c.core) == final; got != want {
			t.Errorf("with acknowledgements of %04b (5432): committed %v, want %v", set, got, want)
		}
	}
}

// The same for elections, in either half, of who is in both, or in one of them only.
func TestJointElectsByBothMajorities(t *testing.T) {
	for name, m := range map[string]wire.Membership{
		"in both":      {Voters: ids(1, 4, 5), Outgoing: ids(1, 2, 3)},
		"in the old":   {Voters: ids(3, 4, 5), Outgoing: ids(1, 2, 3)},
		"in the new":   {Voters: ids(1, 4, 5), Outgoing: ids(2, 3, 4)},
		"with one old": {Voters: ids(2, 3, 4), Outgoing: ids(1)},
	} {
		for set := range 1 << 4 {
			m.Members = someOf(0b11111, 1)
			m.Members = slices.DeleteFunc(m.Members, func(member wire.Member) bool { return !m.IsVoter(member.ID) })
			r := newRig(t, diskWith(bound(m)))
			r.receive(2, &wire.Heartbeat{Term: 1})
			r.receive(2, &wire.TimeoutNow{Term: 1})
			r.sync()
			for i := range 4 {
				r.receive(wire.NodeID(i+2), &wire.VoteReply{Term: 2, Granted: set>>i&1 == 1, Incarnation: 1})
			}
			want := hasMajority(m.Voters, set<<1|1) && hasMajority(m.Outgoing, set<<1|1)
			if got := r.core.role == Leader; got != want {
				t.Errorf("%s, with votes of %04b (5432): leads %v, want %v", name, set, got, want)
			}
		}
	}
}

// §6, S55: what a leader that was cut off has appended of a change is rolled back in its log,
// from each phase, when the next leader's entries replace it, and after a restart, too.
func TestChangeIsRolledBack(t *testing.T) {
	now := bound(group(ids(1, 2, 3)))
	target := group(ids(2, 3, 4))
	begun := change.Begin(&now, &target)
	joint := change.Joint(&begun, func(wire.NodeID) wire.Incarnation { return 1 })
	ended := change.Final(&joint)
	log := []wire.Membership{now, begun, joint, ended}
	for last := 2; last <= 4; last++ {
		for kept := 1; kept < last; kept++ {
			t.Run(fmt.Sprintf("from %d to %d", last, kept), func(t *testing.T) {
				r := newRig(t, diskWith(log[:last]...))
				if !r.core.Membership().Equal(&log[last-1]) {
					t.Fatalf("at first there is %+v", *r.core.Membership())
				}
				effects := r.append(3, 2, 0, id(1, wire.Index(kept)), 2)
				r.wantIn(effects, "UseMembership")
				if !r.core.Membership().Equal(&log[kept-1]) {
					t.Fatalf("there is %+v", *r.core.Membership())
				}
				r.sync()
				r.restart()
				if !r.core.Membership().Equal(&log[kept-1]) {
					t.Fatalf("after a restart there is %+v", *r.core.Membership())
				}
			})
		}
	}
}

// Thesis §4.1, S56: one change at a time, and each step only when the one before is committed.
func TestOneChangeAtATime(t *testing.T) {
	other := ChangeRequested{Target: group(ids(1, 2))}
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2, 4)))
	for _, p := range []phase{preparing, joint, final} {
		c.wantPhase(p, false)
		c.want(c.do(other), "AnswerChange{Refusal:4 At:0} under way")
		before := c.core.log.Last()
		c.reply(4) // One of four, or of three: nothing is committed by it.
		c.want(c.do(DeadlineReached{}))
		if c.core.log.Last() != before {
			t.Fatalf("in phase %d something was appended before the last step was committed", p)
		}
		c.round()
	}
	c.wantPhase(steady, true)
	c.wantIn(c.do(other), "AnswerChange{Refusal:0 At:6} accepted")
}

// The Raft mailing list's bug of 2015 in thesis §4.1: no change before the leader has
// committed an entry of its term.
func TestNoChangeBeforeCommitInTerm(t *testing.T) {
	r := newRig(t, diskWith(bound(group(ids(1, 2, 3)))))
	r.append(2, 1, 1, id(1, 1))
	r.lead()
	e := ChangeRequested{Target: group(ids(1, 2, 4))}
	r.want(r.do(e), "AnswerChange{Refusal:5 At:0} too early")
	r.ack(2, 1, 1)
	r.sync()
	r.want(r.do(e), "AnswerChange{Refusal:5 At:0} too early")
	r.ack(2, 1, 2)
	r.wantIn(r.do(e), "AnswerChange{Refusal:0 At:3} accepted")
}

// Thesis §4.2.1: newcomers catch up as learners, all of them, before any votes; L20: one that
// is never started holds nothing up.
func TestNewcomersCatchUpFirst(t *testing.T) {
	c := changingTo(t, group(ids(1)), group(ids(1, 2, 3)), 3)
	for range 5 {
		c.settle()
		c.beat()
		c.wantPhase(preparing, true)
	}
	c.propose(3)
	c.settle()
	if c.core.commit != c.core.log.Last() {
		t.Fatal("newcomers hold up what is proposed")
	}
	c.silent = nil
	c.settle()
	c.wantPhase(steady, true)
	c.wantMembership(ids(1, 2, 3))
}

// Who had caught up as a learner long ago, and is gone since, has to do so again.
func TestLearnerThatIsGoneCatchesUpAgain(t *testing.T) {
	c := leading(t, group(ids(1, 2), 3))
	c.settle()
	c.silent = ids(3)
	for range 20 {
		c.propose(1)
		c.beat()
		c.settle()
	}
	c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 2, 3))}), "AnswerChange{Refusal:0")
	c.settle()
	c.wantPhase(preparing, true)
	c.silent = nil
	c.settle()
	c.wantPhase(steady, true)
}

// Thesis §4.2.1: rounds. Who ends one within an election time-out follows fast enough, though
// there is always more; who does not, does not.
func TestCatchUpInRounds(t *testing.T) {
	type ack struct {
		match, last wire.Index
		at          Instant
	}
	for name, c := range map[string]struct {
		acks []ack
		done bool
	}{
		"has all":           {[]ack{{10, 10, 0}}, true},
		"nothing yet":       {[]ack{{0, 10, 0}}, false},
		"a round in time":   {[]ack{{5, 10, 0}, {10, 20, 99}}, true},
		"a round too late":  {[]ack{{5, 10, 0}, {10, 20, 100}}, false},
		"half a round":      {[]ack{{5, 10, 0}, {9, 20, 50}}, false},
		"the second round":  {[]ack{{5, 10, 0}, {10, 20, 150}, {20, 30, 249}}, true},
		"always too late":   {[]ack{{5, 10, 0}, {10, 20, 150}, {20, 30, 300}, {30, 40, 450}}, false},
		"late, but has all": {[]ack{{5, 10, 0}, {10, 10, 500}}, true},
	} {
		var r catchUp
		for _, a := range c.acks {
			r.advance(a.match, a.last, a.at, 100)
		}
		if r.done != c.done {
			t.Errorf("%s: done is %v", name, r.done)
		}
	}
}

// §6: "leaders may fail": whoever leads next takes the change to its end, by itself, from the
// phase that it finds in its log, once that is committed in its own term.
func TestNextLeaderGoesOn(t *testing.T) {
	now := bound(group(ids(1, 2, 3)))
	target := group(ids(1, 2, 4))
	begun := change.Begin(&now, &target)
	together := change.Joint(&begun, func(wire.NodeID) wire.Incarnation { return 1 })
	ended := change.Final(&together)
	for name, log := range map[string][]wire.Membership{
		"preparing": {now, begun}, "joint": {now, begun, together}, "final": {now, begun, together, ended},
	} {
		t.Run(name, func(t *testing.T) {
			c := crewOn(t, diskWith(log...))
			c.sync()
			if c.core.log.Last() != wire.Index(len(log)+1) {
				t.Fatalf("before anything is committed the log ends at %d", c.core.log.Last())
			}
			c.settle()
			c.wantPhase(steady, true)
			if !c.core.Membership().Equal(&ended) {
				t.Errorf("it ends with %+v, want %+v", *c.core.Membership(), ended)
			}
		})
	}
}

// A next leader that finds the joint membership, but has committed nothing in its own term,
// does not append the final one: it may not be committed (S58).
func TestJointHasToBeCommittedInTerm(t *testing.T) {
	now := bound(group(ids(1, 2, 3)))
	target := group(ids(1, 4, 5))
	begun := change.Begin(&now, &target)
	c := crewOn(t, diskWith(now, begun, change.Joint(&begun, func(wire.NodeID) wire.Incarnation { return 1 })))
	c.sync()
	for _, from := range []wire.NodeID{2, 3, 4, 5} { // All have the joint membership; the blank entry nobody.
		c.receive(from, &wire.AppendReply{Term: 2, Epoch: 1, Match: 3, Incarnation: 1})
	}
	c.wantPhase(joint, false)
	c.settle()
	c.wantPhase(steady, true)
}

// §6: "the leader steps down ... once it has committed Cnew": a leader that is not part of the
// target manages the group, and does not count itself.
func TestRemovedLeaderDoesNotCount(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(2, 3)))
	c.round()
	c.round()
	c.wantPhase(final, false)
	c.sync()
	c.wantNone(c.reply(2), "TimeoutNow") // With its own it would be two of three.
	c.wantPhase(final, false)
	if c.core.role != Leader || !c.core.AcceptsProposals() {
		t.Fatal("it does not lead any more, and the change is not committed")
	}
	effects := c.reply(3)
	c.wantIn(effects, "TimeoutNow term=2")
	c.wantPhase(steady, true)
	c.wantIn(c.propose(1), "RejectProposals{Term:2 Leader:0")
	c.want(c.do(ChangeRequested{Target: group(ids(1, 2, 3))}), "AnswerChange{Refusal:2 At:0} not leading")
	c.want(c.do(TransferRequested{To: 3}), "TransferEnded{Done:false}")
	c.receive(2, &wire.RequestVote{Term: 3, Last: c.core.log.LastID(), Transfer: true, Incarnation: 1})
	c.wantIn(c.sync(), "Send to 2: VoteReply term=3 granted=true")
	if c.core.Deadline() != Never {
		t.Error("it waits to campaign")
	}
	if s := c.core.Standing(); s.RemovedAt != s.At {
		t.Errorf("it does not know that it was removed: %+v", s)
	}
}

// A leader that becomes a learner hands over in the same way, and follows.
func TestDemotedLeader(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(2, 3), 1))
	c.settle()
	c.wantMembership(ids(2, 3), nil, ids(1))
	if c.core.leader == nil || c.core.Standing().Transferring == 0 {
		t.Fatal("it does not hand over")
	}
	c.receive(2, &wire.Heartbeat{Term: 3})
	c.sync()
	if b := c.core.Brief(); b.Role != Follower || b.Leader != 2 || c.core.Standing().RemovedAt != 0 {
		t.Errorf("it is %+v, %+v", b, c.core.Standing())
	}
	c.wantNoCampaign()
	if b := c.core.Brief(); b.Leader != 0 {
		t.Errorf("it takes %d for the leader, who is silent", b.Leader)
	}
	c.wantIn(c.receive(2, &wire.Heartbeat{Term: 3}), "RoleChanged follower term=3 leader=2")
}

// Whoever is to take over may never answer, or be cut off: the leader that was removed ends all
// the same, and leads on for no client.
func TestRemovedLeaderEndsInAnyCase(t *testing.T) {
	for name, last := range map[string]func(c *crew) []string{
		"no answer": func(c *crew) []string {
			until := c.now + testElection
			var effects []string
			for c.core.role == Leader && c.now <= until {
				effects = c.beat()
			}
			return effects
		},
		"connection lost": func(c *crew) []string { return c.do(PeerUnreachable{Peer: c.core.Standing().Transferring}) },
		"another term":    func(c *crew) []string { return c.receive(3, &wire.HeartbeatReply{Term: 7, Incarnation: 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			c := changingTo(t, group(ids(1, 2, 3)), group(ids(2, 3)))
			c.settle()
			if c.core.Standing().Transferring == 0 {
				t.Fatal("it does not hand over")
			}
			effects := last(c)
			c.wantIn(effects, "RoleChanged follower")
			c.wantIn(effects, "StopReplication{To:0}")
			c.wantNone(effects, "TransferEnded") // Nobody has asked for it.
			if c.core.role != Follower || c.core.Deadline() != Never {
				t.Errorf("it is a %v, whose deadline is %d", c.core.role, c.core.Deadline())
			}
		})
	}
}

// If the only voter left has lost its disk meanwhile, the change cannot come to its end, and the
// leader does not stay.
func TestRemovedLeaderWithoutSuccessor(t *testing.T) {
	c := changingTo(t, group(ids(1, 2)), group(ids(2)))
	c.round()
	c.sync()
	c.reply(2)
	c.wantPhase(final, false)
	c.incarnations[2] = 7
	effects := c.settle()
	c.wantIn(effects, "Notice PeerLostDisk peer=2")
	c.wantPhase(final, false)
	c.beatUntil("Notice QuorumLost", 2*beatsPerElection)
	if c.core.role != Follower {
		t.Errorf("it is a %v", c.core.role)
	}
}

// A user's transfer that is under way when the leader turns out to be removed goes on, and is
// answered.
func TestRemovedLeaderGoesOnWithTransfer(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(2, 3)))
	c.round()
	c.round()
	c.wantPhase(final, false)
	c.want(c.do(TransferRequested{To: 3}))
	c.sync()
	c.reply(2)
	c.wantIn(c.reply(3), "Send to 3: TimeoutNow")
	c.wantPhase(steady, true)
	c.wantIn(c.do(PeerUnreachable{Peer: 3}), "TransferEnded{Done:false}")
	if c.core.role != Follower {
		t.Errorf("it is a %v", c.core.role)
	}
}

// Who is removed is replicated to until it had time to learn of it, and not in eternity; a
// member that is gone is not waited for.
func TestRemovedPeerLearnsOfIt(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2)))
	c.round()
	c.round()
	c.wantPhase(final, false)
	c.sync()
	c.reply(2)
	c.wantPhase(steady, true)
	c.wantIn(c.reply(3), "Replicate to 3: ") // The commit index, too.
	removed := c.now
	c.wantIn(c.dropped(3), "StopReplication{To:3}")
	if after := c.now - removed; after < leaveTimeouts*testElection {
		t.Errorf("it is dropped after %d ms", after/millisecond)
	}
	c.wantNone(c.propose(1), "to 3:")
	c.wantNone(c.beat(), "to 3:")
}

// As long as the removal is not committed it may be rolled back, and the one removed be needed
// for that: it stays.
func TestRemovedPeerStaysUntilCommitted(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2)))
	c.round()
	c.round()
	c.sync()
	for range 8 {
		c.receive(2, &wire.HeartbeatReply{Term: 2, Round: c.core.leader.round, Incarnation: 1})
		c.now += leaveTimeouts * testElection / 4
		c.do(DeadlineReached{})
	}
	if c.core.leader == nil || c.core.leader.peer(3) == nil {
		t.Fatal("it is dropped before its removal is committed")
	}
}

// Thesis §4.2.3, S46: who was removed and has not heard of it asks for votes for ever. It is
// refused, does not disturb, and is told; it tells people.
func TestRemovedNodeIsToldAndDisturbsNobody(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2)))
	c.silent = ids(3)
	c.settle()
	c.wantPhase(steady, true)
	at := c.core.Standing().CommittedAt
	before := c.core.Brief()
	told := fmt.Sprintf("Send to 3: PreVoteReply term=2 round=1 granted=false removedat=%d", at)
	c.want(c.receive(3, &wire.RequestPreVote{Term: 3, Round: 1, Last: id(1, 2), Incarnation: 1}), told)
	c.want(c.receive(3, &wire.RequestVote{Term: 99, Last: id(90, 90), Incarnation: 1}))
	c.wantNone(c.receive(3, &wire.HeartbeatReply{Term: 99, Incarnation: 1}), "RoleChanged")
	c.dropped(3)
	c.want(c.receive(3, &wire.AppendReply{Term: 99}), "Notice MessageDropped peer=3 reply from who is not a member")
	if after := c.core.Brief(); after != before {
		t.Errorf("who was removed has made %+v of %+v", after, before)
	}

	out := newRig(t, diskWith(bound(group(ids(1, 2, 3)))))
	out.expire()
	reply := &wire.PreVoteReply{Term: 1, Round: 1, RemovedAt: 9}
	out.wantIn(out.receive(2, reply), "Notice Removed peer=2")
	out.wantNone(out.receive(3, reply), "Notice")
	if out.core.Standing().RemovedAt != 9 {
		t.Errorf("it knows %+v", out.core.Standing())
	}
}

// A member that lags does not tell somebody who was added since that it was removed; and who
// is told knows better.
func TestOldNewsOfRemoval(t *testing.T) {
	lagging := newRig(t, diskWith(bound(group(ids(1, 2, 3)))))
	lagging.want(lagging.receive(4, &wire.RequestPreVote{Term: 3, Round: 1, Last: id(2, 9), Incarnation: 1}),
		"Send to 4: PreVoteReply term=1 round=1 granted=true")
	log := []wire.Membership{bound(group(ids(2, 3))), bound(group(ids(1, 2, 3)))}
	for name, commit := range map[string]wire.Index{"committed": 2, "maybe not committed": 0} {
		added := newRig(t, diskWith(log...))
		added.append(2, 1, commit, id(1, 2))
		added.expire()
		added.wantNone(added.receive(2, &wire.PreVoteReply{Term: 1, Round: 1, RemovedAt: 1}), "Notice")
		if at := added.core.Standing().RemovedAt; at != 0 {
			t.Errorf("%s: it takes itself for removed at %d", name, at)
		}
	}
}

// A leader that was cut off, and has begun a change that nobody knows of, was removed by the
// next one, at an earlier index: it is told, and believes it, though its log says something else.
func TestLeaderThatWasCutOffIsRemoved(t *testing.T) {
	w := formed(t, 3)
	old := w.leader()
	w.isolate(old.id)
	w.propose(old, 5)
	old.take(ChangeRequested{Target: group(ids(1, 2, 3), 4)})
	w.pass(testHeartbeat)
	if at := old.core.Standing().At; at != 8 {
		t.Fatalf("its change is at %d", at)
	}
	w.run(10*testElection, func() bool { return w.leader() != old && w.leader() != nil && w.leader().core.hasCommittedInTerm() })
	w.change(group(slices.DeleteFunc(ids(1, 2, 3), func(id wire.NodeID) bool { return id == old.id })))
	w.pass(2 * leaveTimeouts * testElection)
	if at := w.leader().core.Standing().At; at >= 8 {
		t.Fatalf("it was removed at %d", at)
	}
	w.rejoin()
	w.pass(4 * testElection)
	if old.core.Standing().RemovedAt == 0 {
		t.Errorf("it does not know that it was removed\n%s", w.dump())
	}
}

// A newcomer learns of memberships in which it was not there yet, and was not removed.
func TestNewcomerWasNotRemoved(t *testing.T) {
	r := newRig(t, disk{})
	three := bound(group(ids(2, 3, 4)))
	m := appendOf(2, 1, wire.LogID{}, 1, 1)
	m.Entries[0].Kind, m.Entries[0].Data = wire.EntryMembership, wire.AppendMembership(nil, &three)
	r.receive(2, m)
	r.sync()
	if s := r.core.Standing(); s.RemovedAt != 0 || s.CommittedAt != 1 {
		t.Errorf("it knows %+v", s)
	}
}

// A node that was removed, and is added again with the disk that it has, is a member as if
// nothing had been: in the same term, too, though its streams begin anew.
func TestRemovedAndAddedAgain(t *testing.T) {
	w := formed(t, 3)
	leader := w.leader()
	out := w.nodes[leader.id%3]
	rest := group(slices.DeleteFunc(ids(1, 2, 3), func(id wire.NodeID) bool { return id == out.id }))
	for range 3 {
		w.change(rest)
		w.pass((leaveTimeouts + 2) * testElection)
		if s := out.core.Standing(); s.RemovedAt == 0 || out.core.Deadline() != Never {
			t.Fatalf("it does not know that it was removed: %+v", s)
		}
		w.propose(w.leader(), 3)
		w.change(group(ids(1, 2, 3)))
		if s := out.core.Standing(); s.RemovedAt != 0 || out.core.Deadline() == Never {
			t.Fatalf("it does not know that it was added again: %+v", s)
		}
	}
	if w.history.elections != 1 {
		t.Errorf("there were %d elections", w.history.elections)
	}
}

// The same if the log was compacted meanwhile: the offer of a snapshot must not be taken for a
// stale one.
func TestAddedAgainByItsSnapshot(t *testing.T) {
	c := leading(t, group(ids(1, 2)))
	epochs := []wire.Epoch{c.core.leader.peer(2).Epoch}
	for range 2 {
		c.do(PeerUnreachable{Peer: 2})
		c.settle()
		epochs = append(epochs, c.core.leader.peer(2).Epoch)
		c.wantIn(c.do(ChangeRequested{Target: group(ids(1))}), "AnswerChange{Refusal:0")
		c.settle()
		c.dropped(2)
		c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 2))}), "AnswerChange{Refusal:0")
		epochs = append(epochs, c.core.leader.peer(2).Epoch)
		c.settle()
	}
	for i := range epochs[1:] {
		if epochs[i+1] <= epochs[i] {
			t.Fatalf("the epochs are %d", epochs)
		}
	}
}

// A node that is added again in the same term is not taken for who it was: what it says of the
// streams of then is stale, and it must take the new ones for new.
func TestEpochsGoOnAfterRemoval(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3)))
	for range 3 {
		c.do(PeerUnreachable{Peer: 3})
		c.beat()
	}
	used := c.core.leader.peer(3).Epoch
	c.do(ChangeRequested{Target: group(ids(1, 2))})
	c.settle()
	c.dropped(3)
	c.do(ChangeRequested{Target: group(ids(1, 2, 3))})
	if p := c.core.leader.peer(3); p == nil || p.Epoch <= used || used < 3 {
		t.Fatalf("its streams begin with %+v, and it has seen %d", p, used)
	}
	c.settle()
	c.wantMembership(ids(1, 2, 3))
}
