// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"math"

	"github.com/balsa-raft/raft/wire"
)

// remoteRequest is the leader's side of a ForwardProposals: whom to answer.
type remoteRequest struct {
	group   *Group
	from    NodeID
	term    Term
	session uint64
	id      uint64
}

// remoteBytesFactor bounds what a leader takes from other members, in multiples of
// its own PendingBytesMax: each of them bounds what it passes on.
const remoteBytesFactor = 8

// replyBytes is about how large one ForwardReply gets before the next one begins.
const replyBytes = 1 << 20

// forwarded takes in commands that were proposed on another member. They are proposed
// in the term that the sender knew this member to lead, or surely not at all, and no
// message is taken twice.
func (g *Group) forwarded(from NodeID, m *wire.ForwardProposals) {
	if len(m.Commands) == 0 || !g.sessions.isNew(from, m.Session, m.ID) {
		return
	}
	r := &request{commands: m.Commands, results: make([]Result, 0, len(m.Commands))}
	for _, command := range m.Commands {
		r.bytes += commandBytes(command)
	}
	r.remote = &remoteRequest{group: g, from: from, term: m.Term, session: m.Session, id: m.ID}
	busy := g.remoteBytes.Add(int64(r.bytes)) > int64(remoteBytesFactor*g.cfg.PendingBytesMax)
	switch {
	case m.Term <= g.sessions.forgotten:
		// This member may have led in that term, proposed it and forgotten that: the
		// network can repeat what was taken long ago.
		g.finish(r, r.unknown(errForgotten))
		return
	case busy:
		g.finish(r, ErrTooBusy)
		return
	}
	g.backlog = append(g.backlog, r)
}

// reply sends the outcome of each command, in as many messages as their size wants.
func (rr *remoteRequest) reply(r *request) {
	rr.group.remoteBytes.Add(-int64(r.bytes))
	message := &wire.ForwardReply{Session: rr.session, ID: rr.id}
	size := 0
	for i := range r.commands {
		result := forwardResult(r, i)
		message.Results = append(message.Results, result)
		size += len(result.Value)
		if size >= replyBytes {
			rr.group.node.send(rr.from, rr.group.cfg.ID, message)
			message, size = &wire.ForwardReply{Session: rr.session, ID: rr.id, First: uint32(i + 1)}, 0
		}
	}
	if len(message.Results) > 0 {
		rr.group.node.send(rr.from, rr.group.cfg.ID, message)
	}
}

// forwardResult returns the outcome of the command at place i of a finished request.
func forwardResult(r *request, i int) wire.ForwardResult {
	if i < len(r.results) {
		return wire.ForwardResult{Outcome: wire.OutcomeApplied, LogID: r.results[i].LogID, Value: r.results[i].Value}
	}
	id := r.logID()
	if id.Term != 0 {
		id.Index += Index(i)
	}
	switch {
	case errors.Is(r.err, ErrTooBusy):
		return wire.ForwardResult{Outcome: wire.OutcomeTooBusy}
	case errors.Is(r.err, ErrNotApplied), errors.Is(r.err, ErrStopped):
		return wire.ForwardResult{Outcome: wire.OutcomeNotApplied}
	}
	return wire.ForwardResult{Outcome: wire.OutcomeUnknown, LogID: id}
}

// sessions remember which forwarded messages a leader has seen, so that a network that
// repeats messages doesn't make it propose anything twice. A message is good for
// one term of leadership only, so they begin anew with each.
type sessions struct {
	term Term
	// forgotten is the last term before in which this member may have led, in this life
	// or an earlier one.
	forgotten Term
	recent    []session // latest heard of last
}

// sessionsMax bounds the sessions remembered; a member begins one each time it starts.
const sessionsMax = 64

// sessionWindow is how far behind the latest message of a session another may come.
const sessionWindow = 1024

type session struct {
	from NodeID
	id   uint64
	last uint64
	seen [sessionWindow / 64]uint64 // by number modulo sessionWindow
}

func (s *sessions) begin(term Term) {
	*s = sessions{term: term, forgotten: max(s.forgotten, s.term)}
}

// isNew reports whether a message was not seen before, and remembers it. One that is
// too old to tell is not new.
func (s *sessions) isNew(from NodeID, id, number uint64) bool {
	for i := range s.recent {
		if s.recent[i].from == from && s.recent[i].id == id {
			latest := s.recent[i]
			s.recent = append(append(s.recent[:i], s.recent[i+1:]...), latest)
			return s.recent[len(s.recent)-1].isNew(number)
		}
	}
	if len(s.recent) == sessionsMax {
		s.recent = append(s.recent[:0], s.recent[1:]...)
	}
	s.recent = append(s.recent, session{from: from, id: id})
	return s.recent[len(s.recent)-1].isNew(number)
}

func (s *session) isNew(number uint64) bool {
	if number == 0 || number >= math.MaxUint64-sessionWindow || number+sessionWindow <= s.last {
		return false
	}
	for n := max(s.last, number-min(number, sessionWindow)) + 1; n <= number; n++ {
		s.seen[n%sessionWindow/64] &^= 1 << (n % 64)
	}
	s.last = max(s.last, number)
	word, bit := number%sessionWindow/64, uint64(1)<<(number%64)
	isNew := s.seen[word]&bit == 0
	s.seen[word] |= bit
	return isNew
}
