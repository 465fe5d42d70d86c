// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// bornAs starts member 1 on a disk, with another data folder than the usual.
func bornAs(t *testing.T, incarnation wire.Incarnation, d disk) *rig {
	t.Helper()
	d.incarnation = incarnation
	return newRig(t, d)
}

// I16: a voter that has lost its disk does not vote, nor campaign, whatever it has caught up
// with; it acknowledges, which counts for nothing but for how far it has caught up.
func TestLostDiskDoesNotVote(t *testing.T) {
	r := bornAs(t, 7, disk{})
	three := bound(group(ids(1, 2, 3)))
	m := appendOf(2, 1, wire.LogID{}, 1, 2)
	m.Entries[0].Kind, m.Entries[0].Data = wire.EntryMembership, wire.AppendMembership(nil, &three)
	r.receive(2, m)
	r.wantIn(r.sync(), "AppendReply term=2 epoch=1 match=2 rejected=false conflict=t0/i0 incarnation=7")
	for range 2 {
		r.wantNoCampaign()
		r.want(r.do(CampaignRequested{}))
		r.receive(2, &wire.Heartbeat{Term: 2})
		r.want(r.receive(2, &wire.TimeoutNow{Term: 2}))
		r.wantNoCampaign()
		r.want(r.receive(3, &wire.RequestPreVote{Term: 3, Round: 1, Last: id(2, 9), Incarnation: 1}),
			"Send to 3: PreVoteReply term=2 round=1 granted=false")
		r.wantIn(r.receive(3, &wire.RequestPreVote{Term: 3, Round: 1, Last: id(2, 9), Incarnation: 7}), "granted=true")
		r.restart()
	}
	r.receive(3, &wire.RequestVote{Term: 3, Last: id(2, 9), Incarnation: 1})
	r.wantIn(r.sync(), "VoteReply term=3 granted=false")
	r.receive(3, &wire.RequestVote{Term: 4, Last: id(2, 9), Incarnation: 7})
	r.wantIn(r.sync(), "VoteReply term=4 granted=true incarnation=7")
}

// The same if what it has caught up with begins with the anonymous membership of before the
// group was formed, and it does not know any more what of its log is committed: that does not
// make it a voter of the one before, as it would somebody who is not part of the latest.
func TestLostDiskIsNoVoterOfTheFirstMembership(t *testing.T) {
	first := group(ids(1, 2, 3))
	d := diskWith(first, bound(first))
	r := bornAs(t, 7, d)
	if r.core.Deadline() != Never {
		t.Fatal("it waits to campaign")
	}
	r.want(r.do(CampaignRequested{}))
	r.want(r.receive(3, &wire.RequestPreVote{Term: 2, Round: 1, Last: id(1, 9), Incarnation: 0}),
		"Send to 3: PreVoteReply term=1 round=1 granted=false")
	if r = bornAs(t, 1, d); r.core.Deadline() == Never {
		t.Fatal("who has its disk does not wait to campaign")
	}
}

// A leader whose log lacks what was committed must not come of that: 1 and 2 hold an entry that
// 3 does not; 2 loses its disk, catches up with the beginning, and restarts; 1 dies.
func TestLostDiskElectsNobody(t *testing.T) {
	slow := calm
	slow.batchBytes = 1 // Entries come one by one.
	w := newCluster(t, 1, slow, 3)
	w.form()
	leader := w.leader()
	lost, behind := w.nodes[leader.id%3], w.nodes[(leader.id+1)%3]
	begun := len(leader.log)
	behind.crash()
	w.propose(leader, 3)
	w.run(testElection, func() bool { return len(w.history.committed) == begun+3 })
	lost.wipe(70)
	w.seen = func(from, to wire.NodeID, m wire.Message) bool {
		a, isAppend := m.(*wire.AppendEntries)
		return !isAppend || to != lost.id || a.Prev.Index > 0 && len(lost.log) == 0 || int(a.Prev.Index)+len(a.Entries) <= begun
	}
	lost.restart()
	if !w.run(5*testElection, func() bool { return len(lost.disk.log) == begun }) {
		t.Fatalf("it has %d entries of %d\n%s", len(lost.disk.log), begun, w.dump())
	}
	leader.crash()
	w.seen = nil
	lost.crash()
	lost.restart()
	behind.restart()
	if w.run(20*testElection, func() bool { return w.leader() != nil }) {
		t.Fatalf("one is elected by a member that has lost its disk\n%s", w.dump())
	}
	leader.restart()
	w.converge(recovery)
}

