// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// beginning returns a membership on the way to other voters.
func beginning(voters, target []wire.NodeID) wire.Membership {
	all := slices.Concat(voters, target)
	slices.Sort(all)
	m := members(slices.Compact(all)...)
	m.Voters, m.TargetVoters, m.Learners = voters, target, except(target, voters)
	for i := range m.Members {
		if slices.Contains(m.Learners, m.Members[i].ID) {
			m.Members[i].Incarnation = 0
		}
	}
	return m
}

// joining returns the joint membership behind it.
func joining(voters, target []wire.NodeID) wire.Membership {
	all := slices.Concat(voters, target)
	slices.Sort(all)
	m := members(slices.Compact(all)...)
	m.Voters, m.Outgoing = target, voters
	return m
}

// adopts makes a leader append a membership and commit it, with the help of others that have
// all before it.
func (c *cluster) adopts(leader wire.NodeID, m wire.Membership, others ...wire.NodeID) {
	c.t.Helper()
	last := wire.Index(len(c.node(leader).terms))
	c.legal(c.membership(leader, m))
	c.syncs(leader)
	for _, id := range others {
		c.replicates(leader, id, last)
	}
	c.legal(c.commits(leader, last+1))
}

// leading returns a group with a leader, 1, that has committed its blank entry.
func (c *cluster) leading() *cluster {
	c.elects(1, 2)
	c.syncs(1)
	c.replicates(1, 2, 1)
	c.replicates(1, 3, 1)
	c.legal(c.commits(1, 2))
	return c
}

// changeTo leads a group of three to other voters.
func (c *cluster) changeTo(target ...wire.NodeID) {
	c.t.Helper()
	old := []wire.NodeID{1, 2, 3}
	c.adopts(1, beginning(old, target), 2, 3)
	c.adopts(1, joining(old, target), 2, 3)
	c.adopts(1, members(target...), 2, 3)
}

// unbound returns members that have been formed as a group, and whose disks nobody knows.
func unbound(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, spec: New(3)}
	for id := wire.NodeID(1); id <= 3; id++ {
		c.nodes = append(c.nodes, &shown{id: id, peers: map[wire.NodeID]wire.Index{}})
		c.legal(c.spec.Start(id, c.node(id).view()))
		if id < 3 {
			c.legal(c.forms(id, founding()))
			c.syncs(id)
		}
	}
	return c
}

func founding() wire.Membership {
	return wire.NewMembership(wire.Member{ID: 1}, wire.Member{ID: 2}, wire.Member{ID: 3})
}

// asks makes a member of a group that is being formed run, and others vote for it.
func (c *cluster) asks(id wire.NodeID, voters ...wire.NodeID) []Received {
	c.t.Helper()
	n := c.node(id)
	c.legal(c.timesOut(id))
	request := &wire.RequestVote{Term: n.HardState.Term, Last: n.view().Last}
	n.Granted = append(n.Granted, id)
	var received []Received
	var requests []Effect
	for _, voter := range voters {
		requests = append(requests, send(voter, request))
	}
	c.syncs(id, requests...)
	for _, voter := range voters {
		v := c.node(voter)
		v.HardState = hard(request.Term, id)
		c.legal(c.step(voter, from(id, request), v.write()))
		reply := &wire.VoteReply{Term: request.Term, Granted: true, Incarnation: incarnationOf(voter)}
		c.syncs(voter, send(id, reply))
		received = append(received, from(voter, reply)...)
	}
	return received
}

// leads makes a candidate the leader, whose first entry is a membership.
func (c *cluster) leads(id wire.NodeID, received []Received, m wire.Membership) *Violation {
	n := c.node(id)
	n.Role, n.Granted, n.terms, n.Membership = Leader, nil, append(n.terms, n.HardState.Term), 2
	e := entryOf(n.HardState.Term, 2, m)
	return c.step(id, received, n.write(e), Effect{Kind: Became, Role: Leader, Term: n.HardState.Term})
}

func forming(trace func(c *cluster) *Violation) func(t *testing.T) *Violation {
	return func(t *testing.T) *Violation { return trace(unbound(t)) }
}

// TestForming forms a group, with the vote of one that has not been told of it.
func TestForming(t *testing.T) {
	c := unbound(t)
	c.legal(c.leads(1, c.asks(1, 2, 3), members(1, 2, 3)))
}

// others is a member of another incarnation, after it has lost its disk.
func (c *cluster) reborn(id wire.NodeID) *shown {
	c.t.Helper()
	c.spec.Forgets(id)
	n := &shown{id: id, peers: map[wire.NodeID]wire.Index{}, isReborn: true}
	c.nodes[id-1] = n
	c.legal(c.spec.Start(id, n.view()))
	return n
}

