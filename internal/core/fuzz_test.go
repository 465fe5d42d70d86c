// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/logindex"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// tape turns the bytes of the fuzzer into choices. It is zeros when it is used up.
type tape struct {
	left []byte
	// near is the member whose terms, indexes and epochs numbers are close to, so that
	// much of what is forged is believed.
	near *Core
}

func (p *tape) next() byte {
	if len(p.left) == 0 {
		return 0
	}
	b := p.left[0]
	p.left = p.left[1:]
	return b
}

// number is one of those close to the values given, or sometimes absurd.
func (p *tape) number(values ...uint64) uint64 {
	b := p.next()
	if b >= 250 {
		return []uint64{1<<64 - 1, 1<<64 - 2, 0, termMax, termMax + 1, 1 << 32}[b-250]
	}
	return values[int(b/8)%len(values)] + []uint64{0, 0, 0, 0, 1, 1, 2, 1<<64 - 1}[b%8]
}

func (p *tape) term() wire.Term { return wire.Term(p.number(uint64(p.near.Term()))) }

func (p *tape) index() wire.Index {
	return wire.Index(p.number(uint64(p.near.log.Last()), uint64(p.near.commit), uint64(p.near.follower.accepted), 0))
}

func (p *tape) epoch() wire.Epoch {
	epochs := []uint64{1}
	p.near.VisitPeers(func(progress *progress.Progress) { epochs = append(epochs, uint64(progress.Epoch)) })
	return wire.Epoch(p.number(epochs...))
}

func (p *tape) round() wire.Round {
	if p.near.leader != nil {
		return wire.Round(p.number(uint64(p.near.leader.round)))
	}
	return wire.Round(p.number(uint64(p.near.follower.round)))
}

// logID is mostly one in the log.
func (p *tape) logID() wire.LogID {
	i := p.index()
	if term, held := p.near.log.Term(i); held && p.next() < 200 {
		return wire.LogID{Term: term, Index: i}
	}
	return wire.LogID{Term: p.term(), Index: i}
}

func (p *tape) bool() bool { return p.next()&1 == 1 }

// incarnation is mostly the usual one.
func (p *tape) incarnation() wire.Incarnation {
	if b := p.next(); b < 60 {
		return wire.Incarnation(b % 4)
	}
	return anonymous
}

// entries are in order, or nearly.
func (p *tape) entries(prev wire.LogID) []wire.Entry {
	entries, term := make([]wire.Entry, p.next()%4), max(prev.Term, p.term())
	for i := range entries {
		e := &entries[i]
		*e = wire.Entry{Index: prev.Index + 1 + wire.Index(i), Term: term, Kind: wire.EntryCommand}
		switch p.next() % 16 {
		case 0:
			e.Index = p.index()
		case 1, 2, 3, 4:
			e.Term = p.term()
		case 5:
			m := p.membership()
			e.Kind, e.Data = wire.EntryMembership, wire.AppendMembership(nil, &m)
		case 6:
			e.Kind = wire.EntryMembership
		}
	}
	return entries
}

// membership is any of voters, outgoing voters and learners among five nodes.
func (p *tape) membership() wire.Membership {
	var m wire.Membership
	for id := wire.NodeID(1); id <= 5; id++ {
		part := p.next() * 37
		if part&1 != 0 || id == 1 {
			m.Voters = append(m.Voters, id)
		}
		if part&6 == 6 {
			m.Outgoing = append(m.Outgoing, id)
		}
		if part&9 == 8 && part&6 != 6 && id != 1 {
			m.Learners = append(m.Learners, id)
		}
		if m.Contains(id) {
			m.Members = append(m.Members, wire.Member{ID: id})
		}
	}
	return m
}

// snapshot is any that somebody may claim to have.
func (p *tape) snapshot() wire.SnapshotMeta {
	s := wire.SnapshotMeta{ID: wire.SnapshotID(1 + p.next()%4), Last: p.logID(), Membership: p.membership()}
	s.MembershipAt = min(wire.Index(p.next()%8), s.Last.Index)
	return s
}

