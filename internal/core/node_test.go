// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/peer"
	"github.com/balsa-raft/raft/wire"
)

// slot is an entry with a hash of it and of everything before it: two logs with the
// same chain at an index are equal up to there.
type slot struct {
	wire.Entry
	chain uint64
}

// disk is what survives a crash, and the writes that do not yet.
type disk struct {
	hard    wire.HardState
	log     []slot
	queue   []WriteLog
	syncing bool
}

// diskOf returns a disk with a log of commands of the given terms, the first of which
// is the membership, and a hard state of that term or the last entry's.
func diskOf(m wire.Membership, term wire.Term, terms ...wire.Term) disk {
	d := disk{hard: wire.HardState{Term: term}}
	for i, t := range terms {
		e := wire.Entry{Index: wire.Index(i + 1), Term: t, Kind: wire.EntryCommand, Data: []byte{byte(t), byte(i)}}
		if i == 0 {
			e.Kind, e.Data = wire.EntryMembership, wire.AppendMembership(nil, &m)
		}
		d.log = extend(d.log, e)
		d.hard.Term = max(d.hard.Term, t)
	}
	return d
}

// state is what a log store would say of the disk.
func (d *disk) state() wire.LogState {
	state := wire.LogState{HardState: d.hard, Last: wire.Index(len(d.log))}
	for _, s := range d.log {
		if n := len(state.Terms); n == 0 || state.Terms[n-1].Term != s.Term {
			state.Terms = append(state.Terms, wire.TermStart{Term: s.Term, First: s.Index})
		}
		if s.Kind == wire.EntryMembership {
			state.Memberships = append(state.Memberships, s.Entry)
		}
	}
	return state
}

// write makes one write durable.
func (d *disk) write(write WriteLog) {
	if !write.HardState.IsZero() {
		d.hard = write.HardState
	}
	if len(write.Entries) > 0 {
		d.log = extend(cutFrom(d.log, write.Entries[0].Index), write.Entries...)
	}
}

// cutFrom drops the entries from first on. What is appended then goes elsewhere: the
// array may be shared with an earlier state of the log.
func cutFrom(log []slot, first wire.Index) []slot {
	if int(first) > len(log) {
		return log
	}
	return slices.Clip(log[:first-1])
}

// extend appends entries and their chain.
func extend(log []slot, entries ...wire.Entry) []slot {
	for _, e := range entries {
		chain := uint64(0)
		if len(log) > 0 {
			chain = log[len(log)-1].chain
		}
		log = append(log, slot{Entry: e, chain: chainOf(chain, e)})
	}
	return log
}

// chainOf is FNV-1a over the previous hash and the entry.
func chainOf(chain uint64, e wire.Entry) uint64 {
	hash := uint64(0xcbf29ce484222325)
	mix := func(v uint64) {
		hash = (hash ^ v) * 0x100000001b3
		hash ^= hash >> 29
	}
	mix(chain)
	mix(uint64(e.Index))
	mix(uint64(e.Term))
	mix(uint64(e.Kind))
	for _, b := range e.Data {
		mix(uint64(b))
	}
	return hash
}

// node is a member in a world: a core, a disk, streams and an applier.
type node struct {
	w    *world
	id   wire.NodeID
	life int   // counts starts; what was planned in an earlier life does not happen
	core *Core // nil while down
	disk disk
	log  []slot // in memory; the array is shared with nobody who would overwrite it
	seq  Seq

	inbox       []Event
	turnPlanned bool
	pausedUntil Instant
	streams     []*peer.Stream // to the peer with ID i at place i-1, nil if none
	applied     wire.Index     // by the state machine, which starts empty
	applyTo     wire.Index
	applying    bool
	commit      wire.Index // as of the last step
	// transfers and initializes are requests without answer.
	transfers, initializes int
	initialized            bool
	notices                []Notice
}

func (n *node) config() Config {
	return Config{
		ID: n.id, ElectionTimeout: testElection, HeartbeatInterval: testHeartbeat, WriteStallTimeout: testStall,
		Seed: n.w.seed<<16 ^ uint64(n.id)<<8 ^ uint64(n.life),
	}
}

