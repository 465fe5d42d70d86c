// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/peer"
	"github.com/balsa-raft/raft/wire"
)

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
	// transfers, initializes and changes are requests without answer.
	transfers, initializes, changes int
	initialized                     bool
	notices                         []Notice
	// inEffect are the memberships that were in effect during the last step.
	inEffect []wire.Membership

	// restore is the snapshot that the state machine is to be made; restores that fail
	// are told to the core.
	restore *snapshot
	// fetching is the snapshot under way, zero if none.
	fetching wire.SnapshotID
	taking   bool
}

func (n *node) config() Config {
	return Config{
		ID: n.id, ElectionTimeout: testElection, HeartbeatInterval: testHeartbeat, WriteStallTimeout: testStall,
		Seed: n.w.seed<<16 ^ uint64(n.id)<<8 ^ uint64(n.life), ApplyDurable: n.w.faults.applyDurable, Incarnation: n.disk.incarnation,
	}
}

// start begins a life with what the disk holds.
func (n *node) start() {
	found := n.disk.recovery()
	c, err := Recover(n.config(), n.disk.state(), found, n.w.now)
	if err != nil {
		n.w.failf("node %d cannot start: %v", n.id, err)
	}
	n.w.tracef("%d starts in %+v with %d entries", n.id, n.disk.hard, len(n.disk.log))
	n.core, n.log = c, slices.Clone(n.disk.log)
	n.streams = make([]*peer.Stream, 16)
	n.seq, n.commit, n.applied, n.applyTo = 0, 0, found.Applied, found.Applied
	if found.StateLost {
		n.w.counts.lost++
		n.applied, n.applyTo = 0, 0
	}
	if c.Deadline() <= n.w.now && len(c.starting) > 0 {
		n.w.counts.finished++
	}
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
	case ChangeRequested:
		n.changes++
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
	isDue := n.core.Deadline() <= n.w.now
	if isDue {
		events = append(events, n.sentSoFar()...)
		events = append(events, DeadlineReached{})
	}
	n.trace(events, nil)
	before := n.core.Brief()
	n.inEffect = append(n.inEffect[:0], *n.core.membership())
	effects := n.core.Handle(n.w.now, events)
	for _, effect := range effects {
		if e, ok := effect.(UseMembership); ok {
			n.inEffect = append(n.inEffect, e.Membership)
		}
	}
	n.w.history.handled(n.w, n, before, events, effects)
	if before.Role == Leader && n.core.role != Leader && !n.core.membership().IsVoter(n.id) {
		n.w.changes.left++
	}
	n.trace(nil, effects)
	for _, effect := range effects {
		n.perform(effect)
	}
	if isDue && n.core.Deadline() <= n.w.now {
		n.w.failf("node %d: the deadline has been reached and stays", n.id)
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
		for i, s := range n.streams {
			if s != nil && (e.To == 0 || e.To == wire.NodeID(i+1)) {
				s.Stop()
			}
		}
	case OfferSnapshot:
		n.offerSnapshot(e)
	case FetchSnapshot:
		n.fetchSnapshot(e)
	case RestoreSnapshot:
		n.restoreSnapshot(e)
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
		n.w.counts.notices[e.Kind]++
		if n.isAlarming(e) {
			n.w.failf("node %d: among correct members there is %s", n.id, formatEffect(e))
		}
	case AnswerChange:
		n.changes--
		n.w.changes.answered[e.Refusal]++
	}
}

// isAlarming reports whether a notice is one that correct members do not give cause for. Who
// does not even know the members takes them for strangers, as do all those who were removed.
func (n *node) isAlarming(e Notice) bool {
	switch e.Kind {
	case SnapshotRefused, PeerLostLog:
		return true
	case PeerLostDisk:
		return len(n.w.node(e.Peer).disk.lost) == 0
	case MessageDropped:
		return !n.core.membership().IsEmpty() && e.Detail != "reply from who is not a member"
	}
	return false
}

func (n *node) writeLog(e WriteLog) {
	n.w.history.issued(n.w, n, e)
	n.seq = e.Seq
	if e.Reset.Index > 0 {
		n.log = n.disk.coveredBy(e.Reset)
	}
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
	if n.w.faults.cacheMiss > 0 || n.w.faults.snapshots {
		n.w.after(n.w.upTo(n.w.faults.syncDelay), func() { n.load(s) })
	}
}

// load is the goroutine of a stream, which reads what is not in the cache.
func (n *node) load(s *peer.Stream) {
	if slices.Contains(n.streams, s) && s.Step() {
		n.w.after(n.w.upTo(n.w.faults.syncDelay), func() { n.load(s) })
	}
}
