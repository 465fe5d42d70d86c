// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// cluster is a group of members that do what a test says, and show what they are. Its
// methods are legal steps, and fail the test if they are not explained.
type cluster struct {
	t     *testing.T
	spec  *Spec
	nodes []*shown // of node 1 first
}

// shown is a member as it shows itself.
type shown struct {
	View
	id    wire.NodeID
	terms []wire.Term // of the entries, from 1 on
	seq   Seq
	peers map[wire.NodeID]wire.Index
	// changes are the membership entries behind the first.
	changes map[wire.Index]wire.Entry
	// isReborn says that its disk is another one than at first.
	isReborn bool
}

func (n *shown) EntryTerm(index wire.Index) (wire.Term, bool) {
	if index == 0 || int(index) > len(n.terms) {
		return 0, index == 0
	}
	return n.terms[index-1], true
}

func (n *shown) view() View {
	v := n.View
	v.Incarnation = incarnationOf(n.id)
	if n.isReborn {
		v.Incarnation += 1000
	}
	v.Last = wire.LogID{Index: wire.Index(len(n.terms))}
	v.Last.Term, _ = n.EntryTerm(v.Last.Index)
	v.Log = n
	for id := wire.NodeID(1); v.Role == Leader && id <= 9; id++ {
		if match := n.peers[id]; match > 0 {
			v.Matches = append(v.Matches, Match{id, match})
		}
	}
	return v
}

// incarnationOf returns that of a node's disk.
func incarnationOf(id wire.NodeID) wire.Incarnation { return wire.Incarnation(100 + id) }

// meant returns a request as it is sent to a voter.
func meant(request *wire.RequestVote, voter wire.NodeID) *wire.RequestVote {
	m := *request
	m.Incarnation = incarnationOf(voter)
	return &m
}

func members(ids ...wire.NodeID) wire.Membership {
	var list []wire.Member
	for _, id := range ids {
		list = append(list, wire.Member{ID: id, Incarnation: incarnationOf(id)})
	}
	return wire.NewMembership(list...)
}

// formed returns members that have been formed as a group, and nothing else.
func formed(t *testing.T, size int) *cluster {
	t.Helper()
	var ids []wire.NodeID
	c := &cluster{t: t, spec: New(size)}
	for id := wire.NodeID(1); id <= wire.NodeID(size); id++ {
		ids = append(ids, id)
		c.nodes = append(c.nodes, &shown{id: id, peers: map[wire.NodeID]wire.Index{}})
		c.legal(c.spec.Start(id, c.node(id).view()))
	}
	for _, id := range ids {
		c.legal(c.forms(id, members(ids...)))
		c.syncs(id)
	}
	return c
}

func (c *cluster) node(id wire.NodeID) *shown { return c.nodes[id-1] }

func (c *cluster) legal(v *Violation) {
	c.t.Helper()
	if v != nil {
		c.t.Fatalf("a legal step is not explained: %v", v)
	}
}

// step is a step of a member that was sent messages and did something.
func (c *cluster) step(id wire.NodeID, received []Received, effects ...Effect) *Violation {
	return c.spec.Step(&Step{Node: id, Received: received, Effects: effects, Post: c.node(id).view()})
}

func (c *cluster) forms(id wire.NodeID, m wire.Membership) *Violation {
	n := c.node(id)
	n.HardState, n.terms, n.Membership = wire.HardState{Term: 1}, []wire.Term{1}, 1
	return c.step(id, nil, n.write(wire.Entry{Index: 1, Term: 1, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &m)}))
}

// write returns the write of the hard state and of entries.
func (n *shown) write(entries ...wire.Entry) Effect {
	n.seq++
	return Effect{Kind: Wrote, Seq: n.seq, HardState: n.HardState, Entries: entries}
}

func send(to wire.NodeID, m wire.Message) Effect { return Effect{Kind: Sent, To: to, Message: m} }

func from(id wire.NodeID, m wire.Message) []Received { return []Received{{From: id, Message: m}} }

// entries returns some of a term.
func entries(term wire.Term, first, last wire.Index) []wire.Entry {
	var list []wire.Entry
	for i := first; i <= last; i++ {
		list = append(list, wire.Entry{Index: i, Term: term, Kind: wire.EntryCommand})
	}
	return list
}

// syncs makes all writes of a member durable; it sends messages then.
func (c *cluster) syncs(id wire.NodeID, effects ...Effect) {
	c.t.Helper()
	n := c.node(id)
	n.Durable = wire.Index(len(n.terms))
	c.legal(c.spec.Step(&Step{Node: id, Synced: n.seq, Effects: effects, Post: n.view()}))
}

// runs makes a member a candidate of the next term, that has asked some for their votes.
func (c *cluster) runs(id wire.NodeID, voters ...wire.NodeID) *wire.RequestVote {
	c.t.Helper()
	n := c.node(id)
	c.legal(c.timesOut(id))
	request := &wire.RequestVote{Term: n.HardState.Term, Last: n.view().Last}
	var effects []Effect
	for _, voter := range voters {
		effects = append(effects, send(voter, meant(request, voter)))
	}
	n.Granted = append(n.Granted, id)
	c.syncs(id, effects...)
	return request
}

