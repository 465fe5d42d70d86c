// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func id(term wire.Term, index wire.Index) wire.LogID { return wire.LogID{Term: term, Index: index} }

// §5.3: a follower that has no entry like the one before the new ones refuses them, and
// says where to look: its last entry that is behind it neither in index nor in term.
func TestConsistencyCheck(t *testing.T) {
	cases := []struct {
		prev wire.LogID
		want string
	}{
		{id(3, 4), "Send to 2: AppendReply term=4 epoch=1 match=4 rejected=true conflict=t3/i3"}, // too short
		{id(4, 9), "Send to 2: AppendReply term=4 epoch=1 match=9 rejected=true conflict=t3/i3"},
		{id(2, 3), "Send to 2: AppendReply term=4 epoch=1 match=3 rejected=true conflict=t1/i2"}, // another term
		{id(2, 2), "Send to 2: AppendReply term=4 epoch=1 match=2 rejected=true conflict=t1/i2"},
	}
	for _, c := range cases {
		r := newRig(t, diskOf(voters(3), 4, 1, 1, 3))
		r.want(r.append(2, 4, 9, c.prev, 4), c.want, "RoleChanged follower term=4 leader=2")
		r.wantState(Status{HardState: wire.HardState{Term: 4}, Leader: 2, Last: 3, Durable: 3})
	}
}

// §5.3: "If an existing entry conflicts with a new one, delete the existing entry and
// all that follow it", and nothing more (S18, S20, defects 4 and 5).
func TestOnlyConflictsTruncate(t *testing.T) {
	cases := []struct {
		name  string
		prev  wire.LogID
		terms []wire.Term
		write string
		last  wire.Index
	}{
		{"all known", id(1, 1), []wire.Term{1, 2}, "", 5},
		{"all known, from the start", id(0, 0), []wire.Term{1, 1, 2, 2, 2}, "", 5},
		{"nothing at all", id(1, 2), nil, "", 5},
		{"nothing, at the very start", id(0, 0), nil, "", 5},
		{"conflict at once", id(1, 2), []wire.Term{3}, "WriteLog #1 t3/i3/command", 3},
		{"conflict behind a match", id(1, 1), []wire.Term{1, 2, 3, 3}, "WriteLog #1 t3/i4/command t3/i5/command", 5},
		{"overlap and more", id(2, 4), []wire.Term{2, 3}, "WriteLog #1 t3/i6/command", 6},
		{"at the end", id(2, 5), []wire.Term{3, 3}, "WriteLog #1 t3/i6/command t3/i7/command", 7},
	}
	for _, c := range cases {
		r := newRig(t, diskOf(voters(3), 3, 1, 1, 2, 2, 2))
		effects := r.append(2, 3, 0, c.prev, c.terms...)
		if c.write == "" {
			r.wantNone(effects, "WriteLog")
		} else {
			r.wantIn(effects, c.write)
		}
		if last := r.core.Brief().Last; last != c.last {
			t.Errorf("%s: the log ends at %d, want %d", c.name, last, c.last)
		}
	}
}

// §5.3: a request that was overtaken by later ones takes nothing back.
func TestStaleRequestIsHarmless(t *testing.T) {
	r := threeVoters(t, 1)
	r.append(2, 2, 0, id(1, 1), 2, 2, 2)
	r.sync()
	r.append(2, 2, 4, id(2, 4))
	r.want(r.append(2, 2, 0, id(1, 1), 2))
	r.wantState(Status{HardState: wire.HardState{Term: 2}, Leader: 2, Last: 4, Durable: 4, Commit: 4})
}

