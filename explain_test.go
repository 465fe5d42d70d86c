// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

// standing is a status of node 1 in a group of the voters 1, 2 and 3.
func standing(change func(s *raft.Status)) raft.Status {
	s := raft.Status{
		ID: 1, Term: 5, ElectionTimeout: time.Second, LastIndex: 50_000, DurableIndex: 50_000, CommitIndex: 50_000, AppliedIndex: 50_000,
		MembershipIndex: 7, CommittedMembershipIndex: 7, Membership: group(1, 2, 3),
	}
	change(&s)
	return s
}

func group(voters ...raft.NodeID) raft.Membership {
	m := raft.Membership{Voters: voters}
	for id := raft.NodeID(1); id <= 9; id++ {
		m.Members = append(m.Members, raft.Member{ID: id, Address: "host:" + string('0'+rune(id))})
	}
	return m
}

// leading makes it the leader, with peers that are as they should be.
func leading(s *raft.Status) {
	s.Role, s.Leader = raft.RoleLeader, 1
	for _, id := range s.Membership.Voters {
		if id != 1 {
			s.Peers = append(s.Peers, raft.PeerStatus{ID: id, State: "replicate", MatchIndex: s.LastIndex, CaughtUp: true})
		}
	}
}

// leaderless makes it know no leader for a time, in which it has heard from nobody but some.
func leaderless(since time.Duration, heard ...raft.NodeID) func(s *raft.Status) {
	return func(s *raft.Status) {
		s.Leaderless = since
		for id := raft.NodeID(2); id <= 3; id++ {
			contact := raft.Contact{ID: id, Silence: since, Never: id == 3}
			if slices.Contains(heard, id) {
				contact = raft.Contact{ID: id, Silence: time.Millisecond}
			}
			s.Contacts = append(s.Contacts, contact)
		}
	}
}

// growing makes it the leader of a group that node 4 is to join.
func growing(s *raft.Status) {
	leading(s)
	s.Membership.Learners, s.Membership.TargetVoters = []raft.NodeID{4}, []raft.NodeID{1, 2, 3, 4}
	s.Peers = append(s.Peers, raft.PeerStatus{ID: 4, State: "snapshot", MatchIndex: 100})
	s.Snapshots.Sending = []raft.SnapshotTransfer{{Peer: 4, Bytes: 25, Size: 100}}
}

