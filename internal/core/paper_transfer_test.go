// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// Thesis §3.10: the leader stops taking proposals (S33), brings the other up to date,
// and tells it to start an election.
func TestTransfer(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	r.want(r.do(TransferRequested{To: 3}))
	r.want(r.propose(2), "RejectProposals{Term:2 Leader:0 Count:2}")
	r.wantNone(r.ack(2, 1, 3), "TimeoutNow")
	r.wantIn(r.ack(3, 1, 3), "Send to 3: TimeoutNow term=2")
	r.wantNone(r.receive(3, &wire.HeartbeatReply{Term: 2, Epoch: 1, Match: 3, Accepted: 3}), "TimeoutNow")
	effects := r.receive(3, &wire.RequestVote{Term: 3, Last: id(2, 3), Transfer: true})
	r.want(effects, "TransferEnded{Done:true}", "StopReplication{To:0}", "WriteLog #4 term=3 vote=3", "RoleChanged follower term=3 leader=0")
	r.want(r.sync(), "Send to 3: VoteReply term=3 granted=true")
}

// What the runtime asks a member about says the same.
func TestAcceptsProposals(t *testing.T) {
	r := threeVoters(t, 1)
	if r.core.AcceptsProposals() || !r.core.Quiet() {
		t.Error("a follower accepts proposals, or waits for its disk")
	}
	r.lead()
	if !r.core.AcceptsProposals() || r.core.Quiet() {
		t.Error("a leader does not accept proposals, or does not wait for its disk")
	}
	r.do(TransferRequested{To: 2})
	if r.core.AcceptsProposals() {
		t.Error("a leader that hands over accepts proposals")
	}
}

// Thesis §3.10: "If leadership transfer does not complete after about an election
// timeout, the prior leader aborts the transfer and resumes accepting client requests"
// (L15).
func TestTransferTimesOut(t *testing.T) {
	r := leadThree(t, 1)
	r.wantIn(r.do(TransferRequested{To: 3}), "TimeoutNow")
	end := r.now + testElection
	for r.now < end {
		r.propose(1)
		effects := r.expire()
		if r.now < end {
			r.wantNone(effects, "TransferEnded")
		} else {
			r.wantIn(effects, "TransferEnded{Done:false}")
		}
		r.ack(2, 1, 2)
		r.ack(3, 1, 2)
		r.receive(2, &wire.HeartbeatReply{Term: 2, Epoch: 1, Match: 2, Accepted: 2})
		r.receive(3, &wire.HeartbeatReply{Term: 2, Epoch: 1, Match: 2, Accepted: 2})
	}
	r.wantIn(r.propose(1), "AcceptProposals{First:3 Term:2 Count:1}")
	r.want(r.do(TransferRequested{To: 2}))
}

// A transfer goes to a voter that is heard of, the most caught up if nobody is named
// (S11); one at a time; and is answered in any case.
func TestTransferChoosesTarget(t *testing.T) {
	r := newRig(t, diskOf(withLearner(voters(3)), 0, 1))
	r.lead()
	r.sync()
	r.ack(4, 1, 2)
	for _, to := range []wire.NodeID{1, 4, 9} {
		r.want(r.do(TransferRequested{To: to}), "TransferEnded{Done:false}")
	}
	r.ack(3, 1, 2)
	r.want(r.do(TransferRequested{}), "Send to 3: TimeoutNow term=2")
	r.want(r.do(TransferRequested{To: 2}), "TransferEnded{Done:false}")

	follower := threeVoters(t, 1)
	follower.want(follower.do(TransferRequested{}), "TransferEnded{Done:false}")
	alone := newRig(t, diskOf(voters(1), 0, 1))
	alone.campaign()
	alone.want(alone.do(TransferRequested{}), "TransferEnded{Done:false}")
}