// The dangerous case: member 3 was down since the group was formed, so that its log is as that
// of a group that nothing has happened in. Member 2 loses its disk, and is initialized again by
// somebody who takes it for a new one. They must not elect a leader together, though each of
// them would do for the other, and they are two of three.
func TestLostDiskInitializedAgain(t *testing.T) {
	for name, isAway := range map[string]bool{"while the leader is away": true, "while the leader is there": false} {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t, 1, calm, 3)
			for _, n := range w.nodes {
				n.take(InitializeRequested{Membership: voters(3)})
			}
			w.seen = func(_, to wire.NodeID, m wire.Message) bool { // All vote, and 3 hears nothing else.
				_, isAppend := m.(*wire.AppendEntries)
				return !isAppend || to != 3
			}
			w.nodes[2].pausedUntil = 2 * testElection // So that it does not lead itself.
			bound := func() bool { return len(w.history.committed) >= 2 }
			if !w.run(20*testElection, bound) || w.leader().id == 3 {
				t.Fatalf("the stage is not set\n%s", w.dump())
			}
			old := w.leader()
			again := w.nodes[2-old.id]
			w.propose(old, 3)
			w.run(testElection, func() bool { return len(w.history.committed) >= 5 })
			w.nodes[2].crash()
			w.seen = nil
			again.wipe(70)
			if isAway {
				old.crash()
			}
			again.restart()
			w.nodes[2].restart()
			again.take(InitializeRequested{Membership: voters(3)})
			elected := func() bool { return w.leader() != nil && w.leader() != old }
			if w.run(30*testElection, elected) {
				t.Fatalf("node %d is elected\n%s", w.leader().id, w.dump())
			}
			old.restart()
			w.converge(recovery)
			if w.leader() == again {
				t.Error("who has lost its disk leads")
			}
			w.change(group(ids(old.id, 3)))
			w.change(group(ids(1, 2, 3)))
			if got := w.leader().core.Membership().Incarnation(again.id); got != 70 {
				t.Errorf("brought in again, it is known by %d", got)
			}
		})
	}
}

// A group is formed with all votes: also those of candidates and pre-candidates are not enough
// if one is missing or refused, and it is over as soon as one is refused.
func TestFormationNeedsAllVotes(t *testing.T) {
	r := newRig(t, diskWith(group(ids(1, 2, 3))))
	if !r.core.Standing().IsForming {
		t.Fatal("it is not being formed")
	}
	r.expire()
	r.want(r.receive(2, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}))
	r.wantIn(r.receive(3, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}), "RoleChanged candidate")
	r.sync()
	r.want(r.receive(2, &wire.VoteReply{Term: 2, Granted: true, Incarnation: 12}))
	r.wantIn(r.receive(3, &wire.VoteReply{Term: 2, Granted: false, Incarnation: 13}), "RoleChanged follower")
	r.expire()
	r.wantIn(r.receive(2, &wire.PreVoteReply{Term: 2, Round: 2, Granted: false}), "RoleChanged follower")
}

// The first leader records the incarnations of those who voted for it, in its first entry; from
// then on a majority elects.
func TestFirstLeaderBinds(t *testing.T) {
	r := bornAs(t, 11, diskWith(group(ids(1, 2, 3), 4)))
	r.expire()
	for _, from := range ids(2, 3) {
		r.receive(from, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true})
	}
	r.sync()
	r.receive(2, &wire.VoteReply{Term: 2, Granted: true, Incarnation: 12})
	effects := r.receive(3, &wire.VoteReply{Term: 2, Granted: true, Incarnation: 13})
	r.wantIn(effects, "WriteLog #2 t2/i2/membership")
	want := group(ids(1, 2, 3), 4)
	for i := range 3 {
		want.Members[i].Incarnation = wire.Incarnation(11 + i)
	}
	if got := r.core.Membership(); !got.Equal(&want) || r.core.Standing().IsForming {
		t.Fatalf("there is %+v, %+v, want %+v", *got, r.core.Standing(), want)
	}
	r.sync()
	r.restart()
	r.expire()
	r.wantIn(r.receive(3, &wire.PreVoteReply{Term: 2, Round: 1, Granted: true}), "RoleChanged candidate")
	r.wantIn(r.sync(), "Send to 2: RequestVote term=3 last=t2/i2 transfer=false incarnation=12")
	r.wantIn(r.receive(3, &wire.VoteReply{Term: 3, Granted: true, Incarnation: 13}), "WriteLog #2 t3/i3/blank")
}