// changed violate what docs/decisions/0003 says.
var changed = []planted{
	{VoteForeign, three(func(c *cluster) *Violation { // It has lost its disk, and is asked as who it was.
		request := c.runs(1, 3)
		c.reborn(3)
		return c.votes(3, 1, request)
	})},
	{VoteForeign, three(func(c *cluster) *Violation { // It is asked by one that does not know whom it means.
		c.reborn(3)
		c.legal(c.forms(3, members(1, 2, 3)))
		n := c.node(3)
		request := c.runs(1, 3)
		request.Incarnation = 0
		n.HardState = hard(2, 1)
		return c.step(3, from(1, request), n.write())
	})},
	{VoteIgnorant, forming(func(c *cluster) *Violation {
		c.legal(c.leads(1, c.asks(1, 2, 3), members(1, 2, 3)))
		c.syncs(1)
		c.crashes(3, wire.HardState{})
		c.spec.Forgets(3)
		c.legal(c.spec.Start(3, c.node(3).view()))
		n := c.node(1)
		n.Role = Follower
		c.legal(c.step(1, nil))
		c.legal(c.timesOut(1))
		request := &wire.RequestVote{Term: 3, Last: id(2, 2), Incarnation: anonymous}
		c.spec.members[0].incarnation = anonymous
		c.spec.members[2].incarnation = anonymous
		c.spec.memberships[1].membership.Members[2].Incarnation = anonymous
		c.syncs(1, send(3, request))
		c.node(3).HardState = hard(3, 1)
		return c.step(3, from(1, request), c.node(3).write())
	})},
	{CandidateNoVoter, three(func(c *cluster) *Violation { // It is a voter with another disk.
		c.reborn(3)
		c.legal(c.forms(3, members(1, 2, 3)))
		return c.timesOut(3)
	})},
	{LeadsNotAll, forming(func(c *cluster) *Violation {
		return c.leads(1, c.asks(1, 2), members(1, 2, 3))
	})},
	{BindsNot, forming(func(c *cluster) *Violation { // A blank entry.
		received := c.asks(1, 2, 3)
		n := c.node(1)
		n.Role, n.Granted = Leader, nil
		return c.step(1, received, n.append(1))
	})},
	{BindsNot, forming(func(c *cluster) *Violation { // Another disk than has voted.
		m := members(1, 2, 3)
		m.Members[2].Incarnation++
		return c.leads(1, c.asks(1, 2, 3), m)
	})},
	{BindsNot, forming(func(c *cluster) *Violation { // Not all.
		m := members(1, 2, 3)
		m.Members[2].Incarnation = 0
		return c.leads(1, c.asks(1, 2, 3), m)
	})},
	{AppendsOther, three(func(c *cluster) *Violation { // Joint at once.
		return c.leading().membership(1, joining([]wire.NodeID{1, 2, 3}, []wire.NodeID{1, 2}))
	})},
	{AppendsOther, three(func(c *cluster) *Violation { // One voter less, without the way.
		return c.leading().membership(1, members(1, 2))
	})},
	{AppendsOther, three(func(c *cluster) *Violation { // Joint with others than were to be.
		c.leading().adopts(1, beginning([]wire.NodeID{1, 2, 3}, []wire.NodeID{1, 2}), 2, 3)
		return c.membership(1, joining([]wire.NodeID{1, 2, 3}, []wire.NodeID{1, 3}))
	})},
	{AppendsOther, three(func(c *cluster) *Violation { // A voter gets another disk.
		m := members(1, 2, 3)
		m.Members[2].Incarnation++
		return c.leading().membership(1, m)
	})},
	{AppendsOther, three(func(c *cluster) *Violation { // It goes back from a joint one.
		c.leading().adopts(1, beginning([]wire.NodeID{1, 2, 3}, []wire.NodeID{1, 2}), 2, 3)
		c.adopts(1, joining([]wire.NodeID{1, 2, 3}, []wire.NodeID{1, 2}), 2, 3)
		m := joining([]wire.NodeID{1, 2, 3}, []wire.NodeID{1, 2})
		m.TargetLearners = []wire.NodeID{3}
		return c.membership(1, m)
	})},
	{SaysVoter, three(func(c *cluster) *Violation {
		c.legal(c.votes(3, 1, c.runs(1, 3)))
		n := c.node(3)
		n.Durable = 1
		return c.spec.Step(&Step{Node: 3, Synced: n.seq, Post: n.view(), Effects: []Effect{
			send(1, &wire.VoteReply{Term: 2, Granted: true, Incarnation: 7}),
		}})
	})},
	{SaysMeant, three(func(c *cluster) *Violation {
		c.legal(c.timesOut(1))
		n := c.node(1)
		n.Granted = append(n.Granted, 1)
		return c.spec.Step(&Step{Node: 1, Synced: n.seq, Post: n.view(), Effects: []Effect{
			send(2, &wire.RequestVote{Term: 2, Last: id(1, 1)}),
		}})
	})},
}