// start begins a life with what the disk holds.
func (n *node) start() {
	c, err := New(n.config(), n.disk.state(), n.w.now)
	if err != nil {
		n.w.failf("node %d cannot start: %v", n.id, err)
	}
	n.w.tracef("%d starts in %+v with %d entries", n.id, n.disk.hard, len(n.disk.log))
	n.core, n.log = c, slices.Clone(n.disk.log)
	n.streams = make([]*peer.Stream, 16)
	n.seq, n.commit, n.applied, n.applyTo = 0, 0, 0, 0
}

// crash ends a life. Of the writes under way some, from the oldest, are on disk all
// the same.
func (n *node) crash() {
	n.crashKeeping(int(n.w.random.below(Instant(len(n.disk.queue) + 1))))
}

func (n *node) crashKeeping(writes int) {
	if n.core == nil {
		return
	}
	n.w.tracef("%d crashes; %d of %d writes are kept", n.id, writes, len(n.disk.queue))
	for _, write := range n.disk.queue[:writes] {
		n.w.history.written(n.w, n, write)
	}
	for _, s := range n.streams {
		if s != nil {
			s.Stop()
		}
	}
	w, id, life, disk := n.w, n.id, n.life, n.disk
	disk.queue, disk.syncing = nil, false
	*n = node{w: w, id: id, life: life + 1, disk: disk, initialized: n.initialized}
}

func (n *node) restart() {
	if n.core == nil {
		n.start()
	}
}

func (n *node) chain(index int) uint64 { return chainAt(n.log, index) }

func chainAt(log []slot, index int) uint64 {
	if index == 0 || index > len(log) {
		return 0
	}
	return log[index-1].chain
}

func (n *node) entries(dst []wire.Entry, lo, hi wire.Index, bytesMax int) []wire.Entry {
	size := 0
	for i := lo; i <= hi && (i == lo || size < bytesMax); i++ {
		dst = append(dst, n.log[i-1].Entry)
		size += n.log[i-1].Size()
	}
	return dst
}

func (n *node) deadline() Instant {
	if n.core == nil {
		return Never
	}
	return max(n.core.Deadline(), n.pausedUntil)
}

// take puts an event into the inbox; a turn is planned to handle it.
func (n *node) take(event Event) {
	if n.core == nil {
		return
	}
	switch event.(type) {
	case TransferRequested:
		n.transfers++
	case InitializeRequested:
		n.initializes++
	}
	n.inbox = append(n.inbox, event)
	if n.turnPlanned {
		return
	}
	n.turnPlanned = true
	life := n.life
	delay := max(n.w.upTo(n.w.faults.turnDelay), n.pausedUntil-n.w.now)
	n.w.after(delay, func() {
		if n.life == life && n.core != nil && n.turnPlanned {
			n.turn()
		}
	})
}

// takeIn is take for an event that belongs to a life.
func (n *node) takeIn(life int, event Event) {
	if n.life == life {
		n.take(event)
	}
}

// turn handles what is in the inbox as one batch, as the loop does.
func (n *node) turn() {
	events := n.inbox
	n.inbox, n.turnPlanned = nil, false
	if n.core.Deadline() <= n.w.now {
		events = append(events, n.sentSoFar()...)
		events = append(events, DeadlineReached{})
	}
	n.trace(events, nil)
	before := n.core.Brief()
	effects := n.core.Handle(n.w.now, events)
	n.w.history.handled(n.w, n, before, events, effects)
	n.trace(nil, effects)
	for _, effect := range effects {
		n.perform(effect)
	}
	n.w.history.performed(n.w, n)
}

func (n *node) trace(events []Event, effects []Effect) {
	if !n.w.verbose {
		return
	}
	for _, e := range events {
		n.w.tracef("%d <- %s", n.id, formatEvent(e))
	}
	for _, e := range effects {
		n.w.tracef("%d    %s", n.id, formatEffect(e))
	}
}

