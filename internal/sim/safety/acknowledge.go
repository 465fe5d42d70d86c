// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"github.com/balsa-raft/raft/internal/refine"
	"github.com/balsa-raft/raft/wire"
)

const (
	durableBeforeAck = "I10 durable before acknowledged"
	messageSanity    = "I27 message sanity"
)

// acknowledges is I10 and, for terms, I27: what a message that leaves says about the
// sender's disk is true already. What a durable snapshot covers is not enough as long as
// the log does not begin behind it: the snapshot may be damaged before it does.
func acknowledges(from, to wire.NodeID, d *disk, message wire.Message) *Violation {
	if term, isOwn := refine.TermOf(message); isOwn && term > d.hard.Term {
		return violated(messageSanity, "node %d sends %v of term %d, its disk is in term %d", from, message.Kind(), term, d.hard.Term)
	}
	switch m := message.(type) {
	case *wire.AppendReply:
		if !m.Rejected && m.Match > d.last() {
			return violated(durableBeforeAck, "node %d acknowledges entries up to %d, its disk has %d", from, m.Match, d.last())
		}
	case *wire.HeartbeatReply:
		if m.Match > d.last() {
			return violated(durableBeforeAck, "node %d acknowledges entries up to %d with a heartbeat, its disk has %d", from, m.Match, d.last())
		}
	case *wire.VoteReply:
		if m.Granted && d.hard != (wire.HardState{Term: m.Term, Vote: to}) {
			return violated(durableBeforeAck, "node %d votes for %d in term %d, its disk says %+v", from, to, m.Term, d.hard)
		}
	case *wire.RequestVote:
		if d.hard != (wire.HardState{Term: m.Term, Vote: from}) {
			return violated(durableBeforeAck, "node %d runs in term %d, its disk says %+v", from, m.Term, d.hard)
		}
	}
	return nil
}

// matches is the other half of I10: what is acknowledged to a leader is the leader's own
// entry, and what a leader says to be committed there, the receiver holds.
func matches(from, to wire.NodeID, sender, receiver *disk, leads bool, message wire.Message) *Violation {
	switch m := message.(type) {
	case *wire.AppendReply:
		if leads && !m.Rejected && m.Match <= receiver.last() && receiver.hard.Term == m.Term && sender.at(m.Match) != receiver.at(m.Match) {
			return violated(durableBeforeAck, "node %d acknowledges entry %d, which is not what leader %d holds there", from, m.Match, to)
		}
	case *wire.Heartbeat:
		if m.Commit > receiver.last() && !receiver.emptied {
			return violated(messageSanity, "leader %d tells node %d that %d is committed, its disk has %d", from, to, m.Commit, receiver.last())
		}
	}
	return nil
}

// speaksAsLeader reports whether only the leader of its term sends a message.
func speaksAsLeader(message wire.Message) bool {
	switch message.(type) {
	case *wire.AppendEntries, *wire.Heartbeat, *wire.TimeoutNow, *wire.SnapshotOffer:
		return true
	}
	return false
}
