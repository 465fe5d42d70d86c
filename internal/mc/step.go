// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// The durations are so far apart that those that are shorter never add up to one that is
// longer; see doc.go.
const (
	heartbeatInterval core.Instant = 1 << 20
	electionTimeout   core.Instant = 1 << 40
	stallTimeout      core.Instant = 1 << 60
	// long is more than any election time-out.
	long = 2 * electionTimeout
)

// tamper plants bugs, for tests: what is nil is not tampered with.
type tamper struct {
	// handle stands in for the core's Handle.
	handle func(l *local, events []core.Event) []core.Effect
	// save says what a write leaves on the disk.
	save func(w write) write
}

// step is something happening to one member.
type step struct {
	m *model
	// l is the member, as the step leaves it.
	l *local
	// sends are the messages that it sent.
	sends     []*message
	isRestart bool
	// broken is the first invariant that the step violates by itself.
	broken *finding
	// say is told what happens, unless nil.
	say func(format string, args ...any)
}

// run does what an event leads to on a clone of a member.
func (m *model) run(before *local, event action, say func(string, ...any)) (s *step) {
	s = &step{m: m, say: say}
	defer func() {
		if problem := recover(); problem != nil {
			s.fail(CoreChecks, "%v", problem)
		}
	}()
	if event.kind() == crash {
		s.isRestart = true
		s.l = m.boot(before.id, before.disk)
	} else {
		s.l = before.clone()
		s.take(event)
	}
	s.l.settle()
	s.checkStep(before)
	return s
}

// boot starts a member on its disk.
func (m *model) boot(id wire.NodeID, disk image) *local {
	state := wire.LogState{HardState: disk.hard, Last: wire.Index(len(disk.log))}
	for i, s := range disk.log {
		if i == 0 || disk.log[i-1].term != s.term {
			state.Terms = append(state.Terms, wire.TermStart{Term: s.term, First: wire.Index(i + 1)})
		}
		if s.kind == wire.EntryMembership {
			state.Memberships = append(state.Memberships, m.entry(disk.log, wire.Index(i+1)))
		}
	}
	cfg := core.Config{
		ID: id, ElectionTimeout: electionTimeout, HeartbeatInterval: heartbeatInterval, WriteStallTimeout: stallTimeout, Seed: uint64(id),
	}
	c, err := core.New(cfg, state, 0)
	invariant.Check(err == nil, "mc: a disk can be read", "error", err)
	return &local{id: id, core: c, disk: disk, log: disk.log, streams: make([]stream, m.bounds.Nodes)}
}

// take hands an event to the core, when its time has come.
func (s *step) take(event action) {
	l := s.l
	switch event.kind() {
	case deliverLate:
		l.clock += long
		fallthrough
	case deliver:
		message := s.m.messages.at(event.number())
		s.handle(core.MessageArrived{From: message.from, Message: message.payload})
	case timeout, stepDown:
		l.clock += long
		s.handle(core.DeadlineReached{})
	case heartbeat:
		l.clock += heartbeatInterval
		s.handle(core.DeadlineReached{})
	case tellNews:
		l.clock = l.core.Deadline()
		s.handle(core.DeadlineReached{})
	case propose:
		s.handle(core.ProposalsArrived{Entries: []wire.Entry{{Kind: wire.EntryCommand, Data: []byte{byte(event.number())}}}})
	case endWrite:
		s.endWrite()
	case unreachable:
		s.handle(core.PeerUnreachable{Peer: wire.NodeID(event.number())})
	default:
		invariant.Unreachable("mc: an event that is none", "kind", event.kind())
	}
}

// handle lets the core handle events, performs the effects, and tells the core what came
// of those that are done at once.
func (s *step) handle(events ...core.Event) {
	var effects []core.Effect
	if h := s.m.tamper.handle; h != nil {
		effects = h(s.l, events)
	} else {
		effects = s.l.core.Handle(s.l.clock, events)
	}
	var then []core.Event
	for _, effect := range effects {
		if event := s.perform(effect); event != nil {
			then = append(then, event)
		}
	}
	if len(then) > 0 {
		s.handle(then...)
	}
	for s.m.bounds.InstantDisk && len(s.l.pending) > 0 {
		s.endWrite()
	}
}