// Figure 2: commitIndex = min(leaderCommit, index of last new entry): what is behind
// that may not be the leader's (S21, defect 3). A heartbeat verifies nothing.
func TestFollowerCommitIsCapped(t *testing.T) {
	r := newRig(t, diskOf(voters(3), 3, 1, 1, 2, 2, 2))
	r.receive(2, &wire.Heartbeat{Term: 3, Commit: 5})
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 2, Last: 5, Durable: 5})
	r.append(2, 3, 5, id(1, 2))
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 2, Last: 5, Durable: 5, Commit: 2})
	r.append(2, 3, 5, id(1, 2), 2)
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 2, Last: 5, Durable: 5, Commit: 3})
	r.receive(2, &wire.Heartbeat{Term: 3, Commit: 5})
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 2, Last: 5, Durable: 5, Commit: 3})
	// The next leader has not verified what this one has.
	r.receive(3, &wire.Heartbeat{Term: 4, Commit: 5})
	r.wantState(Status{HardState: wire.HardState{Term: 4}, Leader: 3, Last: 5, Durable: 5, Commit: 3})
}

// Figure 2: a follower acknowledges what is durable, with one reply for all that was
// synced at once, and handles requests meanwhile.
func TestAcknowledgementWaitsForDisk(t *testing.T) {
	r := threeVoters(t, 1)
	r.want(r.append(2, 2, 0, id(1, 1), 2), "WriteLog #1 term=2 vote=0 t2/i2/command", "RoleChanged follower term=2 leader=2")
	r.want(r.append(2, 2, 0, id(2, 2), 2, 2), "WriteLog #2 t2/i3/command t2/i4/command")
	r.want(r.syncTo(1), "Send to 2: AppendReply term=2 epoch=1 match=1 rejected=false conflict=t0/i0",
		"Send to 2: AppendReply term=2 epoch=1 match=2 rejected=false conflict=t0/i0")
	r.want(r.receive(2, &wire.Heartbeat{Term: 2, Round: 5}), "Send to 2: HeartbeatReply term=2 round=5 epoch=1 match=2 accepted=4")
	r.want(r.append(2, 2, 0, id(2, 4), 2, 2), "WriteLog #3 t2/i5/command t2/i6/command")
	r.want(r.sync(), "Send to 2: AppendReply term=2 epoch=1 match=6 rejected=false conflict=t0/i0")
}

// S35: an empty or repeated request is answered with what is durable, too.
func TestEmptyRequestAcknowledgesDurableOnly(t *testing.T) {
	r := newRig(t, diskOf(voters(3), 2, 1))
	r.append(2, 2, 0, id(1, 1), 2, 2)
	m := appendOf(2, 0, id(2, 3))
	m.Epoch = 2
	r.want(r.receive(2, m), "Send to 2: AppendReply term=2 epoch=2 match=1 rejected=false conflict=t0/i0")
	r.want(r.append(2, 2, 0, id(1, 1), 2, 2))
	r.want(r.sync(), "Send to 2: AppendReply term=2 epoch=2 match=3 rejected=false conflict=t0/i0")
}

// Mutant 22: when the write of an overwritten entry ends, its successor at the same
// index is not durable.
func TestOverwrittenWriteIsNotAcknowledged(t *testing.T) {
	r := newRig(t, diskOf(voters(3), 2, 1))
	r.append(2, 2, 0, id(1, 1), 2, 2, 2) // Write 1.
	r.append(3, 3, 0, id(1, 1), 3, 3, 3) // Write 2 overwrites it.
	r.want(r.syncTo(1))
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 3, Last: 4, Durable: 1})
	r.want(r.syncTo(2), "Send to 3: AppendReply term=3 epoch=1 match=1 rejected=false conflict=t0/i0",
		"Send to 3: AppendReply term=3 epoch=1 match=4 rejected=false conflict=t0/i0")
}

// The same with a suffix that was durable already.
func TestDurableFallsWithTruncation(t *testing.T) {
	r := newRig(t, diskOf(voters(3), 3, 1, 2, 2, 2))
	r.append(3, 3, 0, id(1, 1), 3)
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 3, Last: 2, Durable: 1})
	r.sync()
	r.wantState(Status{HardState: wire.HardState{Term: 3}, Leader: 3, Last: 2, Durable: 2})
}