// message is any that can be decoded.
func (p *tape) message() wire.Message {
	switch p.next() % 12 {
	case 9:
		return &wire.SnapshotOffer{Term: p.term(), Epoch: p.epoch(), Snapshot: p.snapshot()}
	case 10:
		return &wire.SnapshotWanted{Term: p.term(), AtLeast: p.index()}
	case 0:
		m := &wire.AppendEntries{Term: p.term(), Epoch: p.epoch(), Prev: p.logID(), Commit: p.index()}
		m.Entries = p.entries(m.Prev)
		return m
	case 1:
		return &wire.AppendReply{Term: p.term(), Epoch: p.epoch(), Match: p.index(), Rejected: p.bool(), Conflict: p.logID(), Incarnation: p.incarnation()}
	case 2:
		return &wire.Heartbeat{Term: p.term(), Round: p.round(), Commit: p.index()}
	case 3:
		return &wire.HeartbeatReply{Term: p.term(), Round: p.round(), Epoch: p.epoch(), Match: p.index(), Accepted: p.index(), Incarnation: p.incarnation()}
	case 4:
		return &wire.RequestPreVote{Term: p.term(), Round: p.round(), Last: p.logID(), Incarnation: p.incarnation()}
	case 5:
		return &wire.PreVoteReply{Term: p.term(), Round: p.round(), Granted: p.bool(), RemovedAt: p.index()}
	case 6:
		return &wire.RequestVote{Term: p.term(), Last: p.logID(), Transfer: p.bool(), Incarnation: p.incarnation()}
	case 7:
		return &wire.VoteReply{Term: p.term(), Granted: p.bool(), Incarnation: p.incarnation()}
	case 8:
		return &wire.TimeoutNow{Term: p.term()}
	}
	return &wire.ForwardReply{}
}

// member is a core under the fuzzer, whose runtime behaves, as far as it is told.
type member struct {
	core    *Core
	id      wire.NodeID
	disk    forgottenDisk
	applyTo wire.Index
	// fetches are the snapshots that the member was told to fetch, restores what to restore.
	fetches  []wire.SnapshotMeta
	restores []wire.Index
}

// forgottenDisk has terms instead of entries, because nobody has those that a forged
// snapshot covers.
type forgottenDisk struct {
	hard        wire.HardState
	log         *logindex.Log
	memberships []wire.Entry
	snapshots   []wire.SnapshotMeta
	queue       []WriteLog
}

func (d *forgottenDisk) write(write WriteLog) {
	if !write.HardState.IsZero() {
		d.hard = write.HardState
	}
	if write.Reset.Index > 0 {
		d.log.Reset(write.Reset)
		d.memberships = nil
	}
	if len(write.Entries) > 0 {
		first := write.Entries[0].Index
		d.log.TruncateFrom(first)
		d.memberships = slices.DeleteFunc(slices.Clone(d.memberships), func(e wire.Entry) bool { return e.Index >= first })
	}
	for _, e := range write.Entries {
		d.log.Append(e.Term, 1)
		if e.Kind == wire.EntryMembership {
			d.memberships = append(d.memberships, e)
		}
	}
	if write.Compact > 0 {
		d.log.CompactTo(write.Compact)
		d.memberships = slices.DeleteFunc(slices.Clone(d.memberships), func(e wire.Entry) bool { return e.Index <= write.Compact })
	}
}

func (d *forgottenDisk) state() wire.LogState {
	return wire.LogState{
		HardState: d.hard, Compacted: d.log.Compacted(), Last: d.log.Last(), Terms: d.log.Runs(), Memberships: d.memberships,
	}
}