// perform does what an effect says, and returns the event that it leads to at once.
func (s *step) perform(effect core.Effect) core.Event {
	l := s.l
	s.narrate(effect)
	switch e := effect.(type) {
	case core.WriteLog:
		s.write(e)
	case core.Replicate:
		return s.replicate(&e)
	case core.StopReplication:
		l.streams = make([]stream, len(l.streams))
	case core.Send:
		s.send(e.To, e.Message)
	case core.Apply:
		l.applied = max(l.applied, e.Through)
		return core.EntriesApplied{Through: min(e.Through, l.core.Brief().Commit)}
	}
	return nil
}

func (s *step) write(effect core.WriteLog) {
	w := write{seq: effect.Seq, hard: effect.HardState}
	for _, e := range effect.Entries {
		entry := slot{term: e.Term, kind: e.Kind}
		if e.Kind == wire.EntryCommand {
			entry.value = e.Data[0]
		}
		w.slots = append(w.slots, entry)
	}
	if len(effect.Entries) > 0 {
		w.first = effect.Entries[0].Index
		s.l.log = replace(s.l.log, w.first, w.slots)
	}
	if s.m.tamper.save != nil {
		w = s.m.tamper.save(w)
	}
	s.l.pending = append(slices.Clip(s.l.pending), w)
}

// endWrite makes the oldest write durable and tells the core.
func (s *step) endWrite() {
	l := s.l
	w := l.pending[0]
	l.pending = l.pending[1:]
	before := l.disk
	if !w.hard.IsZero() {
		l.disk.hard = w.hard
	}
	if w.first > 0 {
		l.disk.log = replace(l.disk.log, w.first, w.slots)
	}
	s.checkDisk(before)
	s.handle(core.LogSynced{Seq: w.seq})
}

func (s *step) replicate(order *core.Replicate) core.Event {
	l := s.l
	stream := &l.streams[order.To-1]
	for _, message := range stream.follow(order, s.entries, s.id, s.m.bounds.EntriesPerMessage) {
		s.send(order.To, message)
	}
	if stream.cursor == stream.start {
		return nil
	}
	return core.EntriesSent{Peer: order.To, Epoch: stream.epoch, Last: stream.cursor}
}

func (s *step) id(index wire.Index) wire.LogID { return idAt(s.l.log, index) }

func (s *step) entries(lo, hi wire.Index) []wire.Entry {
	var entries []wire.Entry
	for i := lo; i <= hi; i++ {
		entries = append(entries, s.m.entry(s.l.log, i))
	}
	return entries
}

// entry makes the entry of a slot.
func (m *model) entry(log []slot, index wire.Index) wire.Entry {
	s := log[index-1]
	entry := wire.Entry{Index: index, Term: s.term, Kind: s.kind}
	switch s.kind {
	case wire.EntryCommand:
		entry.Data = []byte{s.value}
	case wire.EntryMembership:
		entry.Data = m.membership
	}
	return entry
}

func (s *step) send(to wire.NodeID, payload wire.Message) {
	if request, campaigns := payload.(*wire.RequestPreVote); campaigns {
		s.l.round = request.Round
	}
	message := newMessage(s.l.id, to, payload)
	s.sends = append(s.sends, message)
	if s.say != nil {
		s.say("%v", message)
	}
	s.checkSend(message)
}

func (s *step) narrate(effect core.Effect) {
	if s.say == nil {
		return
	}
	switch e := effect.(type) {
	case core.Send, core.Replicate, core.StopReplication, core.UseMembership:
	case core.RoleChanged:
		s.say("node %d is %v of term %d, leader %d", s.l.id, e.Role, e.Term, e.Leader)
	default:
		s.say("node %d: %s", s.l.id, render(e))
	}
}

func (s *step) fail(broken Invariant, format string, args ...any) {
	if s.broken == nil && s.m.watches(broken) {
		s.broken = &finding{broken, fmt.Sprintf(format, args...)}
	}
}
