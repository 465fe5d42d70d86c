// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// Instant is a point on the node's monotonic clock, in nanoseconds.
type Instant int64

// State says how the leader replicates to a peer.
type State uint8

const (
	// Probe: the leader looks for the place where the logs agree, one message at a
	// time; an unanswered one is repeated when a heartbeat has been answered.
	Probe State = iota
	// Replicate: the logs agree up to what was sent; messages follow each other
	// without waiting for replies.
	Replicate
	// Snapshot: the peer needs entries that the leader's log no longer has, and is to fetch a
	// snapshot instead. Nothing is replicated to it meanwhile.
	Snapshot
)

// String names the state.
func (s State) String() string {
	return [...]string{"probe", "replicate", "snapshot"}[s]
}

// Progress is what a leader knows about one peer, in one leadership term.
type Progress struct {
	ID    wire.NodeID
	State State
	// Match is the last entry that the peer is known to hold durably, and to have
	// in common with the leader. It never falls, but for Restart.
	Match wire.Index
	// Next is the first entry of the current epoch's stream: its first message
	// names the entry before as Prev. Invariant: Match < Next.
	Next wire.Index
	// Epoch counts the streams begun towards this peer in this term; replies to an
	// older one are dropped.
	Epoch wire.Epoch
	// Sent is the last entry that the stream has sent in this epoch, zero if none.
	// It is a lower bound: the stream reports it a little later.
	Sent wire.Index
	// Contact is when the peer last answered in this term.
	Contact Instant
	// Pin is, in state Snapshot, the last entry of the snapshot that it was offered, or of an
	// older one: from there on it will need entries.
	Pin wire.Index

	mark mark
}

// mark remembers what had been sent in an epoch when a heartbeat round began, so that
// its reply, which comes after the replies to that, tells what was lost.
type mark struct {
	round wire.Round
	epoch wire.Epoch
	sent  wire.Index
}

// New returns the progress of a peer about which a new leader, whose log ends at
// last, knows nothing.
func New(id wire.NodeID, last wire.Index, now Instant) *Progress {
	return &Progress{ID: id, Next: last + 1, Epoch: 1, Contact: now}
}

// BecomeProbe begins a new stream, with one message that names next-1 as Prev.
func (p *Progress) BecomeProbe(next wire.Index) {
	p.State = Probe
	p.Next = max(next, p.Match+1)
	p.Epoch++
	p.Sent = 0
	p.mark = mark{}
}

// Restart forgets what the peer had: its disk is another one. It begins a new stream, behind
// last, the end of the leader's log.
func (p *Progress) Restart(last wire.Index) {
	p.Match, p.Pin = 0, 0
	p.BecomeProbe(last + 1)
}

// BecomeSnapshot begins to wait for the peer to fetch a snapshot; pin is the last entry of
// the oldest one that it may be offered. Its acknowledgement ends it.
func (p *Progress) BecomeSnapshot(pin wire.Index) {
	p.State = Snapshot
	p.Pin = pin
	p.Epoch++
	p.Sent = 0
	p.mark = mark{}
}

// Repeat begins a new stream because something of the current one was lost: a probe is
// asked again where it was, or it would lose the place that it has found so far.
func (p *Progress) Repeat() {
	if p.State == Probe {
		p.BecomeProbe(p.Next)
		return
	}
	p.BecomeProbe(p.Match + 1)
}

// Acknowledge takes over an acknowledgement of the current epoch. It reports
// whether Match moved.
func (p *Progress) Acknowledge(match wire.Index) bool {
	p.State = Replicate
	moved := p.raise(match)
	if p.Next <= p.Match {
		p.Next = p.Match + 1
	}
	return moved
}

// raise is the only place that moves Match.
func (p *Progress) raise(match wire.Index) bool {
	if match <= p.Match {
		return false
	}
	p.Match = match
	return true
}

// ReportSent takes over how far the stream has come.
func (p *Progress) ReportSent(epoch wire.Epoch, last wire.Index) {
	if epoch == p.Epoch && last > p.Sent {
		p.Sent = last
	}
}

// HeartbeatSent notes that a heartbeat of a round leaves, after all that was sent. A
// peer that has restarted, or had given up on the leader, does not even know that what
// it had acknowledged is the leader's log, and so must not commit it: that counts as
// lost, too, and a probe tells it again.
func (p *Progress) HeartbeatSent(round wire.Round) {
	if p.mark.round == 0 || p.mark.epoch != p.Epoch {
		p.mark = mark{round: round, epoch: p.Epoch, sent: max(p.Sent, p.Match)}
	}
}

// HeartbeatAnswered looks at the answer to a heartbeat, in which the peer says how
// far it has taken over the leader's log, and reports whether something that was
// sent before must have been lost, so that the leader has to probe.
func (p *Progress) HeartbeatAnswered(round wire.Round, accepted wire.Index) (lost bool) {
	if p.mark.round == 0 || round < p.mark.round || p.mark.epoch != p.Epoch {
		return false
	}
	sent := p.mark.sent
	p.mark = mark{}
	return p.State == Probe || accepted < sent
}

// Check verifies the invariants; last is the end of the leader's log.
func (p *Progress) Check(last wire.Index) {
	invariant.Check(p.Match < p.Next, "progress: match is before next", "peer", p.ID, "match", p.Match, "next", p.Next)
	invariant.Check(p.Match <= last, "progress: match is in the leader's log", "peer", p.ID, "match", p.Match, "last", last)
	invariant.Check(p.Next <= last+1, "progress: next is at most one beyond the log", "peer", p.ID, "next", p.Next, "last", last)
}