// S29: what was to be said to the leader of a term is not said in the next one.
func TestRepliesOfOldTermAreForgotten(t *testing.T) {
	r := threeVoters(t, 1)
	r.append(2, 2, 0, id(1, 1), 2)
	r.receive(3, &wire.Heartbeat{Term: 3, Round: 1})
	r.want(r.sync(), "Send to 3: HeartbeatReply term=3 round=1 epoch=0 match=0 accepted=0")

	// The vote for another one, too: nothing goes to the old leader any more.
	r = threeVoters(t, 1)
	r.append(2, 2, 0, id(1, 1), 2)
	r.receive(3, &wire.RequestVote{Term: 3, Last: id(2, 9), Transfer: true})
	r.want(r.sync(), "Send to 3: VoteReply term=3 granted=true")
}

// L26: completions are cumulative, and may be reported twice.
func TestCompletionsAreCumulative(t *testing.T) {
	r := newRig(t, diskOf(voters(3), 2, 1))
	r.append(2, 2, 0, id(1, 1), 2)
	r.append(2, 2, 0, id(2, 2), 2)
	r.wantIn(r.syncTo(2), "match=3 rejected=false")
	r.want(r.do(LogSynced{Seq: 1}))
	r.want(r.do(LogSynced{Seq: 2}, LogSynced{}))
	r.wantState(Status{HardState: wire.HardState{Term: 2}, Leader: 2, Last: 3, Durable: 3})
}

// §6: a membership is in effect as soon as it is in the log, and the one before it
// again when it is truncated (S55).
func TestMembershipRollsBack(t *testing.T) {
	r := newRig(t, diskOf(voters(3), 2, 1, 1))
	five := voters(5)
	m := appendOf(2, 0, id(1, 2), 2, 2)
	m.Entries[1].Kind, m.Entries[1].Data = wire.EntryMembership, wire.AppendMembership(nil, &five)
	r.wantIn(r.receive(2, m), "UseMembership voters=[1 2 3 4 5] outgoing=[] learners=[]")
	r.sync()
	r.restart()
	if got := len(r.core.Membership().Voters); got != 5 {
		t.Fatalf("after a restart there are %d voters, want 5", got)
	}
	r.wantIn(r.append(3, 3, 0, id(2, 3), 3), "UseMembership voters=[1 2 3] outgoing=[] learners=[]")
	if got := len(r.core.Membership().Voters); got != 3 {
		t.Fatalf("after the truncation there are %d voters, want 3", got)
	}
	r.wantNone(r.append(3, 3, 0, id(1, 2), 3), "UseMembership")
}

// §5.2, §5.3: clients are told who leads; nobody appends but the leader.
func TestFollowerRejectsProposals(t *testing.T) {
	r := threeVoters(t, 1)
	r.want(r.propose(2), "RejectProposals{Term:1 Leader:0 Count:2}")
	r.receive(3, &wire.Heartbeat{Term: 1})
	r.want(r.propose(2), "RejectProposals{Term:1 Leader:3 Count:2}")
	r.campaign()
	r.want(r.propose(1), "RejectProposals{Term:2 Leader:0 Count:1}")
}

// A member that is given the same members again has nothing to do; with others it says
// so. Each answer comes when what it says is durable, in the order of the requests.
func TestInitialize(t *testing.T) {
	three, five := InitializeRequested{Membership: voters(3)}, InitializeRequested{Membership: voters(5)}
	r := newRig(t, disk{hard: wire.HardState{Term: 4}})
	r.want(r.do(three), "UseMembership voters=[1 2 3] outgoing=[] learners=[]", "WriteLog #1 t1/i1/membership")
	r.want(r.do(five, three, InitializeRequested{}))
	r.want(r.sync(), "AnswerInitialize{Conflict:false}", "AnswerInitialize{Conflict:true}", "AnswerInitialize{Conflict:false}",
		"AnswerInitialize{Conflict:true}")
	r.want(r.do(five, three), "AnswerInitialize{Conflict:true}", "AnswerInitialize{Conflict:false}")

	fresh := newRig(t, disk{})
	fresh.want(fresh.do(three), "UseMembership voters=[1 2 3] outgoing=[] learners=[]", "WriteLog #1 term=1 vote=0 t1/i1/membership",
		"RoleChanged follower term=1 leader=0")
	if left := fresh.core.Deadline() - fresh.now; left >= testElection {
		t.Fatalf("a member that forms a group waits %d for a leader that cannot be", left)
	}
}