// sentSoFar is what the streams say of themselves.
func (n *node) sentSoFar() []Event {
	var events []Event
	for i, s := range n.streams {
		if s != nil {
			epoch, last := s.Sent()
			events = append(events, EntriesSent{Peer: wire.NodeID(i + 1), Epoch: epoch, Last: last})
		}
	}
	return events
}

func (n *node) perform(effect Effect) {
	switch e := effect.(type) {
	case WriteLog:
		n.writeLog(e)
	case Replicate:
		n.replicate(e)
	case StopReplication:
		for _, s := range n.streams {
			if s != nil {
				s.Stop()
			}
		}
	case Send:
		n.w.history.sent(n.w, n, e.To, e.Message)
		n.w.send(n.id, e.To, e.Message)
	case Apply:
		n.apply(e.Through)
	case RoleChanged:
		n.w.history.role(n.w, n, e)
	case AcceptProposals:
		n.w.history.accepted(n.w, n, e)
	case TransferEnded:
		n.transfers--
	case AnswerInitialize:
		n.initializes--
		n.initialized = true
		n.w.history.initialized(n.w, n, e)
	case Notice:
		n.notices = append(n.notices, e)
	}
}

func (n *node) writeLog(e WriteLog) {
	n.w.history.issued(n.w, n, e)
	n.seq = e.Seq
	if len(e.Entries) > 0 {
		n.log = extend(cutFrom(n.log, e.Entries[0].Index), e.Entries...)
		for _, s := range n.log[e.Entries[0].Index-1:] {
			n.w.history.created(n.w, s)
		}
	}
	n.disk.queue = append(n.disk.queue, e)
	n.sync()
}

// sync makes durable, after a while, all that is queued now.
func (n *node) sync() {
	if n.disk.syncing || len(n.disk.queue) == 0 {
		return
	}
	n.disk.syncing = true
	life, writes := n.life, len(n.disk.queue)
	delay := n.w.upTo(n.w.faults.syncDelay)
	if n.w.chance(n.w.faults.stall) {
		delay += n.w.upTo(4 * testStall)
		n.w.calmAt = max(n.w.calmAt, n.w.now+delay)
	}
	n.w.after(delay, func() {
		if n.life == life && n.core != nil {
			n.synced(writes)
		}
	})
}

func (n *node) synced(writes int) {
	for _, write := range n.disk.queue[:writes] {
		n.w.history.written(n.w, n, write)
	}
	seq := n.disk.queue[writes-1].Seq
	n.disk.queue, n.disk.syncing = n.disk.queue[writes:], false
	n.take(LogSynced{Seq: seq})
	n.sync()
}

func (n *node) replicate(e Replicate) {
	s := n.streams[e.To-1]
	if s == nil {
		s = peer.New(n.w.streamConfig(n, e.To))
		n.streams[e.To-1] = s
	}
	s.Follow(peer.Order{
		Term: e.Term, Epoch: e.Epoch, Prev: e.Prev, Probe: e.Probe, News: e.News, Last: e.Last, Commit: e.Commit,
		Match: e.Match, MatchTerm: e.MatchTerm,
	})
	if n.w.faults.cacheMiss > 0 {
		n.w.after(n.w.upTo(n.w.faults.syncDelay), func() { n.load(s) })
	}
}

// load is the goroutine of a stream, which reads what is not in the cache.
func (n *node) load(s *peer.Stream) {
	if slices.Contains(n.streams, s) && s.Step() {
		n.w.after(n.w.upTo(n.w.faults.syncDelay), func() { n.load(s) })
	}
}

// apply is the applier: it applies after a while, in parts.
func (n *node) apply(through wire.Index) {
	n.applyTo = max(n.applyTo, through)
	if n.applying || n.applyTo == n.applied {
		return
	}
	n.applying = true
	life := n.life
	n.w.after(n.w.upTo(n.w.faults.applyDelay), func() {
		if n.life != life || n.core == nil {
			return
		}
		n.applying = false
		part := 1 + wire.Index(n.w.random.below(Instant(n.applyTo-n.applied)))
		for range part {
			n.w.history.applied(n.w, n, n.log[n.applied])
			n.applied++
		}
		n.take(EntriesApplied{Through: n.applied})
		n.apply(0)
	})
}
