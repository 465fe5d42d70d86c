// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// §8: "the leader … commits a blank no-op entry into the log at the start of its term."
// Nothing is proposed for that, and nobody is asked.
func TestLeaderStartsWithBlankEntry(t *testing.T) {
	r := threeVoters(t, 1, 1)
	r.want(r.lead(), "WriteLog #2 t2/i3/blank", "RoleChanged leader term=2 leader=1",
		"Replicate to 2: probe term=2 epoch=1 prev=t1/i2 last=3 commit=0 match=0",
		"Replicate to 3: probe term=2 epoch=1 prev=t1/i2 last=3 commit=0 match=0")
}

// §5.3: the leader appends, and replicates in parallel; what a majority has, with the
// leader's own disk, is committed and applied, and everybody is told.
func TestReplication(t *testing.T) {
	r := leadThree(t, 1)
	r.want(r.propose(2), "WriteLog #3 t2/i3/command t2/i4/command", "AcceptProposals{First:3 Term:2 Count:2}",
		"Replicate to 2: stream term=2 epoch=1 prev=t2/i2 last=4 commit=2 match=2",
		"Replicate to 3: stream term=2 epoch=1 prev=t2/i2 last=4 commit=2 match=2")
	r.want(r.ack(2, 1, 3), "Replicate to 2: stream term=2 epoch=1 prev=t2/i3 last=4 commit=2 match=3")
	r.want(r.sync(), "Apply{Through:3}")
	r.want(r.ack(3, 1, 4), "Replicate to 3: stream term=2 epoch=1 prev=t2/i4 last=4 commit=4 match=4", "Apply{Through:4}")
	// The news of the commit goes with the next entries, or soon without any.
	r.want(r.expire(), "Replicate to 2: news term=2 epoch=1 prev=t2/i3 last=4 commit=4 match=3",
		"Replicate to 3: news term=2 epoch=1 prev=t2/i4 last=4 commit=4 match=4")
}

// S36, S37, thesis §10.2.1: the leader's disk counts like a peer's, when it has synced;
// two peers are a majority without it.
func TestLeaderCountsItsOwnDisk(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	r.wantNone(r.ack(2, 1, 3), "Apply")
	r.wantIn(r.ack(3, 1, 3), "Apply{Through:3}")

	alone := newRig(t, diskOf(voters(1), 0, 1))
	alone.campaign()
	alone.sync()
	alone.want(alone.propose(1), "WriteLog #3 t2/i3/command", "AcceptProposals{First:3 Term:2 Count:1}")
	alone.want(alone.sync(), "Apply{Through:3}")
}

// S7: of four, three are a majority.
func TestMajorityOfFour(t *testing.T) {
	r := newRig(t, diskOf(voters(4), 0, 1))
	r.lead()
	r.sync()
	r.wantNone(r.ack(2, 1, 2), "Apply")
	r.wantIn(r.ack(4, 1, 2), "Apply{Through:2}")
}

// Learners get everything and count for nothing.
func TestLearnersDoNotCount(t *testing.T) {
	r := newRig(t, diskOf(withLearner(withLearner(voters(3))), 0, 1))
	r.wantIn(r.lead(), "Replicate to 5: probe")
	r.sync()
	r.wantNone(r.ack(4, 1, 2), "Apply")
	r.wantNone(r.ack(5, 1, 2), "Apply")
	r.wantIn(r.ack(3, 1, 2), "Apply{Through:2}")

	// Nor do they elect.
	r = newRig(t, diskOf(withLearner(withLearner(voters(3))), 0, 1))
	r.expire()
	for _, from := range []wire.NodeID{4, 5} {
		r.want(r.receive(from, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}))
	}
	r.campaign()
	for _, from := range []wire.NodeID{4, 5} {
		r.want(r.receive(from, &wire.VoteReply{Term: 2, Granted: true}))
	}
}