func (d *forgottenDisk) recovery() Recovery {
	var found Recovery
	for _, s := range d.snapshots {
		if s.Last.Index > found.Snapshot.Last.Index {
			found.Snapshot = s
		}
	}
	found.Applied = found.Snapshot.Last.Index
	found.StateLost = found.Applied < d.log.Compacted().Index
	return found
}

// stage is up to three of them. What they send stays in flight until the tape picks it.
type stage struct {
	now     Instant
	members []*member
	flights []flight
}

type flight struct {
	from, to wire.NodeID
	message  wire.Message
}

// flightsMax bounds the messages in flight; the oldest are lost.
const flightsMax = 64

func newStage(t *testing.T, size int, formed bool) *stage {
	s := &stage{now: testElection}
	for i := range size {
		m := &member{id: wire.NodeID(i + 1)}
		m.disk.log = new(logindex.Log)
		if formed {
			d := diskOf(voters(size), 1, 1)
			m.disk.write(WriteLog{HardState: d.hard, Entries: []wire.Entry{d.log[0].Entry}})
		}
		s.members = append(s.members, m)
		s.start(t, m)
	}
	return s
}

func (s *stage) start(t *testing.T, m *member) {
	found := m.disk.recovery()
	c, err := Recover(Config{
		ID: m.id, ElectionTimeout: testElection, HeartbeatInterval: testHeartbeat, WriteStallTimeout: testStall, Seed: uint64(m.id),
	}, m.disk.state(), found, s.now)
	if err != nil {
		t.Fatal(err)
	}
	m.core, m.disk.queue, m.applyTo, m.fetches, m.restores = c, nil, found.Applied, nil, nil
}

func (s *stage) handle(m *member, events ...Event) {
	for _, effect := range m.core.Handle(s.now, events) {
		switch e := effect.(type) {
		case WriteLog:
			m.disk.queue = append(m.disk.queue, e)
		case Apply:
			m.applyTo = e.Through
		case FetchSnapshot:
			m.fetches = append(m.fetches, e.Snapshot)
		case RestoreSnapshot:
			m.restores, m.applyTo = append(m.restores, e.Snapshot.Last.Index), e.Snapshot.Last.Index
		case OfferSnapshot:
			s.offer(m, e)
		case Send:
			s.flights = append(s.flights, flight{m.id, e.To, e.Message})
		case Replicate:
			// The stream has sent, or not: that is for the tape to say.
			s.flights = append(s.flights, flight{m.id, e.To, &wire.AppendEntries{Term: e.Term, Epoch: e.Epoch, Prev: e.Prev, Commit: e.Commit}})
		}
	}
	if extra := len(s.flights) - flightsMax; extra > 0 {
		s.flights = s.flights[extra:]
	}
}

// changing does what the tape says about memberships.
func (s *stage) changing(m *member, p *tape) {
	switch p.next() % 6 {
	case 0:
		s.handle(m, DrainRequested{On: p.bool()})
	case 1:
		s.handle(m, CampaignRequested{})
	case 2:
		begun := p.membership()
		if !begun.IsJoint() {
			begun.TargetVoters = begun.Voters[:1+int(p.next())%len(begun.Voters)]
			if p.bool() && len(begun.Voters) > 1 { // Who leads may be one of those who are to vote, and not be a voter.
				begun.Voters, begun.TargetVoters = begun.Voters[1:], begun.Voters
				begun.Learners = slices.Insert(slices.Clone(begun.Learners), 0, begun.TargetVoters[0])
			}
		}
		request := &wire.AppendEntries{Term: p.term(), Epoch: p.epoch(), Prev: p.near.log.LastID(), Commit: p.index()}
		request.Entries = []wire.Entry{{
			Index: request.Prev.Index + 1, Term: request.Term, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &begun),
		}}
		s.handle(m, MessageArrived{From: wire.NodeID(p.next() % 5), Message: request})
	default:
		target := p.membership()
		if p.next()%8 > 0 {
			target = targetOf("x", target.Voters, target.Learners)
		}
		e := ChangeRequested{Target: target, Force: p.bool()}
		if p.bool() {
			e.IfAt = p.index()
		}
		s.handle(m, e)
	}
}