// What a peer of another incarnation had acknowledged is gone: replication to it begins anew.
// People are told if it is a voter, once.
func TestPeerLostDisk(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3), 4))
	c.propose(2)
	c.settle()
	c.incarnations[2], c.incarnations[4] = 70, 71
	before := *c.core.leader.peer(2).Progress
	effects := c.beat()
	c.wantIn(effects, "Notice PeerLostDisk peer=2")
	c.wantNone(effects, "peer=4")
	c.wantIn(effects, "Replicate to 2: probe term=2 epoch=2")
	c.wantIn(effects, "Replicate to 4: probe term=2 epoch=2")
	p := c.core.leader.peer(2)
	if p.Match != 0 || p.Epoch == before.Epoch || p.incarnation != 70 {
		t.Fatalf("its progress is %+v, was %+v", *p.Progress, before)
	}
	c.wantNone(c.receive(2, &wire.AppendReply{Term: 2, Epoch: before.Epoch, Match: 3, Incarnation: 70}), "Replicate")
	if p.Match != 0 {
		t.Fatal("an acknowledgement of the epoch before counts")
	}
	c.wantNone(c.settle(), "PeerLostDisk")
	if p.Match != c.core.log.Last() {
		t.Errorf("it has acknowledged %d of %d", p.Match, c.core.log.Last())
	}
}

// A leader that is new in its term sees it, too, and tells people.
func TestPeerHasLostDiskBefore(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3)))
	d := c.disk
	again := crewOn(t, d)
	again.incarnations[2] = 70
	effects := again.settle()
	again.wantIn(effects, "Notice PeerLostDisk peer=2")
	again.wantNone(append(again.beat(), again.settle()...), "PeerLostDisk")
}

// An answer to a message of an earlier term names no incarnation, and says nothing of the
// peer's disk: it may come when the receiver leads the term that it teaches.
func TestTaughtTermIsNoLostDisk(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3)))
	c.want(c.receive(2, &wire.HeartbeatReply{Term: 2}))
	if p := c.core.leader.peer(2); p.Match != c.core.log.Last() || p.incarnation != 1 {
		t.Errorf("its progress is %+v, incarnation %d", *p.Progress, p.incarnation)
	}
}

// A newcomer that loses its disk before it votes is known by the new one, and has to catch up
// again; after that it is a voter that must not vote.
func TestNewcomerLosesDisk(t *testing.T) {
	c := changingTo(t, group(ids(1)), group(ids(1, 2, 3)), 3)
	c.settle()
	c.incarnations[2] = 70
	c.beat()
	if c.core.leader.peer(2).catchUp.done {
		t.Fatal("it has caught up with a disk that is gone")
	}
	c.silent = nil
	c.settle()
	c.wantMembership(ids(1, 2, 3))
	if got := c.core.Membership().Incarnation(2); got != 70 {
		t.Fatalf("it is known by %d", got)
	}
	c.incarnations[2] = 71
	c.wantIn(c.beat(), "Notice PeerLostDisk peer=2")
	if c.core.isAble(2) || !c.core.isAble(3) {
		t.Error("it is taken for one that may vote")
	}
	// It must not be counted for what a change risks.
	c.want(c.do(ChangeRequested{Target: group(ids(1, 2))}), "AnswerChange{Refusal:6 At:0} risks the quorum")
}

// Removed and added again, who has lost its disk votes: known by the disk that it has now.
func TestLostDiskIsBroughtInAgain(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3)))
	c.incarnations[2] = 70
	c.beat()
	c.settle()
	c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 2, 3))}), "AnswerChange{Refusal:0 At:1} accepted") // That does not do.
	c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 3), 2)}), "AnswerChange{Refusal:0")
	c.settle()
	c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 2, 3))}), "AnswerChange{Refusal:0")
	c.settle()
	c.wantPhase(steady, true)
	if m := c.core.Membership(); m.Incarnation(2) != 70 || m.Incarnation(3) != 1 || !c.core.isAble(2) {
		t.Errorf("there is %+v", *m)
	}
}

// What a voter acknowledges that has lost its disk does not commit anything, nor does it keep a
// leader in office. It may have voted for a later leader before, who is elected by that vote and
// knows nothing of what it acknowledges now (found by scope mc8).
func TestLostDiskDoesNotCount(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3)))
	c.silent, c.incarnations[3] = ids(2), 7
	c.wantIn(c.reply(3), "Notice PeerLostDisk peer=3")
	committed := c.core.commit
	c.propose(1)
	c.settle()
	if p := c.core.leader.peer(3); p.Match != c.core.log.Last() || c.core.commit != committed {
		t.Fatalf("%d has caught up to %d of %d, and %d is committed", p.ID, p.Match, c.core.log.Last(), c.core.commit)
	}
	c.beatUntil("Notice QuorumLost", 2*beatsPerElection)

	// With the other one it goes on.
	c = leading(t, group(ids(1, 2, 3)))
	c.incarnations[3] = 7
	c.propose(1)
	c.settle()
	if c.core.commit != c.core.log.Last() {
		t.Errorf("of %d entries %d are committed", c.core.log.Last(), c.core.commit)
	}
	for range 2 * beatsPerElection {
		c.wantNone(c.beat(), "QuorumLost")
	}
}
