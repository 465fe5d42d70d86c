// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// crew is a rig whose peers answer, when they are let, as correct members do that hold all
// that the leader has.
type crew struct {
	*rig
	// silent are those that do not answer; incarnations are what the others answer with, one
	// unless they are named.
	silent       []wire.NodeID
	incarnations map[wire.NodeID]wire.Incarnation
}

func ids(list ...wire.NodeID) []wire.NodeID { return list }

// group is a membership of voters and learners.
func group(voters []wire.NodeID, learners ...wire.NodeID) wire.Membership {
	return targetOf("x", voters, learners)
}

// diskWith is a disk whose log, of term 1, has nothing but memberships.
func diskWith(all ...wire.Membership) disk {
	d := disk{hard: wire.HardState{Term: 1}}
	for i, m := range all {
		d.log = extend(d.log, wire.Entry{Index: wire.Index(i + 1), Term: 1, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &m)})
	}
	return d
}

// crewOn starts member 1 on a disk, and has it elected by all; nobody has answered it since.
func crewOn(t *testing.T, d disk) *crew {
	t.Helper()
	c := &crew{rig: newRig(t, d), incarnations: map[wire.NodeID]wire.Incarnation{}}
	c.expire()
	for _, m := range c.core.membership().Members {
		c.receive(m.ID, &wire.PreVoteReply{Term: c.core.Term(), Round: c.core.follower.round, Granted: true})
	}
	c.sync()
	for _, m := range c.core.membership().Members {
		c.receive(m.ID, &wire.VoteReply{Term: c.core.Term(), Granted: true, Incarnation: 1})
	}
	if c.core.role != Leader {
		t.Fatalf("the member is a %v, not the leader", c.core.role)
	}
	return c
}

// leading is member 1 as the leader of a membership, everything committed.
func leading(t *testing.T, m wire.Membership) *crew {
	t.Helper()
	c := crewOn(t, diskWith(bound(m)))
	c.settle()
	return c
}

// changing is leading, with the beginning of a change that nobody has answered yet.
func changingTo(t *testing.T, m, target wire.Membership, silent ...wire.NodeID) *crew {
	t.Helper()
	c := leading(t, m)
	c.silent = silent
	c.wantIn(c.do(ChangeRequested{Target: target}), "AnswerChange{Refusal:0")
	return c
}

// reply has a peer acknowledge the whole log.
func (c *crew) reply(id wire.NodeID) []string {
	c.t.Helper()
	return c.replyTo(id, c.core.log.Last())
}

func (c *crew) replyTo(id wire.NodeID, match wire.Index) []string {
	c.t.Helper()
	p := c.core.leader.peer(id)
	incarnation := max(c.incarnations[id], 1)
	return c.receive(id, &wire.AppendReply{Term: c.core.Term(), Epoch: p.Epoch, Match: match, Incarnation: incarnation})
}

// round ends the writes, and has all peers answer that do, once: with what there is now.
func (c *crew) round() []string {
	c.t.Helper()
	last := c.core.log.Last()
	lines := c.sync()
	for id := wire.NodeID(2); id <= 9; id++ {
		if c.core.leader != nil && c.core.leader.peer(id) != nil && !slices.Contains(c.silent, id) {
			lines = append(lines, c.replyTo(id, last)...)
		}
	}
	return lines
}

// settle goes on until nothing changes any more.
func (c *crew) settle() []string {
	c.t.Helper()
	var lines []string
	for range 10 {
		before := c.core.Brief()
		lines = append(lines, c.round()...)
		if c.core.Brief() == before {
			return lines
		}
	}
	c.t.Fatal("it goes on and on")
	return nil
}

// beat lets a heartbeat interval pass, after which all peers answer that do.
func (c *crew) beat() []string {
	c.t.Helper()
	c.wait(testHeartbeat)
	lines := c.do(DeadlineReached{})
	for id := wire.NodeID(2); id <= 9 && c.core.leader != nil; id++ {
		if p := c.core.leader.peer(id); p != nil && !slices.Contains(c.silent, id) {
			lines = append(lines, c.receive(id, &wire.HeartbeatReply{
				Term: c.core.Term(), Round: c.core.leader.round, Epoch: p.Epoch, Match: p.Match, Accepted: c.core.log.Last(),
				Incarnation: max(c.incarnations[id], 1),
			})...)
		}
	}
	return lines
}

// dropped waits until nothing is replicated to a peer any more, and returns the last effects.
func (c *crew) dropped(id wire.NodeID) []string {
	c.t.Helper()
	var lines []string
	for until := c.now + (leaveTimeouts+1)*testElection; c.core.leader.peer(id) != nil; {
		if c.now > until {
			c.t.Fatalf("%d is never dropped", id)
		}
		lines = c.beat()
	}
	return lines
}

// wantMembership compares who is in effect, in the order of the fields.
func (c *rig) wantMembership(want ...[]wire.NodeID) {
	c.t.Helper()
	m := c.core.membership()
	got := [][]wire.NodeID{m.Voters, m.Outgoing, m.Learners, m.TargetVoters, m.TargetLearners}
	for len(want) < len(got) {
		want = append(want, nil)
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		c.t.Fatalf("in effect is %v, want %v", got, want)
	}
}

// wantPhase compares how far a change has come, and whether that is committed.
func (c *rig) wantPhase(want phase, isCommitted bool) {
	c.t.Helper()
	s := c.core.Standing()
	if got := phaseOf(c.core); got != want || (s.At == s.CommittedAt) != isCommitted {
		c.t.Fatalf("the change is in phase %d, %+v; want %d, committed %v", got, s, want, isCommitted)
	}
}
