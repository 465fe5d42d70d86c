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
	// keep changes a snapshot that is to be durable, or reports false: it is not.
	keep func(l *local, s *wire.SnapshotMeta) bool
}

// step is something happening to one member.
type step struct {
	m *model
	// l is the member, as the step leaves it.
	l *local
	// sends are the messages that it sent.
	sends     []*message
	isRestart bool
	// restoring is the snapshot that it was told to restore last.
	restoring wire.SnapshotMeta
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
	switch event.kind() {
	case crash:
		s.restart(before, before.disk, before.incarnation)
	case crashDamaged:
		disk := before.disk
		disk.drop(disk.snapshots[0].ID)
		s.restart(before, disk, before.incarnation)
	case wipe:
		s.restart(before, image{}, before.incarnation+1)
	default:
		s.l = before.clone()
		s.take(event)
	}
	s.l.settle()
	s.checkStep(before, event)
	return s
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
		s.grantPreVotes()
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
	case changeMembers:
		s.handle(core.ChangeRequested{Target: s.m.bounds.Targets[event.number()].membership()})
	case letGo:
		s.letGo()
	default:
		s.takeAboutSnapshots(event)
	}
}

// takeAboutSnapshots does what the core does not do itself, and tells it.
func (s *step) takeAboutSnapshots(event action) {
	switch event.kind() {
	case want:
		s.l.clock += long
		s.handle(core.DeadlineReached{})
	case takeSnapshot:
		s.takeSnapshot(wire.Index(event.number()))
	case compact:
		through := wire.Index(event.number())
		s.handle(core.CompactRequested{Through: through, Limit: through})
	case publish, receive:
		s.publish(int(event.number()), event.kind() == receive)
	case restored:
		s.handle(s.restored()...)
	case failToRestore:
		s.failToRestore()
	case makeOffer:
		s.makeOffer(wire.NodeID(event.number()))
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
		then = append(then, s.perform(effect)...)
	}
	if len(then) > 0 {
		s.handle(then...)
	}
	for s.m.bounds.InstantDisk && len(s.l.pending) > 0 {
		s.endWrite()
	}
}

// perform does what an effect says, and returns the events that it leads to at once.
func (s *step) perform(effect core.Effect) []core.Event {
	l := s.l
	s.narrate(effect)
	switch e := effect.(type) {
	case core.WriteLog:
		s.write(e)
	case core.Replicate:
		return s.replicate(&e)
	case core.StopReplication:
		for i := range l.streams {
			if e.To == 0 || e.To == wire.NodeID(i+1) {
				l.streams[i] = stream{}
			}
		}
	case core.Send:
		s.send(e.To, e.Message)
	case core.Apply:
		return s.apply(e.Through)
	case core.OfferSnapshot:
		return s.offerSnapshot(e)
	case core.FetchSnapshot:
		s.fetchSnapshot(e.Snapshot)
	case core.DropSnapshot:
		l.disk.drop(e.ID)
	case core.RestoreSnapshot:
		return s.restore(e.Snapshot)
	}
	return nil
}

func (s *step) write(effect core.WriteLog) {
	w := write{seq: effect.Seq, hard: effect.HardState, reset: effect.Reset, compact: effect.Compact}
	for _, e := range effect.Entries {
		w.slots = append(w.slots, s.m.slotOf(e))
	}
	if len(effect.Entries) > 0 {
		w.first = effect.Entries[0].Index
	}
	if w.reset.Index > 0 {
		w.history = s.contentOf(w.reset)
	}
	s.l.records = s.l.records.after(&w)
	s.checkWrite(&w)
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
	l.disk.records = l.disk.records.after(&w)
	s.checkDisk(before)
	s.handle(core.LogSynced{Seq: w.seq})
}

// replicate lets a stream go on, which reads what it sends from the log.
func (s *step) replicate(order *core.Replicate) []core.Event {
	stream := &s.l.streams[order.To-1]
	messages, isLost := stream.follow(order, s)
	for _, message := range messages {
		s.send(order.To, message)
	}
	var then []core.Event
	if stream.cursor != stream.start {
		then = append(then, core.EntriesSent{Peer: order.To, Epoch: stream.epoch, Last: stream.cursor})
	}
	if isLost {
		then = append(then, core.PeerUnreachable{Peer: order.To})
	}
	return then
}

// grantPreVotes answers the request for pre-votes, and takes it back, where members are rash.
func (s *step) grantPreVotes() {
	if !s.m.bounds.Rash || s.l.core.Brief().Role != core.PreCandidate {
		return
	}
	asked := s.sends
	s.sends = nil
	for _, m := range asked {
		if request, ok := m.payload.(*wire.RequestPreVote); ok {
			s.handle(core.MessageArrived{From: m.to, Message: &wire.PreVoteReply{Term: request.Term - 1, Round: request.Round, Granted: true}})
		}
	}
}

func (s *step) send(to wire.NodeID, payload wire.Message) {
	if request, campaigns := payload.(*wire.RequestPreVote); campaigns {
		s.l.round = request.Round
	}
	if reply, ok := payload.(*wire.PreVoteReply); ok && reply.RemovedAt > 0 {
		told := *reply // Who was removed is told for people only: it makes no difference.
		told.RemovedAt = 0
		payload = &told
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