var explained = []struct {
	name   string
	status raft.Status
	// codes are those of all findings, the gravest first; says is what the first that has one of
	// the grave codes says, and advice what it advises, in part.
	codes, says, advice string
}{
	{"all is well", standing(leading), "leads", "Of the voters 1, 2 and 3, nodes 1, 2 and 3 answer; 2 are needed, so that 1 may fail.", ""},
	{"alone", standing(func(s *raft.Status) { s.Membership = group(1); leading(s) }), "leads", "Node 1 is the only voter, so that none may fail.", ""},
	{"follower", standing(func(s *raft.Status) { s.Leader = 2 }), "follows", "Node 2 leads in term 5, and node 1, a voter, follows it.", ""},
	{"drained, and nobody asks it", standing(func(s *raft.Status) { s.Drained = true; leaderless(12 * time.Second)(s) }),
		"no_leader drained", "Node 1 does not stand for election, so that it asks nobody. Node 2 was last heard from 12s ago", "explain on the other voters"},
	{"drained, and one asks it", standing(func(s *raft.Status) { s.Drained = true; leaderless(12*time.Second, 2)(s) }),
		"no_leader drained", "though enough voters answer", "explain on the other voters"},
	{"wiped, and nobody asks it", standing(func(s *raft.Status) { s.LostDisk = true; leaderless(12 * time.Second)(s) }),
		"lost_disk no_leader", "it must not vote", "remove 1"},
	{"learner that hears nobody", standing(func(s *raft.Status) {
		s.Membership.Voters, s.Membership.Learners = []raft.NodeID{2, 3}, []raft.NodeID{1}
		leaderless(time.Minute)(s)
	}), "no_leader", "node 1, a learner, takes no part in elections", "explain on the voters"},
	{"learner just now", standing(func(s *raft.Status) { s.Membership.Voters = []raft.NodeID{2, 3}; leaderless(time.Second)(s) }),
		"election", "an election is due or under way", "in a moment"},
	{"no member any more, as it seems", standing(func(s *raft.Status) {
		s.Membership, s.Leader = group(2, 3), 2
		s.Membership.Members = s.Membership.Members[1:]
	}),
		"follows", "node 1, no member by a change that may not be committed, follows it", ""},
	{"stopped", standing(func(s *raft.Status) { s.Failure = errors.New("disk on fire") }), "stopped", "disk on fire", "start the node again"},
	{"not initialized", standing(func(s *raft.Status) { s.Membership = raft.Membership{} }), "no_group", "a member of no group", "initialize"},
	{"removed", standing(func(s *raft.Status) { s.RemovedAt = 17 }), "removed", "by the entry at index 17", "add-voter"},
	{"wiped", standing(func(s *raft.Status) { s.LostDisk, s.Leader = true, 2 }), "lost_disk follows", "it must not vote", "remove 1, then add-voter 1"},
	{"state lost", standing(func(s *raft.Status) {
		s.StateLost, s.Leader = true, 2
		s.Snapshots.Receiving = &raft.SnapshotTransfer{Bytes: 1, Size: 4}
	}), "state_lost follows", "it has 1 of 4 bytes of the snapshot (25 %)", "a leader"},
	{"forming", standing(func(s *raft.Status) { s.Forming = true; leaderless(time.Minute, 2)(s) }), "forming",
		"each of the voters 1, 2 and 3 has to answer once; node 3 does not. Node 3 was never heard from.", "See that node 3 runs"},
	{"two of three gone", standing(leaderless(12 * time.Second)), "quorum_lost",
		"There has been no leader for 12s, as far as node 1 knows. Of the voters 1, 2 and 3, node 1 answers; 2 are needed. " +
			"Node 2 was last heard from 12s ago and node 3 was never heard from.", "recover"},
	{"election", standing(leaderless(time.Second)), "election", "an election is due or under way", "in a moment"},
	{"nobody is elected", standing(leaderless(time.Minute, 2)), "no_leader", "though enough voters answer", "drained"},
	{"joint, and one of the old gone", standing(func(s *raft.Status) {
		s.Membership.Outgoing = []raft.NodeID{1, 3}
		leaderless(time.Minute, 2)(s)
	}), "quorum_lost change_joint", "Of the voters 1 and 3, node 1 answers; 2 are needed.", "node 3 runs"},
	{"learner without leader", standing(func(s *raft.Status) {
		s.Membership.Voters, s.Membership.Learners = []raft.NodeID{2, 3}, []raft.NodeID{1}
		leaderless(time.Minute, 2, 3)(s)
	}),
		"no_leader", "a learner", "explain on the voters"},
	{"drained", standing(func(s *raft.Status) { s.Drained, s.Leader = true, 2 }), "drained follows", "told not to lead", "undrain"},
	{"leads though drained", standing(func(s *raft.Status) { leading(s); s.Drained = true }), "drained leads", "nobody has taken over yet", "undrain"},
	{"one gone", standing(func(s *raft.Status) { leading(s); s.Peers[0].Silence = 5 * time.Second }), "no_spare silent leads",
		"If one more voter fails, the group stops.", ""},
	{"wiped voter", standing(func(s *raft.Status) { leading(s); s.Peers[1].LostDisk = true }), "no_spare lost_disk leads",
		"nodes 1 and 2 answer", ""},
	{"quorum gone, still leading", standing(func(s *raft.Status) {
		leading(s)
		s.Peers[0].Silence, s.Peers[1].Silence = time.Minute, time.Minute
	}), "quorum_lost silent silent leads", "about to step down", "nodes 2 and 3 run"},
	{"one is behind", standing(func(s *raft.Status) { leading(s); s.Peers[0].MatchIndex = 30_000 }), "behind leads", "behind by 20000 entries", "too slow"},
	{"one needs a snapshot", standing(func(s *raft.Status) {
		leading(s)
		s.Peers[0].State, s.Peers[0].MatchIndex = "snapshot", 0
		s.Snapshots.Sending = []raft.SnapshotTransfer{{Peer: 2, Bytes: 10, Size: 20}}
	}), "needs_snapshot leads", "it has 10 of 20 bytes of the snapshot (50 %)", "reload"},
	{"catching up", standing(growing), "leads change_catching_up change_waits",
		"Of the voters 1, 2 and 3", ""},
	{"a newcomer does not answer", standing(func(s *raft.Status) { growing(s); s.Peers[2].Silence = 9 * time.Second }),
		"change_waits leads change_catching_up", "waits for node 4, at host:4, which has not answered for 9s", "remove 4 gives the change up"},
	{"too few of those who are to vote", standing(func(s *raft.Status) {
		growing(s)
		s.Membership.TargetVoters = []raft.NodeID{3, 4}
		s.Peers[2].CaughtUp, s.Peers[1].Silence = true, time.Minute
	}), "no_spare change_waits silent leads change_catching_up", "", ""},
	{"nobody of those who are to vote", standing(func(s *raft.Status) {
		growing(s)
		s.Membership.Learners, s.Membership.TargetVoters = []raft.NodeID{4}, []raft.NodeID{4}
		s.Peers[2].CaughtUp, s.Peers[2].LostDisk = true, true
	}), "change_waits lost_disk leads change_catching_up", "Node 4 is the only voter, and does not answer.", "node 4 runs"},
	{"handing over", standing(func(s *raft.Status) { leading(s); s.Transferring = 3 }), "leads transferring", "", ""},
	{"uncommitted", standing(func(s *raft.Status) { leading(s); s.MembershipIndex = 9 }), "leads change_uncommitted", "", ""},
	{"slow disk", standing(func(s *raft.Status) { s.Leader, s.DurableIndex = 2, 100 }), "disk_behind follows", "wait for the disk of node 1", "disk"},
	{"slow writes", standing(func(s *raft.Status) {
		s.Leader, s.Disk = 2, raft.DiskStatus{Last: 3 * time.Millisecond, Slowest: 100 * time.Millisecond}
	}),
		"disk_slow follows", "a write took up to 100ms of late, and the last one 3ms, where an election time-out is 1s", "what else uses the disk"},
	{"slow write now", standing(func(s *raft.Status) { s.Leader, s.Disk = 2, raft.DiskStatus{Underway: 999 * time.Millisecond} }),
		"disk_slow follows", "up to 999ms", ""},
	{"writes as they should be", standing(func(s *raft.Status) { s.Leader, s.Disk = 2, raft.DiskStatus{Slowest: 99 * time.Millisecond} }), "follows", "", ""},
	{"no end of a write", standing(func(s *raft.Status) {
		s.Disk = raft.DiskStatus{Underway: 7 * time.Second}
		leaderless(12 * time.Second)(s)
	}), "no_leader disk_stuck", "Node 1 does not stand for election", ""},
	{"no end of a leader's write", standing(func(s *raft.Status) { leading(s); s.Disk = raft.DiskStatus{Underway: time.Second} }),
		"disk_stuck leads", "has not ended for 1s", "the kernel's log"},
	{"callers wait", standing(func(s *raft.Status) {
		s.Leader, s.Queues = 2, raft.QueueStatus{ProposalBytes: 90, ProposalBytesMax: 100, WaitingCallers: 4}
	}), "callers_wait follows", "4 callers wait for node 1 to take their commands: it has taken 90 bytes of them, of 100 at most", ""},
	{"logged", standing(func(s *raft.Status) {
		s.Leader = 2
		s.Troubles = []raft.Trouble{{What: "disk on fire", Count: 3, Ago: 1500 * time.Millisecond}, {What: "long ago", Count: 1, Ago: time.Hour}}
	}), "follows logged", "", ""},
	{"messages dropped", standing(func(s *raft.Status) { s.Leader, s.Queues.MessagesDropped = 2, 5 }), "follows messages_dropped", "", ""},
	{"slow state machine", standing(func(s *raft.Status) { s.Leader, s.AppliedIndex = 2, 100 }), "applying_behind follows", "49900 committed entries", ""},
	{"bad snapshots", standing(func(s *raft.Status) { s.Leader, s.Snapshots.Damaged, s.Snapshots.Failed = 2, 3, 4 }),
		"damaged_snapshots failed_snapshots follows", "3 snapshots of node 1", ""},
}

