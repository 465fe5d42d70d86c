// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// §5.1: "If a server receives a request with a stale term number, it rejects the
// request" and the reply tells the new one. It is an answer to nothing that the sender
// may have asked in that term: no request's epoch, round or vote comes back.
func TestStaleTermIsRejected(t *testing.T) {
	const taught = "Send to 2: HeartbeatReply term=3 round=0 epoch=0 match=0 accepted=0"
	requests := []struct {
		request wire.Message
		reply   string
	}{
		{&wire.SnapshotOffer{Term: 2, Epoch: 4, Snapshot: metaOf(1, id(1, 9))}, taught},
		{appendOf(2, 0, wire.LogID{Term: 1, Index: 1}, 2), taught},
		{&wire.Heartbeat{Term: 2, Round: 7}, taught},
		{&wire.RequestVote{Term: 2, Last: wire.LogID{Term: 2, Index: 9}}, taught},
		{&wire.RequestPreVote{Term: 3, Round: 7, Last: wire.LogID{Term: 2, Index: 9}}, "Send to 2: PreVoteReply term=3 round=7 granted=false"},
	}
	for _, c := range requests {
		r := newRig(t, diskOf(voters(3), 3, 1))
		before := frozen(r.core)
		r.want(r.receive(2, c.request), c.reply)
		if after := frozen(r.core); after != before {
			t.Errorf("%T has changed\n%s\nto\n%s", c.request, before, after)
		}
	}
}

// §5.1: a stale reply is ignored, by leaders and candidates alike.
func TestStaleRepliesAreIgnored(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	before := frozen(r.core)
	r.want(r.receive(2, &wire.AppendReply{Term: 1, Epoch: 1, Match: 3}))
	r.want(r.receive(2, &wire.HeartbeatReply{Term: 1, Epoch: 1, Match: 3, Accepted: 3}))
	r.want(r.receive(2, &wire.VoteReply{Term: 1, Granted: true}))
	if after := frozen(r.core); after != before {
		t.Errorf("stale replies have changed\n%s\nto\n%s", before, after)
	}
	r = threeVoters(t, 1)
	r.campaign()
	r.want(r.receive(2, &wire.VoteReply{Term: 1, Granted: true}))
	r.want(r.receive(3, &wire.VoteReply{Term: 1, Granted: true}))
}

// §5.1: "If one server's current term is smaller than the other's, then it updates its
// current term to the larger value. If a candidate or leader discovers that its term is
// out of date, it immediately reverts to follower state."
func TestHigherTermIsAdopted(t *testing.T) {
	roles := map[string]func(*testing.T) *rig{
		"follower":  func(t *testing.T) *rig { return threeVoters(t, 1) },
		"candidate": func(t *testing.T) *rig { r := threeVoters(t, 1); r.campaign(); return r },
		"leader":    func(t *testing.T) *rig { return leadThree(t, 1) },
	}
	messages := []wire.Message{
		appendOf(9, 0, wire.LogID{Term: 1, Index: 1}),
		&wire.Heartbeat{Term: 9},
		&wire.RequestVote{Term: 9, Last: wire.LogID{Term: 8, Index: 9}, Transfer: true},
		&wire.AppendReply{Term: 9, Rejected: true},
		&wire.HeartbeatReply{Term: 9},
		&wire.VoteReply{Term: 9},
		&wire.PreVoteReply{Term: 9},
	}
	for name, role := range roles {
		for _, m := range messages {
			r := role(t)
			r.receive(2, m)
			if r.core.Term() != 9 || r.core.role != Follower {
				t.Errorf("a %s that gets %T of term 9 is a %v in term %d", name, m, r.core.role, r.core.Term())
			}
		}
	}
}

// S14: a reply teaches a term and never a vote.
func TestReplyTeachesNoVote(t *testing.T) {
	r := threeVoters(t, 1)
	r.campaign()
	r.receive(2, &wire.VoteReply{Term: 9})
	if want := (wire.HardState{Term: 9}); r.core.hard != want {
		t.Fatalf("the hard state is %+v, want %+v", r.core.hard, want)
	}
}

// §5.2: "Each server will vote for at most one candidate in a given term, on a
// first-come-first-served basis."
func TestOneVotePerTerm(t *testing.T) {
	r := threeVoters(t, 1)
	last := wire.LogID{Term: 1, Index: 1}
	r.want(r.receive(2, &wire.RequestVote{Term: 2, Last: last}), "WriteLog #1 term=2 vote=2", "RoleChanged follower term=2 leader=0")
	r.want(r.sync(), "Send to 2: VoteReply term=2 granted=true")
	r.want(r.receive(3, &wire.RequestVote{Term: 2, Last: last}), "Send to 3: VoteReply term=2 granted=false")
	r.want(r.receive(2, &wire.RequestVote{Term: 2, Last: last}), "Send to 2: VoteReply term=2 granted=true")
	r.want(r.receive(3, &wire.RequestVote{Term: 3, Last: last}), "WriteLog #2 term=3 vote=3", "RoleChanged follower term=3 leader=0")
}

