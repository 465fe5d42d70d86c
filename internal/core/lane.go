// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// lane is the core's view of the log writer: which writes are under way, what is
// durable, and which effects wait for that. Terms, votes and entries all go
// through it, in one order, so that nothing can overtake anything.
//
// Writes are told apart by Seq, never by index: an index that was overwritten
// while its first write was under way cannot be taken for durable when that write
// ends.
type lane struct {
	issued, synced Seq
	// pending are the writes from synced+1 to issued, oldest first.
	pending []pendingWrite
	// durable is the last entry that is durable and still part of the log.
	durable wire.Index
	// hardDirty says that the hard state changed and no write carries it yet.
	hardDirty bool
	// hardSeq is the write that carries the hard state, or will.
	hardSeq Seq
	// held are the effects that wait for a write, in the order of Seq.
	held []heldEffect
}

type pendingWrite struct {
	// last is the end of the log that will be durable with this write, less what
	// later writes overwrite.
	last wire.Index
	at   Instant
}

type heldEffect struct {
	after  Seq
	effect Effect
}

// setHardState is the only place that moves term and vote (§5.1, §5.2): the term
// never falls, and within a term the vote only goes from nobody to somebody.
func (c *Core) setHardState(term wire.Term, vote wire.NodeID) {
	next := wire.HardState{Term: term, Vote: vote}
	if next == c.hard {
		return
	}
	invariant.Check(term >= c.hard.Term, "core: the term never falls", "from", c.hard.Term, "to", term)
	invariant.Check(term > c.hard.Term || c.hard.Vote == 0, "core: one vote a term", "term", term, "vote", c.hard.Vote, "next", vote)
	if term > c.hard.Term {
		c.dropHeldMessages()
	}
	c.hard = next
	c.lane.hardDirty = true
	c.lane.hardSeq = c.lane.issued + 1
}

// write issues a write of entries that were already put into the log index, along
// with the hard state if that has changed.
func (c *Core) write(entries []wire.Entry) {
	c.issue(WriteLog{Entries: entries})
}

// issue numbers a write and lets it go, with the hard state.
func (c *Core) issue(write WriteLog) {
	l := &c.lane
	l.issued++
	l.pending = append(l.pending, pendingWrite{last: c.log.Last(), at: c.now})
	write.Seq = l.issued
	if l.hardDirty {
		write.HardState = c.hard
		l.hardDirty = false
	}
	c.emit(write)
}

// flushHardState issues a write for a hard state that no entries go with.
func (c *Core) flushHardState() {
	if c.lane.hardDirty {
		c.write(nil)
	}
}

// clip takes back what was durable, or would be, behind the last entry before what is
// being truncated.
func (l *lane) clip(last wire.Index) {
	l.durable = min(l.durable, last)
	for i := range l.pending {
		l.pending[i].last = min(l.pending[i].last, last)
	}
}

// logSynced takes in that writes are durable, and does what waited for them.
func (c *Core) logSynced(seq Seq) {
	l := &c.lane
	if seq <= l.synced {
		return
	}
	invariant.Check(seq <= l.issued, "core: only writes that were issued end", "seq", seq, "issued", l.issued)
	done := int(seq - l.synced)
	l.durable = l.pending[done-1].last
	l.pending = l.pending[:copy(l.pending, l.pending[done:])]
	l.synced = seq
	c.releaseHeld()
	switch c.role {
	case Follower, PreCandidate:
		c.acknowledge(false)
	case Candidate:
		c.countOwnVote()
	case Leader:
		c.advanceCommit()
	}
}

// send sends a message once the hard state that it speaks of is durable: no term
// and no vote is heard of before (§5.1).
func (c *Core) send(to wire.NodeID, message wire.Message) {
	c.afterHardState(Send{To: to, Message: message})
}

func (c *Core) afterHardState(effect Effect) {
	if c.lane.hardSeq <= c.lane.synced {
		c.emit(effect)
		return
	}
	c.lane.held = append(c.lane.held, heldEffect{after: c.lane.hardSeq, effect: effect})
}

func (c *Core) releaseHeld() {
	held := c.lane.held
	n := 0
	for n < len(held) && held[n].after <= c.lane.synced {
		c.emit(held[n].effect)
		n++
	}
	rest := copy(held, held[n:])
	clear(held[rest:])
	c.lane.held = held[:rest]
}

// dropHeldMessages forgets what was to be said in a term that is over.
func (c *Core) dropHeldMessages() {
	kept := c.lane.held[:0]
	for _, h := range c.lane.held {
		if _, isMessage := h.effect.(Send); !isMessage {
			kept = append(kept, h)
		}
	}
	clear(c.lane.held[len(kept):])
	c.lane.held = kept
}
