// SPDX-License-Identifier: Apache-2.0

package safety

import "github.com/balsa-raft/raft/wire"

const boundedResources = "I28 bounded resources"

// Bounds are what a member was told not to exceed. Zero stands for no bound.
type Bounds struct {
	// WindowBytes and WindowMessages bound what was sent to a peer and not acknowledged.
	WindowBytes, WindowMessages int
	// PendingBytes bounds the commands that clients of a member wait for.
	PendingBytes int
}

// Windows is I28 for replication: another message with entries leaves only while less
// than the bounds is under way to that peer. What the acknowledgements of one stream say
// counts for that stream alone.
type Windows struct {
	bounds  Bounds
	windows perNode[perNode[window]] // by who sends, and to whom
}

type window struct {
	term     wire.Term
	epoch    wire.Epoch
	match    wire.Index // the highest that the stream has acknowledged
	inflight []sent     // oldest first, all of them beyond that
	bytes    int
}

type sent struct {
	last  wire.Index
	bytes int
}

// Sends is told that entries leave for a peer.
func (c *Windows) Sends(from, to wire.NodeID, m *wire.AppendEntries) *Violation {
	if len(m.Entries) == 0 || c.bounds.WindowBytes == 0 {
		return nil
	}
	w := c.window(from, to)
	if w.term != m.Term || w.epoch != m.Epoch {
		*w = window{term: m.Term, epoch: m.Epoch, inflight: w.inflight[:0]}
	}
	if count := len(w.inflight); count > 0 && (count >= c.bounds.WindowMessages || w.bytes >= c.bounds.WindowBytes) {
		return violated(boundedResources, "node %d sends entries to %d, %d messages of %d bytes are under way, the bounds are %d and %d",
			from, to, count, w.bytes, c.bounds.WindowMessages, c.bounds.WindowBytes)
	}
	s := sent{last: m.Entries[len(m.Entries)-1].Index, bytes: wire.SizeOf(m.Entries)}
	if s.last > w.match { // The leader may not have looked at an acknowledgement yet.
		w.inflight, w.bytes = append(w.inflight, s), w.bytes+s.bytes
	}
	return nil
}

// Acknowledges is told that a peer's acknowledgement arrives at a leader.
func (c *Windows) Acknowledges(leader, peer wire.NodeID, message wire.Message) {
	switch m := message.(type) {
	case *wire.AppendReply:
		if !m.Rejected {
			c.window(leader, peer).free(m.Term, m.Epoch, m.Match)
		}
	case *wire.HeartbeatReply:
		c.window(leader, peer).free(m.Term, m.Epoch, m.Match)
	}
}

func (c *Windows) window(from, to wire.NodeID) *window {
	return c.windows.of(from).of(to)
}

func (w *window) free(term wire.Term, epoch wire.Epoch, match wire.Index) {
	if w.term != term || w.epoch != epoch {
		return
	}
	w.match = max(w.match, match)
	n := 0
	for n < len(w.inflight) && w.inflight[n].last <= match {
		w.bytes -= w.inflight[n].bytes
		n++
	}
	w.inflight = w.inflight[:copy(w.inflight, w.inflight[n:])]
}

// Limit says what the members were told not to exceed.
func (c *Checker) Limit(b Bounds) { c.windows.bounds = b }

// Pending is told what the clients of a member wait for, after it has taken a command in.
// A single command may exceed the bound.
func (c *Checker) Pending(node wire.NodeID, commands, bytes int) {
	if most := c.windows.bounds.PendingBytes; most > 0 && commands > 1 && bytes > most {
		c.Report(violated(boundedResources, "node %d has taken in %d commands of %d bytes, the bound is %d", node, commands, bytes, most))
	}
}

// Arrives is told of a message that arrives at a member.
func (c *Checker) Arrives(from, to wire.NodeID, message wire.Message) {
	c.windows.Acknowledges(to, from, message)
}