func TestExplain(t *testing.T) {
	for _, test := range explained {
		findings := test.status.Explain()
		var codes []string
		for _, f := range findings {
			codes = append(codes, f.Code)
			if f.Severity == raft.SeverityProblem && f.Advice == "" {
				t.Errorf("%s: the problem %q comes without advice", test.name, f.What)
			}
		}
		if got := strings.Join(codes, " "); got != test.codes {
			t.Errorf("%s: %s, want %s", test.name, got, test.codes)
			continue
		}
		if f := findings[0]; !strings.Contains(f.What, test.says) || !strings.Contains(f.Advice, test.advice) {
			t.Errorf("%s: %q, %q; want %q, %q in them", test.name, f.What, f.Advice, test.says, test.advice)
		}
	}
}

// TestContacts: a member that has lost the others knows which, and for how long.
func TestContacts(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		left, leader := c.follower().id, c.serving().id
		if s := c.members[left].group.Status(); s.Leaderless != 0 || len(s.Contacts) != 2 {
			t.Fatalf("with a leader: %v without one, %+v", s.Leaderless, s.Contacts)
		}
		for id := range c.members {
			if id != left {
				c.stop(id)
			}
		}
		c.pass(20 * electionTimeout)
		s := c.members[left].group.Status()
		for _, contact := range s.Contacts {
			if contact.ID == leader && contact.Never || contact.Silence < 19*electionTimeout {
				t.Errorf("after 20 election time-outs of silence, and node %d had led: %+v", leader, contact)
			}
		}
		if findings := s.Explain(); findings[0].Code != "quorum_lost" || findings[0].Severity != raft.SeverityProblem {
			t.Errorf("the survivor says %+v", findings)
		}
		for id := range c.members {
			if id != left {
				c.start(id)
			}
		}
		c.serving()
		c.await("all to know the leader", func() bool { return c.members[left].group.Status().Leaderless == 0 })
	})
}

