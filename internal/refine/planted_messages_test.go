// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"github.com/balsa-raft/raft/wire"
)

// messages violate what may be said, and counted.
var messages = []planted{
	{NeverSent, three(func(c *cluster) *Violation {
		c.runs(1, 2)
		return c.step(1, from(2, &wire.VoteReply{Term: 2, Granted: true}))
	})},
	{NeverSent, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.step(1, from(2, &wire.AppendReply{Term: 2, Epoch: 1, Match: 2}))
	})},
	{SaysTerm, three(func(c *cluster) *Violation {
		c.legal(c.timesOut(1))
		return c.step(1, nil, send(2, &wire.PreVoteReply{Term: 2}))
	})},
	{SaysVote, three(func(c *cluster) *Violation {
		c.runs(2)
		c.legal(c.votes(3, 1, c.runs(1, 3)))
		c.syncs(3)
		return c.step(3, nil, send(2, &wire.VoteReply{Term: 2, Granted: true}))
	})},
	{SaysRequest, three(func(c *cluster) *Violation {
		c.runs(1)
		return c.step(1, nil, send(2, &wire.RequestVote{Term: 2, Last: id(1, 2)}))
	})},
	{SaysAck, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.accepts(2, 1, c.request(1, 2, 1))
		return c.step(2, nil, send(1, &wire.AppendReply{Term: 2, Epoch: 1, Match: 2}))
	})},
	{SaysMismatch, three(func(c *cluster) *Violation { // Of another leader's log.
		c.elects(1, 2)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.syncs(3)
		c.legal(c.crashes(1, hard(2, 1), 1))
		c.electsIn(3, 2, 1)
		n := c.node(3)
		n.HardState = hard(3, 0)
		probe := &wire.AppendEntries{Term: 3, Epoch: 1, Prev: id(1, 1)}
		c.legal(c.spec.Sends(2, probe))
		c.legal(c.step(3, from(2, probe), n.write()))
		return c.spec.Step(&Step{Node: 3, Synced: n.seq, Effects: []Effect{
			send(2, &wire.HeartbeatReply{Term: 3, Match: 2}),
		}, Post: n.view()})
	})},
	{SaysLeader, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.step(2, nil, send(1, &wire.Heartbeat{Term: 2}))
	})},
	{SaysLeader, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.spec.Sends(2, &wire.AppendEntries{Term: 2, Epoch: 1, Prev: id(1, 1)})
	})},
	{SaysEntries, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.spec.Sends(1, &wire.AppendEntries{Term: 2, Epoch: 1, Prev: id(1, 1), Entries: entries(1, 2, 2)})
	})},
	{SaysEntries, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.step(1, nil, Effect{Kind: Streamed, To: 3, Term: 2, Prev: id(2, 1), Last: 2})
	})},
	{SaysCommit, three(func(c *cluster) *Violation { // The receiver may hold something else there.
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		return c.step(1, nil, send(3, &wire.Heartbeat{Term: 2, Commit: 2}))
	})},
	{SaysCommit, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.spec.Sends(1, &wire.AppendEntries{Term: 2, Epoch: 1, Prev: id(1, 1), Commit: 1})
	})},
	{CountsVote, three(func(c *cluster) *Violation {
		c.runs(1, 2)
		c.node(1).Granted = []wire.NodeID{1, 2}
		return c.step(1, nil)
	})},
	{CountsMatch, three(func(c *cluster) *Violation { // An acknowledgement of an earlier leadership.
		c.elects(1, 2)
		c.replicates(1, 2, 1)
		c.electsIn(3, 1, 2)
		c.node(1).peers[2] = 2
		return c.step(1, from(2, &wire.AppendReply{Term: 2, Epoch: 1, Match: 2}))
	})},
	{StateOther, three(func(c *cluster) *Violation { // A term that is not written.
		c.node(1).HardState.Term++
		return c.step(1, nil)
	})},
	{StateOther, three(func(c *cluster) *Violation { // A log that is not written.
		c.elects(1, 2)
		c.node(1).terms = []wire.Term{1, 2, 2}
		return c.step(1, nil)
	})},
	{StateOther, three(func(c *cluster) *Violation { // A log that is written otherwise.
		c.elects(1, 2)
		n := c.node(1)
		e := n.append(1)
		n.terms[1] = 1
		return c.step(1, nil, e)
	})},
	{StateOther, three(func(c *cluster) *Violation { // A membership that was truncated, or is not in effect yet.
		c.node(1).Membership = 0
		return c.step(1, nil)
	})},
}