// Figure 2, "persistent state": a vote leaves when it is durable, and so survives a
// crash; one that was not durable was never heard of (S2, S5).
func TestVoteSurvivesCrash(t *testing.T) {
	last := wire.LogID{Term: 1, Index: 1}
	r := threeVoters(t, 1)
	r.wantNone(r.receive(2, &wire.RequestVote{Term: 2, Last: last}), "VoteReply")
	r.wantIn(r.sync(), "VoteReply term=2 granted=true")
	r.restart()
	r.want(r.receive(3, &wire.RequestVote{Term: 2, Last: last}), "Send to 3: VoteReply term=2 granted=false")

	r = threeVoters(t, 1)
	r.receive(2, &wire.RequestVote{Term: 2, Last: last})
	r.restart()
	r.receive(3, &wire.RequestVote{Term: 2, Last: last})
	r.want(r.sync(), "Send to 3: VoteReply term=2 granted=true")
}

// §5.1, figure 2: RequestVote leaves, and the own vote counts, when the new term is
// durable (S36), in a group of one as well (S37).
func TestCandidacyWaitsForDisk(t *testing.T) {
	r := threeVoters(t, 1)
	r.want(r.expire(), "Send to 2: RequestPreVote term=2 round=1 last=t1/i1", "Send to 3: RequestPreVote term=2 round=1 last=t1/i1",
		"RoleChanged pre-candidate term=1 leader=0")
	r.want(r.receive(2, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}),
		"WriteLog #1 term=2 vote=1", "RoleChanged candidate term=2 leader=0")
	// A vote cannot come before the request; if it does, the own one must not be counted.
	r.want(r.receive(2, &wire.VoteReply{Term: 2, Granted: true}))
	r.want(r.sync(), "Send to 2: RequestVote term=2 last=t1/i1 transfer=false", "Send to 3: RequestVote term=2 last=t1/i1 transfer=false",
		"WriteLog #2 t2/i2/blank", "RoleChanged leader term=2 leader=1",
		"Replicate to 2: probe term=2 epoch=1 prev=t1/i1 last=2 commit=0 match=0",
		"Replicate to 3: probe term=2 epoch=1 prev=t1/i1 last=2 commit=0 match=0")

	alone := newRig(t, diskOf(voters(1), 0, 1))
	alone.want(alone.expire(), "WriteLog #1 term=2 vote=1", "RoleChanged candidate term=2 leader=0")
	alone.want(alone.sync(), "WriteLog #2 t2/i2/blank", "RoleChanged leader term=2 leader=1")
	alone.want(alone.sync(), "Apply{Through:2}")
}

// §5.4.1: the voter denies its vote "if its own log is more up-to-date", which
// compares terms first and lengths second (L21, defect 1).
func TestElectionRestriction(t *testing.T) {
	cases := []struct {
		last    wire.LogID
		granted bool
	}{
		{wire.LogID{Term: 3, Index: 3}, true}, {wire.LogID{Term: 3, Index: 4}, true}, {wire.LogID{Term: 4, Index: 1}, true},
		{wire.LogID{Term: 3, Index: 2}, false}, {wire.LogID{Term: 2, Index: 99}, false}, {wire.LogID{}, false},
	}
	for _, c := range cases {
		r := threeVoters(t, 1, 2, 3)
		r.receive(2, &wire.RequestVote{Term: 9, Last: c.last})
		want := "VoteReply term=9 granted=false"
		if c.granted {
			want = "VoteReply term=9 granted=true"
		}
		r.wantIn(r.sync(), want)

		r = threeVoters(t, 1, 2, 3)
		want = "PreVoteReply term=3 round=1 granted=false"
		if c.granted {
			want = "PreVoteReply term=3 round=1 granted=true"
		}
		r.wantIn(r.receive(2, &wire.RequestPreVote{Term: 9, Round: 1, Last: c.last}), want)
	}
}

// §5.2: "If the leader's term is at least as large as the candidate's current term,
// then the candidate recognizes the leader as legitimate and returns to follower state."
func TestCandidateStepsDown(t *testing.T) {
	for _, m := range []wire.Message{appendOf(2, 0, wire.LogID{Term: 1, Index: 1}), &wire.Heartbeat{Term: 2}} {
		r := threeVoters(t, 1)
		r.campaign()
		r.wantIn(r.receive(3, m), "RoleChanged follower term=2 leader=3")
		r.want(r.receive(2, &wire.VoteReply{Term: 2, Granted: true}))
	}
	for _, m := range []wire.Message{appendOf(1, 0, wire.LogID{Term: 1, Index: 1}), &wire.Heartbeat{Term: 1}} {
		r := threeVoters(t, 1)
		r.expire()
		r.wantIn(r.receive(3, m), "RoleChanged follower term=1 leader=3")
	}
}