// TestExplainToDrained: when all are told not to lead nobody asks for votes, and to have heard nothing
// says nothing of who runs: they must not be given up for lost.
func TestExplainToDrained(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		joining := c.add(4)
		c.change(func(g *raft.Group) error { return g.AddLearner(c.t.Context(), joining) })
		for id := raft.NodeID(1); id <= 3; id++ {
			if err := c.members[id].group.Drain(c.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		c.network.Isolate(c.serving().id) // Or it would lead on, there being nobody to hand over to.
		c.pass(5 * electionTimeout)
		c.network.HealAll()
		c.pass(20 * electionTimeout)
		for id, m := range c.members {
			s := m.group.Status()
			if s.Leader != 0 {
				t.Fatalf("node %d knows a leader", id)
			}
			for _, f := range s.Explain() {
				if f.Code == "quorum_lost" || f.Severity == raft.SeverityProblem && f.Code != "no_leader" {
					t.Errorf("node %d says %s: %s", id, f.Code, f.What)
				}
			}
		}
		if err := c.members[2].group.Undrain(c.t.Context()); err != nil {
			t.Fatal(err)
		}
		c.await("a leader", func() bool { return c.serving().id == 2 })
	})
}

// TestExplainOfClosedGroup: a group that was closed does not lead, whatever it did last.
func TestExplainOfClosedGroup(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		m := c.serving()
		c.stop(m.id)
		s := m.group.Status()
		if findings := s.Explain(); !errors.Is(s.Failure, raft.ErrStopped) || len(findings) != 1 || findings[0].Code != "stopped" {
			t.Errorf("%v, %+v", s.Failure, findings)
		}
		if _, err := m.group.PlanMembership(raft.MembershipTarget{Voters: c.addresses()}); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("its plan: %v", err)
		}
		if err := m.group.AddLearner(t.Context(), raft.Member{ID: 9, Address: "nowhere"}); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("to add to it: %v", err)
		}
	})
}

func TestNamesOfTheUnknown(t *testing.T) {
	for got, want := range map[string]string{
		raft.Severity(7).String(): "severity 7", raft.SeverityProblem.String(): "problem",
		raft.Role(9).String(): "role 9", raft.RoleLeader.String(): "leader",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
