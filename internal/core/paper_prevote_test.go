// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// Thesis §9.6: a pre-vote changes nothing on who grants it (S13, L13), nor on who
// refuses it, in any role.
func TestPreVoteHasNoSideEffect(t *testing.T) {
	candidate := threeVoters(t, 1)
	candidate.campaign()
	following := threeVoters(t, 1)
	following.receive(3, &wire.Heartbeat{Term: 1})
	rigs := map[string]*rig{"fresh": threeVoters(t, 1), "candidate": candidate, "following": following, "leader": leadThree(t, 1)}
	for name, r := range rigs {
		before := frozen(r.core)
		effects := r.receive(2, &wire.RequestPreVote{Term: 9, Round: 4, Last: wire.LogID{Term: 8, Index: 8}})
		r.wantIn(effects, "Send to 2: PreVoteReply")
		if len(effects) != 1 || frozen(r.core) != before {
			t.Errorf("%s: a pre-vote has changed\n%s\nto\n%s", name, before, frozen(r.core))
		}
	}
}

// Thesis §9.6 with §4.2.3: a pre-vote is granted for a later term, an up-to-date log,
// and when there is no leader to be heard of.
func TestPreVoteIsGranted(t *testing.T) {
	last := wire.LogID{Term: 1, Index: 1}
	r := threeVoters(t, 1)
	r.wantIn(r.receive(2, &wire.RequestPreVote{Term: 2, Round: 1, Last: last}), "term=1 round=1 granted=true")
	r.wantIn(r.receive(2, &wire.RequestPreVote{Term: 1, Round: 1, Last: last}), "granted=false")
	r.receive(3, &wire.Heartbeat{Term: 1})
	r.wait(testElection - 1)
	r.wantIn(r.receive(2, &wire.RequestPreVote{Term: 2, Round: 2, Last: last}), "granted=false")
	r.wait(1)
	r.wantIn(r.receive(2, &wire.RequestPreVote{Term: 2, Round: 3, Last: last}), "granted=true")
}

// Thesis §9.6: without a majority of pre-votes there is no new term (L17).
func TestPreVoteKeepsTermDown(t *testing.T) {
	r := threeVoters(t, 1)
	for range 10 {
		r.expire()
	}
	r.wantState(Status{Role: PreCandidate, HardState: wire.HardState{Term: 1}, Last: 1, Durable: 1})
	r.want(r.receive(2, &wire.PreVoteReply{Term: 1, Round: 10}))
	r.want(r.receive(3, &wire.PreVoteReply{Term: 1, Round: 10}), "RoleChanged follower term=1 leader=0")
}

// L14: a refusal teaches the term, or a member that was away would ask for a term that
// is over, for ever.
func TestRefusedPreVoteTeachesTerm(t *testing.T) {
	r := threeVoters(t, 1)
	r.expire()
	r.want(r.receive(2, &wire.PreVoteReply{Term: 7, Round: 1}), "WriteLog #1 term=7 vote=0", "RoleChanged follower term=7 leader=0")
	r.sync()
	r.wantIn(r.expire(), "Send to 2: RequestPreVote term=8")

	other := newRig(t, diskOf(voters(3), 0, 7))
	other.wantIn(other.receive(2, &wire.RequestPreVote{Term: 2, Round: 1}), "Send to 2: PreVoteReply term=7 round=1 granted=false")
}

// L15: an answer to an earlier round does not count; a voter has one answer a round.
func TestPreVoteRounds(t *testing.T) {
	r := newRig(t, diskOf(voters(5), 0, 1))
	r.expire()
	r.expire()
	r.want(r.receive(2, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}))
	r.want(r.receive(3, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}))
	r.want(r.receive(2, &wire.PreVoteReply{Term: 1, Round: 2, Granted: true}))
	r.want(r.receive(2, &wire.PreVoteReply{Term: 1, Round: 2, Granted: true}))
	r.wantIn(r.receive(3, &wire.PreVoteReply{Term: 1, Round: 2, Granted: true}), "RoleChanged candidate term=2")
	// A candidate counts votes, and no pre-votes that come late.
	r.sync()
	r.want(r.receive(4, &wire.PreVoteReply{Term: 1, Round: 2, Granted: true}))
	r.want(r.receive(5, &wire.PreVoteReply{Term: 1, Round: 2, Granted: true}))
}

// Thesis §4.2.3: "if a server receives a RequestVote request within the minimum
// election timeout of hearing from a current leader, it does not update its term or
// grant its vote"; the leader itself neither.
func TestLeaderStickiness(t *testing.T) {
	follower := threeVoters(t, 1)
	follower.receive(3, &wire.Heartbeat{Term: 1})
	follower.wait(testElection - 1)
	for name, r := range map[string]*rig{"follower": follower, "leader": leadThree(t, 1)} {
		before := frozen(r.core)
		r.want(r.receive(2, &wire.RequestVote{Term: 9, Last: wire.LogID{Term: 8, Index: 9}}))
		if frozen(r.core) != before {
			t.Errorf("%s: a request for votes has changed\n%s\nto\n%s", name, before, frozen(r.core))
		}
	}
	follower.wait(1)
	follower.receive(2, &wire.RequestVote{Term: 9, Last: wire.LogID{Term: 8, Index: 9}})
	follower.wantIn(follower.sync(), "VoteReply term=9 granted=true")
}