// §5.2: a candidate that a majority refuses goes back; one that hears nothing starts
// anew, in the next term.
func TestElectionWithoutWinner(t *testing.T) {
	r := threeVoters(t, 1)
	r.campaign()
	r.want(r.receive(2, &wire.VoteReply{Term: 2}))
	r.want(r.receive(3, &wire.VoteReply{Term: 2}), "RoleChanged follower term=2 leader=0")

	r = threeVoters(t, 1)
	r.campaign()
	r.campaign()
	if r.core.Term() != 3 {
		t.Fatalf("the second candidacy is in term %d, want 3", r.core.Term())
	}
}

// §5.2: "election timeouts are chosen randomly from a fixed interval", anew each time.
func TestElectionTimeoutsAreRandom(t *testing.T) {
	r := threeVoters(t, 1)
	seen := map[Instant]bool{}
	for range 100 {
		r.receive(2, &wire.Heartbeat{Term: 1})
		timeout := r.core.Deadline() - r.now
		if timeout < testElection || timeout >= 2*testElection {
			t.Fatalf("a time-out of %d, want %d to %d", timeout, testElection, 2*testElection)
		}
		seen[timeout] = true
	}
	if len(seen) < 90 {
		t.Fatalf("%d different time-outs of 100", len(seen))
	}
	other, err := New(Config{ID: 1, ElectionTimeout: testElection, HeartbeatInterval: 1, WriteStallTimeout: 1, Seed: 2}, r.disk.state(), 0)
	if err != nil || seen[other.Deadline()] {
		t.Fatalf("another seed gives the same time-outs, or an error: %v", err)
	}
}

// §5.2: whoever grants a vote gives the candidate time; whoever hears from the leader,
// as well.
func TestTimerIsResetByVoteAndLeader(t *testing.T) {
	last := wire.LogID{Term: 1, Index: 1}
	for _, m := range []wire.Message{&wire.RequestVote{Term: 2, Last: last}, &wire.Heartbeat{Term: 1}, appendOf(1, 0, last)} {
		r := threeVoters(t, 1)
		r.wait(testElection - 1)
		r.receive(2, m)
		if left := r.core.Deadline() - r.now; left < testElection {
			t.Errorf("%T leaves %d until the campaign, want %d at least", m, left, testElection)
		}
	}
	r := threeVoters(t, 1)
	r.wait(testElection - 1)
	before := r.core.Deadline()
	r.receive(2, &wire.RequestVote{Term: 2})
	if r.core.Deadline() != before {
		t.Error("a vote that was refused gives the candidate time")
	}
}

// A fresh member may have lost its disk, and with it what it had acknowledged: it
// votes in the very first election only (S31).
func TestEmptyMemberVotesForFirstLeaderOnly(t *testing.T) {
	cases := []struct {
		last    wire.LogID
		meant   wire.Incarnation
		granted string
	}{
		{firstLogID, 0, "granted=true"}, {firstLogID, 1, "granted=false"}, {firstLogID, 2, "granted=false"},
		{wire.LogID{Term: 1, Index: 2}, 0, "granted=false"}, {wire.LogID{Term: 5, Index: 5}, 1, "granted=false"},
	}
	for _, c := range cases {
		r := newRig(t, disk{})
		r.wantIn(r.receive(2, &wire.RequestPreVote{Term: 6, Round: 1, Last: c.last, Incarnation: c.meant}), c.granted)
		r.receive(2, &wire.RequestVote{Term: 6, Last: c.last, Incarnation: c.meant})
		r.wantIn(r.sync(), c.granted)
	}
}

// A member that votes in no membership never campaigns: an empty one, a learner (S12),
// and whoever is not in it; nor when it is told to (S11).
func TestWhoDoesNotVoteDoesNotCampaign(t *testing.T) {
	learner := withLearner(withLearner(voters(1)))
	learner.Voters, learner.Learners = []wire.NodeID{2, 3}, []wire.NodeID{1}
	stranger := wire.NewMembership(wire.Member{ID: 2}, wire.Member{ID: 3})
	for name, d := range map[string]disk{"empty": {}, "learner": diskOf(learner, 1, 1), "stranger": diskOf(stranger, 1, 1)} {
		r := newRig(t, d)
		if r.core.Deadline() != Never {
			t.Errorf("%s: waits for a campaign", name)
		}
		r.wait(9 * testElection)
		r.want(r.do(DeadlineReached{}))
		r.append(2, 1, 0, r.core.log.LastID())
		r.want(r.receive(2, &wire.TimeoutNow{Term: 1}))
	}
}