// A transfer ends with the leadership, however that ends.
func TestTransferEndsWithLeadership(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	r.do(TransferRequested{To: 3})
	r.wantIn(r.receive(2, &wire.AppendReply{Term: 8}), "TransferEnded{Done:true}")

	r = leadThree(t, 1)
	r.propose(1)
	r.do(TransferRequested{To: 3})
	var effects []string
	for r.core.role == Leader {
		effects = append(effects, r.expire()...)
	}
	r.wantIn(effects, "TransferEnded{Done:false}")
}

// Thesis §3.10: who is told to starts an election at once, without pre-vote and marked
// as the leader's wish (L41); but only its own leader may tell.
func TestTimeoutNow(t *testing.T) {
	r := threeVoters(t, 1)
	r.want(r.receive(2, &wire.TimeoutNow{Term: 1}))
	r.receive(2, &wire.Heartbeat{Term: 1})
	r.want(r.receive(3, &wire.TimeoutNow{Term: 1}))
	r.want(r.receive(2, &wire.TimeoutNow{Term: 0}))
	r.want(r.receive(2, &wire.TimeoutNow{Term: 9}))
	r.want(r.receive(2, &wire.TimeoutNow{Term: 1}), "WriteLog #1 term=2 vote=1", "RoleChanged candidate term=2 leader=0")
	r.want(r.receive(2, &wire.TimeoutNow{Term: 1}))
	r.want(r.sync(), "Send to 2: RequestVote term=2 last=t1/i1 transfer=true", "Send to 3: RequestVote term=2 last=t1/i1 transfer=true")
}

// L3: a leader whose write does not end gives up, names the most caught up, and stays
// away until the write has ended.
func TestStalledLeaderGivesUp(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	r.ack(3, 1, 3)
	end := r.now + testStall
	var effects []string
	for r.core.role == Leader {
		effects = r.expire()
		if r.core.role == Leader {
			for _, from := range []wire.NodeID{2, 3} {
				r.receive(from, &wire.HeartbeatReply{Term: 2, Round: r.core.leader.round})
			}
		}
	}
	if r.now != end {
		t.Fatalf("it gives up at %d, want %d", r.now, end)
	}
	r.want(effects, "Notice WriteStalled peer=0", "Send to 3: TimeoutNow term=2", "StopReplication{To:0}", "RoleChanged follower term=2 leader=0")
	for range 5 {
		r.want(r.expire())
	}
	r.receive(2, &wire.Heartbeat{Term: 2})
	r.want(r.receive(2, &wire.TimeoutNow{Term: 2}))
	r.sync()
	r.wait(2 * testElection)
	r.wantIn(r.do(DeadlineReached{}), "Send to 2: RequestPreVote term=3")
}

// A follower's slow disk does not keep it from following.
func TestStalledFollowerFollows(t *testing.T) {
	r := newRig(t, diskOf(voters(3), 2, 1))
	r.append(2, 2, 0, id(1, 1), 2)
	r.wait(2 * testStall)
	r.want(r.receive(2, &wire.Heartbeat{Term: 2, Round: 3, Commit: 2}),
		"Send to 2: HeartbeatReply term=2 round=3 epoch=1 match=1 accepted=2", "Apply{Through:2}")
}

// §5.2: heartbeats go out each interval to whoever is silent, and no further than what
// the receiver is known to hold.
func TestHeartbeats(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	r.sync()
	r.ack(2, 1, 3)
	r.want(r.expire(), "Replicate to 2: news term=2 epoch=1 prev=t2/i3 last=3 commit=3 match=3",
		"Replicate to 3: news term=2 epoch=1 prev=t2/i2 last=3 commit=3 match=2")
	r.want(r.heartbeat(), "Send to 2: Heartbeat term=2 round=1 commit=3", "Send to 3: Heartbeat term=2 round=1 commit=2")
	r.want(r.do(DeadlineReached{}))
	r.wait(testHeartbeat - 1)
	r.ack(3, 1, 3)
	r.wait(1)
	r.want(r.do(DeadlineReached{}), "Send to 2: Heartbeat term=2 round=2 commit=3")
}