// Thesis §3.10 with §4.2.3: the election that the leader asked for goes ahead (L41).
func TestTransferSkipsStickiness(t *testing.T) {
	follower := threeVoters(t, 1)
	follower.receive(3, &wire.Heartbeat{Term: 1})
	for _, r := range []*rig{follower, leadThree(t, 1)} {
		r.receive(2, &wire.RequestVote{Term: 9, Last: wire.LogID{Term: 8, Index: 9}, Transfer: true})
		r.wantIn(r.sync(), "VoteReply term=9 granted=true")
	}
}

// Thesis §6.2: a leader that does not hear from a quorum for an election time-out steps
// down; pre-vote and check-quorum together is what keeps a cluster alive under partial
// connectivity (L1, L2, L12).
func TestCheckQuorum(t *testing.T) {
	r := leadThree(t, 1)
	end := r.now + testElection
	for r.now < end {
		r.wantNone(r.expire(), "QuorumLost")
		if r.now < end && r.core.role != Leader {
			t.Fatalf("the leader steps down %d too early", end-r.now)
		}
		if r.core.Deadline() >= end {
			break
		}
	}
	r.want(r.expire(), "Notice QuorumLost peer=0", "StopReplication{To:0}", "RoleChanged follower term=2 leader=0")

	// One of the two others is enough.
	r = leadThree(t, 1)
	for range 20 {
		r.expire()
		r.receive(3, &wire.HeartbeatReply{Term: 2, Round: r.core.leader.round, Epoch: 1, Match: 2, Accepted: 2})
	}
	if r.core.role != Leader {
		t.Fatal("a leader that hears from a quorum has stepped down")
	}
}

// S10: learners do not count, however many there are; a group of one needs nobody.
func TestCheckQuorumIgnoresLearners(t *testing.T) {
	m := voters(3)
	for range 4 {
		m = withLearner(m)
	}
	r := newRig(t, diskOf(m, 0, 1))
	r.lead()
	for range 20 {
		if r.core.role != Leader {
			return
		}
		r.expire()
		for id := wire.NodeID(4); id <= 7; id++ {
			r.receive(id, &wire.HeartbeatReply{Term: 2, Epoch: 1, Match: 2, Accepted: 2})
		}
	}
	t.Fatal("learners keep a leader in office")
}

// A leader that has stepped down without a new term does not come back in the old one.
func TestSteppedDownLeaderStaysDown(t *testing.T) {
	r := leadThree(t, 1)
	for r.core.role == Leader {
		r.expire()
	}
	r.want(r.propose(1), "RejectProposals{Term:2 Leader:0 Count:1}")
	r.want(r.receive(2, &wire.VoteReply{Term: 2, Granted: true}))
	r.want(r.ack(2, 1, 2))
	r.want(r.receive(2, &wire.RequestVote{Term: 2, Last: wire.LogID{Term: 2, Index: 2}}), "Send to 2: VoteReply term=2 granted=false")
	r.lead()
	if r.core.Term() != 3 {
		t.Fatalf("it leads again in term %d", r.core.Term())
	}
}

// TestPartialConnectivity runs every graph of links between three nodes, both
// directions apart, of four and five a sample, and wants a leader that commits
// whenever some node has links in both directions to a majority that is fully
// connected with it (L1, L2), and few terms.
func TestPartialConnectivity(t *testing.T) {
	graphs := func(size int) (count uint64) { return 1 << (size * (size - 1)) }
	for graph := range graphs(3) {
		checkConnectivity(t, 3, graph)
	}
	source := random{state: 5}
	for range 60 / slowdown {
		checkConnectivity(t, 4, source.next()%graphs(4))
		checkConnectivity(t, 5, source.next()%graphs(5))
	}
}

func checkConnectivity(t *testing.T, size int, graph uint64) {
	t.Helper()
	w := newCluster(t, graph+1, calm, size)
	w.form()
	bit := 0
	for _, from := range w.nodes {
		for _, to := range w.nodes {
			if from != to {
				w.cut[link{from.id, to.id}] = graph>>bit&1 == 1
				bit++
			}
		}
	}
	w.pass(10 * testElection)
	term, before := w.leaderTerm(), len(w.history.committed)
	w.pass(20 * testElection)
	if !w.hasClique(size/2+1, nil) {
		return
	}
	for range 50 {
		if leader := w.leader(); leader != nil {
			w.propose(leader, 1)
		}
		w.pass(testHeartbeat)
	}
	if len(w.history.committed) == before {
		t.Fatalf("%d nodes with cuts %b: a majority is connected and commits nothing\n%s", size, graph, w.dump())
	}
	if changed := w.leaderTerm() - term; changed > 25 {
		t.Fatalf("%d nodes with cuts %b: %d terms within 30 time-outs", size, graph, changed)
	}
}

func (w *world) leaderTerm() wire.Term {
	if leader := w.leader(); leader != nil {
		return leader.core.Term()
	}
	return 0
}

// hasClique reports whether so many nodes have all links to each other.
func (w *world) hasClique(size int, members []wire.NodeID) bool {
	if len(members) == size {
		return true
	}
	for _, n := range w.nodes {
		connected := len(members) == 0 || n.id > members[len(members)-1]
		for _, id := range members {
			connected = connected && !w.cut[link{id, n.id}] && !w.cut[link{n.id, id}]
		}
		if connected && w.hasClique(size, append(members, n.id)) {
			return true
		}
	}
	return false
}