// step does what the tape says.
func (s *stage) step(t *testing.T, p *tape) {
	m := s.members[int(p.next())%len(s.members)]
	p.near = m.core
	switch op := p.next() % 20; op {
	case 18, 19:
		s.changing(m, p)
	case 0, 1, 2:
		s.deliver(p)
	case 3:
		s.handle(m, MessageArrived{From: wire.NodeID(p.next() % 5), Message: p.message()})
	case 4:
		s.sync(m, int(p.next()))
	case 5:
		s.now = max(s.now, min(m.core.Deadline(), s.now+testElection))
		s.handle(m, DeadlineReached{})
	case 6:
		s.now += Instant(p.next()) * millisecond
	case 7:
		s.handle(m, ProposalsArrived{Entries: []wire.Entry{{Kind: wire.EntryCommand}, {Kind: wire.EntryCommand}}})
	case 8:
		s.apply(m)
		s.handle(m, PeerUnreachable{Peer: wire.NodeID(p.next() % 5)})
	case 9:
		s.handle(m, EntriesSent{Peer: wire.NodeID(p.next() % 5), Epoch: p.epoch(), Last: p.index()})
	case 10:
		s.handle(m, TransferRequested{To: wire.NodeID(p.next() % 5)}, InitializeRequested{Membership: p.membership()})
	case 11:
		s.start(t, m)
	case 12, 13:
		s.settle(m)
	case 14:
		s.takeSnapshot(m, p)
	case 15:
		s.handle(m, CompactRequested{Through: p.index(), Limit: p.index()})
	case 16:
		s.fetched(t, m, p)
	case 17:
		s.loseState(t, m, p)
	}
}

// apply does what the applier was told, at once.
func (s *stage) apply(m *member) {
	if m.core.stateLost {
		return
	}
	for _, through := range m.restores {
		s.handle(m, EntriesApplied{Through: max(through, m.core.applied)})
	}
	m.restores = nil
	s.handle(m, EntriesApplied{Through: max(m.applyTo, m.core.applied)})
}

func (s *stage) takeSnapshot(m *member, p *tape) {
	last := m.core.applied
	term, held := m.core.log.Term(last)
	if !held || last == 0 || m.core.stateLost || len(m.restores) > 0 {
		return
	}
	meta := wire.SnapshotMeta{ID: wire.SnapshotID(100 + p.next()), Last: wire.LogID{Term: term, Index: last}}
	for _, at := range m.core.memberships {
		if at.index <= last {
			meta.Membership, meta.MembershipAt = at.membership, at.index
		}
	}
	m.disk.snapshots = append(m.disk.snapshots, meta)
	s.handle(m, SnapshotTaken{Last: meta.Last})
}

func (s *stage) offer(m *member, e OfferSnapshot) {
	if newest := m.disk.recovery().Snapshot; newest.ID != 0 && newest.Last.Index >= e.AtLeast {
		s.flights = append(s.flights, flight{m.id, e.To, &wire.SnapshotOffer{Term: e.Term, Epoch: e.Epoch, Snapshot: newest}})
	}
}

// indexMax is beyond what a snapshot that exists can cover.
const indexMax = 1 << 40

// fetched says that one of the snapshots that were to be fetched is there, or crashes the
// member instead of saying so. A snapshot that is refused is deleted.
func (s *stage) fetched(t *testing.T, m *member, p *tape) {
	if len(m.fetches) == 0 {
		return
	}
	meta := m.fetches[int(p.next())%len(m.fetches)]
	if meta.Last.Index > indexMax {
		return
	}
	if meta.Last.Index < m.core.log.Compacted().Index || m.core.contradicts(meta.Last) {
		s.handle(m, SnapshotReceived{Snapshot: meta})
		return
	}
	if meta.Last.Index > m.core.commit && p.next()%4 == 0 {
		m.disk.snapshots = append(m.disk.snapshots, meta)
		s.start(t, m)
		return
	}
	before := m.core.Brief()
	s.handle(m, SnapshotReceived{Snapshot: meta})
	if after := m.core.Brief(); after.Snapshot == meta.Last && after != before {
		m.disk.snapshots = append(m.disk.snapshots, meta)
	}
}

