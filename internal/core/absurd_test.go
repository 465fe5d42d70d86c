// SPDX-License-Identifier: Apache-2.0

package core

import (
	"math"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

const (
	absurdTerm  = wire.Term(math.MaxUint64)
	absurdIndex = wire.Index(math.MaxUint64)
)

// inEveryRole returns a member of three in each role, all with the log of terms 1, 1.
func inEveryRole(t *testing.T) map[string]*rig {
	following, preCandidate, candidate, leader := threeVoters(t, 1, 1), threeVoters(t, 1, 1), threeVoters(t, 1, 1), leadThree(t, 1, 1)
	following.append(2, 1, 1, id(1, 2))
	preCandidate.expire()
	candidate.campaign()
	return map[string]*rig{"follower": following, "pre-candidate": preCandidate, "candidate": candidate, "leader": leader}
}

// A term that nobody can have reached would end all elections: such a message changes
// nothing, in any role.
func TestAbsurdTermIsDropped(t *testing.T) {
	for _, term := range []wire.Term{absurdTerm, absurdTerm - 1, termMax + 1} {
		messages := []wire.Message{
			&wire.AppendEntries{Term: term}, &wire.AppendReply{Term: term}, &wire.Heartbeat{Term: term}, &wire.HeartbeatReply{Term: term},
			&wire.RequestPreVote{Term: term, Last: id(term, absurdIndex)}, &wire.PreVoteReply{Term: term, Granted: true},
			&wire.RequestVote{Term: term, Last: id(term, absurdIndex), Transfer: true}, &wire.VoteReply{Term: term, Granted: true},
		}
		for _, m := range messages {
			for role, r := range inEveryRole(t) {
				before := frozen(r.core)
				r.want(r.receive(2, m), "Notice MessageDropped peer=2 absurd term")
				if frozen(r.core) != before {
					t.Errorf("%s: %T has changed\n%s\nto\n%s", role, m, before, frozen(r.core))
				}
			}
		}
	}
}

// Replies of who is not a member, and what claims to be from this member or from
// nobody, change nothing (L16).
func TestUnknownSendersAreDropped(t *testing.T) {
	replies := []wire.Message{
		&wire.AppendReply{Term: 9, Epoch: 1, Match: 3}, &wire.HeartbeatReply{Term: 9, Epoch: 1, Match: 3, Accepted: 3},
		&wire.PreVoteReply{Term: 9, Round: 1, Granted: true}, &wire.VoteReply{Term: 9, Granted: true},
	}
	requests := []wire.Message{
		&wire.AppendEntries{Term: 9}, &wire.Heartbeat{Term: 9}, &wire.RequestPreVote{Term: 9, Last: id(8, 9)},
		&wire.RequestVote{Term: 9, Last: id(8, 9), Transfer: true}, &wire.TimeoutNow{Term: 1},
	}
	for role, r := range inEveryRole(t) {
		before := frozen(r.core)
		for _, m := range replies {
			r.want(r.receive(7, m), "Notice MessageDropped peer=7 reply from who is not a member")
		}
		for _, m := range append(replies, requests...) {
			r.want(r.receive(0, m), "Notice MessageDropped peer=0 message from myself or nobody")
			r.want(r.receive(1, m), "Notice MessageDropped peer=1 message from myself or nobody")
		}
		r.want(r.receive(2, &wire.ForwardReply{}), "Notice MessageDropped peer=2 message of a kind that is not the core's")
		if frozen(r.core) != before {
			t.Errorf("%s: a stranger has changed\n%s\nto\n%s", role, before, frozen(r.core))
		}
	}
}

// Requests that no correct leader sends leave log, commit, term and vote alone.
func TestAbsurdRequestsAreDropped(t *testing.T) {
	entry := func(term wire.Term, index wire.Index) wire.Entry {
		return wire.Entry{Term: term, Index: index, Kind: wire.EntryCommand}
	}
	broken := wire.Entry{Term: 3, Index: 7, Kind: wire.EntryMembership, Data: []byte("no membership")}
	cases := map[string]struct {
		prev    wire.LogID
		entries []wire.Entry
	}{
		"a gap behind prev":            {id(3, 6), []wire.Entry{entry(3, 8)}},
		"a gap within":                 {id(3, 6), []wire.Entry{entry(3, 7), entry(3, 9)}},
		"indexes that fall":            {id(3, 6), []wire.Entry{entry(3, 7), entry(3, 6)}},
		"an index twice":               {id(3, 6), []wire.Entry{entry(3, 7), entry(3, 7)}},
		"terms that fall":              {id(3, 6), []wire.Entry{entry(3, 7), entry(2, 8)}},
		"a term below prev's":          {id(3, 6), []wire.Entry{entry(2, 7)}},
		"a term beyond the leader's":   {id(3, 6), []wire.Entry{entry(4, 7)}},
		"term 0":                       {id(0, 0), []wire.Entry{entry(0, 1)}},
		"prev beyond the leader's":     {id(4, 6), nil},
		"an index that overflows":      {id(3, absurdIndex), []wire.Entry{entry(3, 0)}},
		"a malformed membership":       {id(3, 6), []wire.Entry{broken}},
		"a contradiction of commit":    {id(1, 1), []wire.Entry{entry(3, 2)}},
		"a contradiction at the start": {id(0, 0), []wire.Entry{entry(2, 1)}},
		"a contradiction of itself":    {id(1, 3), []wire.Entry{entry(3, 4)}},
	}
	for name, c := range cases {
		// Commit is 3; entries up to 6 were sent by the same leader.
		r := newRig(t, diskOf(voters(3), 3, 1, 1, 1, 2, 2, 3))
		r.append(2, 3, 3, id(3, 6))
		before := r.core.Brief()
		effects := r.receive(2, &wire.AppendEntries{Term: 3, Epoch: 1, Prev: c.prev, Commit: absurdIndex, Entries: c.entries})
		if len(effects) != 1 {
			t.Errorf("%s: the effects are %q", name, effects)
		}
		r.wantIn(effects, "Notice MessageDropped peer=2")
		if after := r.core.Brief(); after != before {
			t.Errorf("%s: %+v becomes %+v", name, before, after)
		}
	}
}

// A commit index beyond the log, and a place far beyond it, are no reason to panic.
func TestAbsurdIndexes(t *testing.T) {
	r := threeVoters(t, 1, 1)
	r.append(2, 1, absurdIndex, id(1, 1))
	r.wantState(Status{HardState: wire.HardState{Term: 1}, Leader: 2, Last: 2, Durable: 2, Commit: 1})
	r.wantNone(r.receive(2, &wire.Heartbeat{Term: 1, Round: math.MaxUint64, Commit: absurdIndex}), "Apply")
	r.wantIn(r.append(2, 1, absurdIndex, id(1, absurdIndex)), "rejected=true conflict=t1/i2")
	r.wantIn(r.append(2, 1, absurdIndex, id(0, absurdIndex)), "rejected=true conflict=t0/i0")

	// A second leader in one term.
	r.want(r.append(3, 1, 2, id(1, 2)), "Notice MessageDropped peer=3 a second leader in one term")
	leader := leadThree(t, 1)
	for _, m := range []wire.Message{appendOf(2, 0, id(1, 1), 2), &wire.Heartbeat{Term: 2}} {
		leader.want(leader.receive(3, m), "Notice MessageDropped peer=3 a second leader in one term")
	}
}

// Acknowledgements of what was never sent do not count, and the leader survives
// whatever a peer says about its log.
func TestAbsurdReplies(t *testing.T) {
	r := leadThree(t, 1)
	r.propose(1)
	before := r.core.Brief()
	for _, match := range []wire.Index{4, absurdIndex} {
		r.want(r.ack(2, 1, match), "Notice MessageDropped peer=2 an acknowledgement beyond the log")
		r.want(r.receive(2, &wire.HeartbeatReply{Term: 2, Round: math.MaxUint64, Epoch: 1, Match: match, Accepted: match}),
			"Notice MessageDropped peer=2 an acknowledgement beyond the log")
	}
	for epoch := wire.Epoch(1); epoch < 9; epoch++ {
		for _, place := range []wire.LogID{id(absurdTerm, absurdIndex), id(absurdTerm, 0), id(0, absurdIndex), {}} {
			r.receive(3, &wire.AppendReply{Term: 2, Epoch: epoch, Match: absurdIndex, Rejected: true, Conflict: place})
			r.receive(3, &wire.AppendReply{Term: 2, Epoch: epoch, Match: 0, Rejected: true, Conflict: place})
		}
	}
	for _, epoch := range []wire.Epoch{0, math.MaxUint64} {
		r.want(r.ack(2, epoch, 3))
	}
	if after := r.core.Brief(); after != before {
		t.Errorf("%+v becomes %+v", before, after)
	}
}

// What the runtime may report late or for others is harmless.
func TestLateEventsAreHarmless(t *testing.T) {
	for role, r := range inEveryRole(t) {
		before := frozen(r.core)
		effects := r.do(LogSynced{}, EntriesSent{Peer: 9, Epoch: 1, Last: absurdIndex}, EntriesSent{Peer: 2, Epoch: 9, Last: 1},
			PeerUnreachable{Peer: 9}, PeerUnreachable{}, ProposalsArrived{})
		if r.core.Deadline() > r.now {
			effects = append(effects, r.do(DeadlineReached{})...)
		}
		if len(effects) > 0 || frozen(r.core) != before {
			t.Errorf("%s: the effects are %q, and\n%s\nhas become\n%s", role, effects, before, frozen(r.core))
		}
	}
}

// Time does not run backwards, whatever the clock says.
func TestClockThatJumpsBack(t *testing.T) {
	r := leadThree(t, 1)
	r.now = 0
	r.propose(1)
	r.do(DeadlineReached{})
	if r.core.now < testElection || r.core.Deadline() < testElection {
		t.Fatalf("the core's time is %d, its deadline %d", r.core.now, r.core.Deadline())
	}
}

// New refuses what it cannot work with.
func TestNewRefuses(t *testing.T) {
	good := Config{ID: 1, ElectionTimeout: 1, HeartbeatInterval: 1, WriteStallTimeout: 1}
	for _, change := range []func(*Config){
		func(c *Config) { c.ID = 0 }, func(c *Config) { c.ElectionTimeout = 0 },
		func(c *Config) { c.HeartbeatInterval = -1 }, func(c *Config) { c.WriteStallTimeout = 0 },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg, wire.LogState{}, 0); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	state := wire.LogState{Last: 1, Terms: []wire.TermStart{{Term: 1, First: 1}}, HardState: wire.HardState{Term: 1}}
	state.Memberships = []wire.Entry{{Index: 1, Term: 1, Kind: wire.EntryMembership, Data: []byte{1}}}
	if _, err := New(good, state, 0); err == nil {
		t.Error("a malformed membership is accepted")
	}
}

// No correct leader leaves a member out of the voters and, in the same step, has it be one
// later. Who is led by one that does may come to lead itself, and has no peer of its own ID.
func TestLeaderThatIsToBecomeVoter(t *testing.T) {
	r := newRig(t, diskWith(bound(group(ids(1, 2)))))
	m := group(ids(2), 1)
	m.TargetVoters = ids(1, 2)
	request := appendOf(2, 0, id(1, 1), 2)
	request.Entries[0].Kind, request.Entries[0].Data = wire.EntryMembership, wire.AppendMembership(nil, &m)
	r.receive(2, request)
	r.receive(2, &wire.TimeoutNow{Term: 2})
	r.sync()
	r.receive(2, &wire.VoteReply{Term: 3, Granted: true, Incarnation: 1})
	r.sync()
	r.wantIn(r.receive(2, &wire.AppendReply{Term: 3, Epoch: 1, Match: 3, Incarnation: 1}), "Send to 2: TimeoutNow term=3")
	r.want(r.do(ChangeRequested{Target: group(ids(1, 2, 3))}), "AnswerChange{Refusal:2 At:0} not leading")
}