// §6: while a change is half done, elections and commits need a majority of the old
// voters and one of the new (S57).
func TestJointQuorums(t *testing.T) {
	m := voters(5)
	m.Voters, m.Outgoing = []wire.NodeID{1, 4, 5}, []wire.NodeID{1, 2, 3}
	r := newRig(t, diskOf(m, 0, 1))
	r.expire()
	preVote := &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}
	r.want(r.receive(4, preVote))
	r.want(r.receive(5, preVote))
	r.wantIn(r.receive(2, preVote), "RoleChanged candidate")
	r.sync()
	vote := &wire.VoteReply{Term: 2, Granted: true}
	r.want(r.receive(2, vote))
	r.want(r.receive(3, vote))
	r.wantIn(r.receive(5, vote), "RoleChanged leader")
	r.sync()
	r.wantNone(r.ack(2, 1, 2), "Apply")
	r.wantNone(r.ack(3, 1, 2), "Apply")
	r.wantIn(r.ack(4, 1, 2), "Apply{Through:2}")
	// A majority of one half is not enough to stay in office.
	for range 12 {
		r.expire()
		for _, from := range []wire.NodeID{2, 3} {
			if r.core.role == Leader {
				r.receive(from, &wire.HeartbeatReply{Term: 2, Epoch: 1, Match: 2, Accepted: 2})
			}
		}
	}
	if r.core.role == Leader {
		t.Fatal("it leads without a majority of the new voters")
	}
}

// §5.4.2 and figure 8: an entry of an earlier term on a majority is not committed by
// counting; one of the current term commits it along (S6, mutant 1).
func TestFigure8Rule(t *testing.T) {
	r := threeVoters(t, 1, 2, 2)
	r.lead() // In term 3, with a blank entry at 4.
	r.sync()
	r.wantNone(r.ack(2, 1, 3), "Apply")
	r.wantNone(r.ack(3, 1, 3), "Apply")
	r.wantState(Status{Role: Leader, HardState: wire.HardState{Term: 3, Vote: 1}, Leader: 1, Last: 4, Durable: 4})
	r.wantIn(r.ack(3, 1, 4), "Apply{Through:4}")
}

// S27, mutant 23: replies to an earlier stream are dropped.
func TestStaleEpochIsDropped(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(3)
	r.want(r.do(PeerUnreachable{Peer: 2}), "Replicate to 2: probe term=2 epoch=2 prev=t2/i2 last=5 commit=2 match=2")
	r.want(r.ack(2, 1, 5))
	r.want(r.receive(2, &wire.AppendReply{Term: 2, Epoch: 1, Match: 4, Rejected: true, Conflict: id(1, 1)}))
	r.want(r.receive(2, &wire.HeartbeatReply{Term: 2, Epoch: 1, Match: 5, Accepted: 5}))
	r.wantIn(r.ack(2, 2, 4), "Replicate to 2: stream term=2 epoch=2 prev=t2/i4 last=5 commit=2 match=4")
}

// S27, S31: a follower that has lost its disk is noticed, and what it had acknowledged
// is never taken back, nor acknowledged in its name.
func TestWipedFollower(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(2)
	r.do(EntriesSent{Peer: 2, Epoch: 1, Last: 4})
	r.ack(2, 1, 4)
	// It starts empty: the next message finds nothing to stand on. That may also be an
	// answer that was overtaken; the answer to a probe tells.
	r.want(r.receive(2, &wire.AppendReply{Term: 2, Epoch: 1, Match: 4, Rejected: true}))
	r.want(r.receive(2, &wire.AppendReply{Term: 2, Epoch: 1, Match: 3, Rejected: true}))
	r.heartbeat()
	r.want(r.receive(2, &wire.HeartbeatReply{Term: 2, Round: 1}), "Replicate to 2: probe term=2 epoch=2 prev=t2/i4 last=4 commit=2 match=4")
	r.want(r.receive(2, &wire.AppendReply{Term: 2, Epoch: 2, Match: 4, Rejected: true}), "Notice PeerLostLog peer=2")
	if r.core.leader.peer(2).Match != 4 {
		t.Fatal("what was acknowledged is taken back")
	}
}