// loseState takes the snapshots from a member, at a crash or when one is to be restored.
func (s *stage) loseState(t *testing.T, m *member, p *tape) {
	if len(m.restores) > 0 {
		m.restores, m.applyTo = nil, m.core.applied
		s.handle(m, StateLost{})
	}
	if p.bool() && len(m.disk.queue) == 0 {
		m.disk.snapshots = nil
		s.start(t, m)
	}
}

// sync ends some of the writes under way.
func (s *stage) sync(m *member, count int) {
	if len(m.disk.queue) == 0 {
		return
	}
	n := 1 + count%len(m.disk.queue)
	for _, write := range m.disk.queue[:n] {
		m.disk.write(write)
	}
	seq := m.disk.queue[n-1].Seq
	m.disk.queue = m.disk.queue[n:]
	s.handle(m, LogSynced{Seq: seq})
}

// settle lets a member campaign if it is time, and everybody do what there is to do, a
// few times, as on an ordinary day.
func (s *stage) settle(m *member) {
	s.now = max(s.now, min(m.core.Deadline(), s.now+2*testElection))
	s.handle(m, DeadlineReached{})
	for range 4 {
		for _, m := range s.members {
			s.sync(m, len(m.disk.queue)-1)
		}
		flights := s.flights
		s.flights = nil
		for _, f := range flights {
			s.arrive(f)
		}
	}
}

// deliver hands over a message in flight, and keeps it for another time if the tape
// wants that.
func (s *stage) deliver(p *tape) {
	if len(s.flights) == 0 {
		return
	}
	i := int(p.next()) % len(s.flights)
	f := s.flights[i]
	if !p.bool() {
		s.flights = append(s.flights[:i:i], s.flights[i+1:]...)
	}
	s.arrive(f)
}

func (s *stage) arrive(f flight) {
	if f.to == 0 || int(f.to) > len(s.members) {
		return
	}
	envelope, _, err := wire.DecodeEnvelope(wire.AppendEnvelope(nil, wire.Envelope{Group: 1, Message: f.message}))
	if err == nil {
		s.handle(s.members[f.to-1], MessageArrived{From: f.from, Message: envelope.Message})
	}
}

// FuzzHandle: whatever arrives, in whatever order, no core panics; its own checks run
// after every event. The messages are partly the members' own and partly forged, so
// that nothing can be said about what they agree on.
func FuzzHandle(f *testing.F) {
	f.Add(byte(2), []byte{})
	source := random{state: 1}
	for size := range byte(3) {
		for range 8 {
			bytes := make([]byte, 400)
			for i := range bytes {
				bytes[i] = byte(source.next())
			}
			f.Add(size, bytes)
		}
	}
	f.Fuzz(func(t *testing.T, size byte, bytes []byte) {
		s, p := newStage(t, 1+int(size%3), size < 128), &tape{left: bytes}
		for len(p.left) > 0 {
			s.step(t, p)
		}
	})
}

// TestRandomTapes is the fuzzer without its feedback: it runs everywhere, and soon.
func TestRandomTapes(t *testing.T) {
	source := random{state: 10 + *firstFlag}
	for range *seedsFlag * 5 / 2 / slowdown {
		bytes := make([]byte, 200+source.below(1200))
		for i := range bytes {
			bytes[i] = byte(source.next() >> 32)
		}
		s, p := newStage(t, 1+int(source.below(3)), source.below(8) > 0), &tape{left: bytes}
		for len(p.left) > 0 {
			s.step(t, p)
		}
	}
}