func (c *cluster) timesOut(id wire.NodeID) *Violation {
	n := c.node(id)
	n.HardState, n.Role, n.Granted = wire.HardState{Term: n.HardState.Term + 1, Vote: id}, Candidate, nil
	return c.step(id, nil, n.write(), Effect{Kind: Became, Role: Candidate, Term: n.HardState.Term})
}

// votes makes a member vote for a candidate, without telling it yet.
func (c *cluster) votes(id, candidate wire.NodeID, request *wire.RequestVote) *Violation {
	n := c.node(id)
	n.HardState, n.Role = wire.HardState{Term: request.Term, Vote: candidate}, Follower
	return c.step(id, from(candidate, meant(request, id)), n.write())
}

// elects makes a member the leader of the next term, with some votes; the blank entry is
// on its way to its disk.
func (c *cluster) elects(id wire.NodeID, voters ...wire.NodeID) {
	c.t.Helper()
	request := c.runs(id, voters...)
	vote := wire.VoteReply{Term: request.Term, Granted: true}
	var received []Received
	for _, voter := range voters {
		c.legal(c.votes(voter, id, request))
		reply := vote
		reply.Incarnation = incarnationOf(voter)
		c.syncs(voter, send(id, &reply))
		received = append(received, from(voter, &reply)...)
	}
	n := c.node(id)
	n.Role, n.Granted = Leader, nil
	clear(n.peers)
	c.legal(c.step(id, received, n.append(1), Effect{Kind: Became, Role: Leader, Term: n.HardState.Term}))
}

// append appends entries of the term to the leader's log.
func (n *shown) append(count int) Effect {
	first := wire.Index(len(n.terms) + 1)
	n.terms = append(n.terms, slices.Repeat([]wire.Term{n.HardState.Term}, count)...)
	return n.write(entries(n.HardState.Term, first, first+wire.Index(count)-1)...)
}

func (c *cluster) proposes(id wire.NodeID, count int) {
	c.t.Helper()
	c.legal(c.step(id, nil, c.node(id).append(count)))
}

// request returns what a leader sends behind an index, having sent it.
func (c *cluster) request(id, to wire.NodeID, prev wire.Index) *wire.AppendEntries {
	c.t.Helper()
	n := c.node(id)
	m := &wire.AppendEntries{Term: n.HardState.Term, Epoch: 1, Prev: wire.LogID{Index: prev}, Commit: n.Commit}
	m.Prev.Term, _ = n.EntryTerm(prev)
	for i := prev + 1; int(i) <= len(n.terms); i++ {
		e, isMembership := n.changes[i]
		if !isMembership {
			e = wire.Entry{Index: i, Term: n.terms[i-1], Kind: wire.EntryCommand}
		}
		m.Entries = append(m.Entries, e)
	}
	c.legal(c.spec.Sends(id, m))
	return m
}

// accepts makes a member take over a request, without conflict but for what is behind
// Prev, and does not make it durable.
func (c *cluster) accepts(id, leader wire.NodeID, m *wire.AppendEntries) {
	c.t.Helper()
	n := c.node(id)
	if n.HardState.Term < m.Term {
		n.HardState = wire.HardState{Term: m.Term}
	}
	n.Role, n.Granted = Follower, nil
	n.terms = n.terms[:m.Prev.Index]
	for _, e := range m.Entries {
		n.terms = append(n.terms, e.Term)
		if e.Kind == wire.EntryMembership {
			n.Membership = e.Index
		}
	}
	n.Durable = min(n.Durable, m.Prev.Index)
	n.Commit = max(n.Commit, min(m.Commit, wire.Index(len(n.terms))))
	c.legal(c.step(id, from(leader, m), n.write(m.Entries...)))
}

// acknowledges makes all of a member's log durable and tells the leader.
func (c *cluster) acknowledges(id, leader wire.NodeID) {
	c.t.Helper()
	n, l := c.node(id), c.node(leader)
	reply := &wire.AppendReply{Term: n.HardState.Term, Epoch: 1, Match: wire.Index(len(n.terms)), Incarnation: n.view().Incarnation}
	c.syncs(id, send(leader, reply))
	l.peers[id] = reply.Match
	c.legal(c.step(leader, from(id, reply)))
}

// replicates brings a member up to the leader's log, from behind an index on.
func (c *cluster) replicates(leader, id wire.NodeID, prev wire.Index) {
	c.t.Helper()
	c.accepts(id, leader, c.request(leader, id, prev))
	c.acknowledges(id, leader)
}

// commits lets a leader advance its commit index.
func (c *cluster) commits(leader wire.NodeID, index wire.Index) *Violation {
	c.node(leader).Commit = index
	return c.step(leader, nil)
}

// crashes lets a member lose what was not durable, and start again with a number of terms.
func (c *cluster) crashes(id wire.NodeID, hard wire.HardState, terms ...wire.Term) *Violation {
	n := &shown{id: id, terms: terms, peers: map[wire.NodeID]wire.Index{}}
	n.HardState, n.Durable = hard, wire.Index(len(terms))
	if len(terms) > 0 {
		n.Membership = 1
	}
	c.nodes[id-1] = n
	return c.spec.Start(id, n.view())
}
