// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// TestFigure8 goes through figure 8 up to (e): an entry of an earlier term is committed by
// one of the leader's own above it, and not before.
func TestFigure8(t *testing.T) {
	c := formed(t, 5)
	c.elects(1, 2, 3)
	c.syncs(1)
	c.replicates(1, 2, 1) // (a)
	c.electsIn(3, 5, 3, 4)
	c.syncs(5)             // (b)
	c.electsIn(4, 1, 2, 3) // (c)
	c.syncs(1)
	c.replicates(1, 2, 2)
	c.replicates(1, 3, 1)
	c.legal(c.commits(1, 3)) // (e)
	c.accepts(5, 1, c.request(1, 5, 1))
	if n := c.spec.member(5); n.log != id(4, 3) || n.commit != 3 {
		t.Fatalf("node 5 is %+v", n)
	}
}

// TestFigure8Overwritten goes through (d): what a majority holds, and nobody has
// committed, is overwritten.
func TestFigure8Overwritten(t *testing.T) {
	c := formed(t, 5)
	c.elects(1, 2, 3)
	c.syncs(1)
	c.replicates(1, 2, 1)
	c.electsIn(3, 5, 3, 4)
	c.syncs(5)
	c.electsIn(4, 1, 2, 3)
	request := c.request(1, 3, 1)
	request.Entries = request.Entries[:1]
	c.accepts(3, 1, request)
	c.acknowledges(3, 1)
	c.electsIn(5, 5, 2, 3, 4)
	c.accepts(3, 5, c.request(5, 3, 1))
	if n := c.spec.member(3); n.log != id(5, 3) {
		t.Fatalf("node 3 is %+v", n)
	}
}

// TestRestarts lets a member crash with each number of its writes on the disk.
func TestRestarts(t *testing.T) {
	for _, test := range []struct {
		hard  wire.HardState
		terms []wire.Term
	}{
		{hard(1, 0), []wire.Term{1}},
		{hard(2, 1), []wire.Term{1}},
		{hard(2, 1), []wire.Term{1, 2}},
		{hard(2, 1), []wire.Term{1, 2, 2, 2}},
	} {
		c := formed(t, 1)
		c.legal(c.timesOut(1))
		c.legal(c.spec.Step(&Step{Node: 1, Synced: 2, Post: c.node(1).view()}))
		c.node(1).Role = Leader
		c.legal(c.step(1, nil, c.node(1).append(1), Effect{Kind: Became, Role: Leader, Term: 2}))
		c.proposes(1, 2)
		v := c.crashes(1, test.hard, test.terms...)
		if isLost := test.hard.Term == 1; (v != nil) != isLost || isLost && v.Rule != RestartsOther {
			t.Errorf("found %v %v: %v", test.hard, test.terms, v)
		}
	}
}

// TestSnapshot adopts a committed prefix in place of a log that contradicts it, and of one
// that is part of it, and compacts.
func TestSnapshot(t *testing.T) {
	c := formed(t, 3)
	c.elects(3, 2)
	c.electsIn(3, 1, 2)
	c.proposes(1, 3)
	c.syncs(1)
	c.replicates(1, 2, 1)
	c.legal(c.commits(1, 5))
	n := c.node(3)
	n.HardState, n.Role, n.Durable = hard(3, 0), Follower, 0
	probe := c.request(1, 3, 5)
	n.terms = []wire.Term{1, 3, 3, 3}
	n.Compacted, n.Snapshot, n.Commit, n.Applied = id(3, 4), id(3, 4), 4, 4
	e := n.write()
	e.Reset = id(3, 4)
	c.legal(c.step(3, from(1, probe), e))
	c.syncs(3)
	c.replicates(1, 3, 4)
	c.node(1).Compacted, c.node(1).Snapshot = id(3, 3), id(3, 3)
	c.legal(c.step(1, nil))
	if m := c.spec.member(3); m.log != id(3, 5) || m.commit != 5 {
		t.Fatalf("node 3 is %+v", m)
	}
}

// TestJointMembership takes all members but one out, through both halves; one that is out
// still runs as long as it does not know that.
func TestJointMembership(t *testing.T) {
	c := formed(t, 3).leading()
	old, target := []wire.NodeID{1, 2, 3}, []wire.NodeID{1}
	c.adopts(1, beginning(old, target), 2, 3)
	c.adopts(1, joining(old, target), 2, 3)
	c.legal(c.membership(1, members(1)))
	c.syncs(1)
	c.accepts(2, 1, c.request(1, 2, 4))
	c.legal(c.commits(1, 5))
	c.legal(c.timesOut(2))
}

// TestPreVotesAreStutters sends pre-votes, which change nothing.
func TestPreVotesAreStutters(t *testing.T) {
	c := formed(t, 3)
	request, reply := &wire.RequestPreVote{Term: 2, Round: 1, Last: id(1, 1)}, &wire.PreVoteReply{Term: 1, Round: 1, Granted: true}
	c.legal(c.step(1, nil, send(2, request)))
	c.legal(c.step(2, from(1, request), send(1, reply)))
	c.legal(c.step(1, from(2, reply)))
}