// §5.3: the leader backs up by terms, not by entries.
func TestBackUpSkipsTerms(t *testing.T) {
	r := threeVoters(t, 1, 1, 3, 3, 3, 5, 5)
	r.lead() // In term 6, with a blank entry at 8.
	reject := func(epoch wire.Epoch, prev wire.Index, conflict wire.LogID) []string {
		return r.receive(2, &wire.AppendReply{Term: 6, Epoch: epoch, Match: prev, Rejected: true, Conflict: conflict})
	}
	// The peer has 1 1 2 2 4 4 4.
	r.want(reject(1, 7, id(4, 7)), "Replicate to 2: probe term=6 epoch=2 prev=t3/i5 last=8 commit=0 match=0")
	r.want(reject(1, 7, id(4, 7)))
	r.want(reject(2, 5, id(2, 4)), "Replicate to 2: probe term=6 epoch=3 prev=t1/i2 last=8 commit=0 match=0")
	r.want(r.ack(2, 3, 2), "Replicate to 2: stream term=6 epoch=3 prev=t1/i2 last=8 commit=0 match=2")
}

// L9, L24: a heartbeat's answer finds what was lost, in every state of a peer.
func TestHeartbeatFindsLoss(t *testing.T) {
	answer := func(r *rig, epoch wire.Epoch, match, accepted wire.Index) []string {
		r.heartbeat()
		return r.receive(2, &wire.HeartbeatReply{Term: 2, Round: r.core.leader.round, Epoch: epoch, Match: match, Accepted: accepted})
	}
	// A lost probe is asked again where it was: an answer to a heartbeat knows nothing
	// about places, and the log may be long.
	r := threeVoters(t, 1, 1, 1)
	r.lead()
	r.want(answer(r, 0, 0, 0), "Replicate to 2: probe term=2 epoch=2 prev=t1/i3 last=4 commit=0 match=0")

	// Lost entries.
	r = leadThree(t, 1)
	r.propose(1)
	r.do(EntriesSent{Peer: 2, Epoch: 1, Last: 3})
	r.want(answer(r, 1, 2, 2), "Replicate to 2: probe term=2 epoch=2 prev=t2/i2 last=3 commit=2 match=2")

	// A lost acknowledgement.
	r = leadThree(t, 1)
	r.propose(1)
	r.sync()
	r.do(EntriesSent{Peer: 2, Epoch: 1, Last: 3})
	r.wantIn(answer(r, 1, 3, 3), "Apply{Through:3}")

	// Entries that are not durable yet are not lost.
	r = leadThree(t, 1)
	r.propose(1)
	r.do(EntriesSent{Peer: 2, Epoch: 1, Last: 3})
	r.want(answer(r, 1, 2, 3))

	// What was sent after the heartbeat is not lost.
	r = leadThree(t, 1)
	r.heartbeat()
	r.propose(1)
	r.do(EntriesSent{Peer: 2, Epoch: 1, Last: 3})
	r.want(r.receive(2, &wire.HeartbeatReply{Term: 2, Round: 1, Epoch: 1, Match: 2, Accepted: 2}))
}

// A follower that has restarted, or had given up on the leader, holds all it has
// acknowledged but does not know that it is this leader's: it could never commit it.
func TestHeartbeatFindsFollowerThatForgot(t *testing.T) {
	r := leadThree(t, 1)
	r.do(PeerUnreachable{Peer: 2})
	r.ack(2, 2, 2) // Nothing was sent in this epoch but the probe.
	r.heartbeat()
	r.want(r.receive(2, &wire.HeartbeatReply{Term: 2, Round: r.core.leader.round}),
		"Replicate to 2: probe term=2 epoch=3 prev=t2/i2 last=2 commit=2 match=2")
}

// S16, S1: a leader that learns of a later term stops its streams before anything else
// is written, and stamps nothing with that term.
func TestDeposedLeaderStops(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	effects := r.append(3, 3, 0, id(2, 2), 3)
	r.want(effects, "StopReplication{To:0}", "WriteLog #4 term=3 vote=0 t3/i3/command", "RoleChanged follower term=3 leader=3")
	r.want(r.propose(1), "RejectProposals{Term:3 Leader:3 Count:1}")
	r.want(r.ack(2, 1, 3))
}

// A peer that is not reachable is not forgotten, and other people's troubles are none
// of a follower's.
func TestPeerUnreachable(t *testing.T) {
	r := leadThree(t, 1)
	r.want(r.do(PeerUnreachable{Peer: 9}))
	r.do(PeerUnreachable{Peer: 3})
	r.want(r.do(PeerUnreachable{Peer: 3}))
	r = threeVoters(t, 1)
	r.want(r.do(PeerUnreachable{Peer: 3}))
}
