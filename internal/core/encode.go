// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Relabel renames the members, one to one. Zero, who is nobody, is not asked for.
type Relabel func(wire.NodeID) wire.NodeID

// AppendState appends a canonical encoding of all that decides what the member does
// next, as it would be if all members were renamed: two members that encode equal
// answer equal events, given in between two calls of Handle, with equal effects, but for
//
//   - Seq, which is counted from what is synced: names of writes are arbitrary;
//   - the order among effects that concern different peers, which follows their names;
//   - time. What is left of a time is a truth value: whether the leader is still taken
//     to be alive, and whether the news of a commit waits. So it is for whoever lets
//     each deadline either surely or surely not pass (see internal/mc), and the source
//     that draws the time-outs is left out with them.
//
// The configuration is left out but for the ID. The same state encodes equally in all
// processes of one version of this module; the encoding is not for keeping.
func (c *Core) AppendState(buf []byte, relabel Relabel) []byte {
	e := encoder{buf: buf, relabel: relabel}
	e.id(c.cfg.ID)
	e.numbers(uint64(c.role), uint64(c.hard.Term))
	e.id(c.hard.Vote)
	e.log(c)
	e.numbers(uint64(c.commit), uint64(c.applied), uint64(c.toldApply), uint64(c.snapshot.Index))
	e.truth(c.stateLost)
	e.truth(c.drained)
	e.numbers(uint64(c.removedAt))
	e.truth(len(c.starting) > 0)
	e.lane(&c.lane)
	e.follower(c)
	e.election(c.election)
	e.leader(c.leader)
	return e.buf
}

// encoder appends numbers to a buffer, in a form that tells where each ends.
type encoder struct {
	buf     []byte
	relabel Relabel
}

func (e *encoder) numbers(numbers ...uint64) {
	for _, n := range numbers {
		for n >= 0x80 {
			e.buf = append(e.buf, byte(n)|0x80)
			n >>= 7
		}
		e.buf = append(e.buf, byte(n))
	}
}

func (e *encoder) truth(truth bool) {
	if truth {
		e.numbers(1)
		return
	}
	e.numbers(0)
}

func (e *encoder) bytes(b []byte) {
	e.numbers(uint64(len(b)))
	e.buf = append(e.buf, b...)
}

// label returns the new name of a member, zero for nobody.
func (e *encoder) label(id wire.NodeID) wire.NodeID {
	if id == 0 {
		return 0
	}
	return e.relabel(id)
}

func (e *encoder) id(id wire.NodeID) { e.numbers(uint64(e.label(id))) }

// ids appends a set of members.
func (e *encoder) ids(ids []wire.NodeID) {
	labels := make([]wire.NodeID, len(ids))
	for i, id := range ids {
		labels[i] = e.label(id)
	}
	slices.Sort(labels)
	e.numbers(uint64(len(labels)))
	for _, label := range labels {
		e.numbers(uint64(label))
	}
}

// order returns the places of a list of members, by ascending new names.
func (e *encoder) order(count int, at func(int) wire.NodeID) []int {
	places := make([]int, count)
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int { return cmp.Compare(e.label(at(a)), e.label(at(b))) })
	return places
}

func (e *encoder) log(c *Core) {
	compacted := c.log.Compacted()
	e.numbers(uint64(compacted.Term), uint64(compacted.Index), uint64(c.log.Last()))
	runs := c.log.Runs()
	e.numbers(uint64(len(runs)))
	for _, run := range runs {
		e.numbers(uint64(run.Term), uint64(run.First))
	}
	e.numbers(uint64(len(c.memberships)))
	for i := range c.memberships {
		e.numbers(uint64(c.memberships[i].index))
		e.membership(&c.memberships[i].membership)
	}
}

func (e *encoder) membership(m *wire.Membership) {
	e.ids(m.Voters)
	e.ids(m.Outgoing)
	e.ids(m.Learners)
	e.ids(m.TargetVoters)
	e.ids(m.TargetLearners)
	e.numbers(uint64(len(m.Members)))
	for _, i := range e.order(len(m.Members), func(i int) wire.NodeID { return m.Members[i].ID }) {
		e.id(m.Members[i].ID)
		e.bytes([]byte(m.Members[i].Address))
		e.numbers(uint64(m.Members[i].Priority), uint64(m.Members[i].Incarnation))
	}
}

// behind counts a write from the last one that is synced, zero if it is synced, too.
func (l *lane) behind(seq Seq) uint64 { return uint64(seq - min(seq, l.synced)) }

func (e *encoder) lane(l *lane) {
	e.numbers(uint64(len(l.pending)))
	for _, pending := range l.pending {
		e.numbers(uint64(pending.last))
	}
	e.numbers(l.behind(l.issued), uint64(l.durable), l.behind(l.hardSeq))
	e.truth(l.hardDirty)
	e.held(l)
}

// held appends the effects that wait. What waits for one write leaves at once, and
// only the order towards each peer matters.
func (e *encoder) held(l *lane) {
	to := func(i int) wire.NodeID {
		if send, isMessage := l.held[i].effect.(Send); isMessage {
			return send.To
		}
		return 0
	}
	order := e.order(len(l.held), to)
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.held[a].after, l.held[b].after), cmp.Compare(e.label(to(a)), e.label(to(b))), cmp.Compare(a, b))
	})
	e.numbers(uint64(len(l.held)))
	for _, i := range order {
		e.numbers(l.behind(l.held[i].after))
		e.id(to(i))
		switch effect := l.held[i].effect.(type) {
		case Send:
			e.bytes(wire.AppendEnvelope(nil, wire.Envelope{Message: effect.Message}))
		case AnswerInitialize:
			e.truth(effect.Conflict)
		case FetchSnapshot:
			e.id(effect.From)
			e.numbers(uint64(effect.Snapshot.ID))
		}
	}
}

func (e *encoder) follower(c *Core) {
	f := &c.follower
	e.id(f.leader)
	e.truth(c.leaderIsAlive())
	e.numbers(uint64(f.accepted), uint64(f.epoch), uint64(f.acknowledged), uint64(f.offered), uint64(f.round))
}

func (e *encoder) election(s *electionState) {
	e.truth(s != nil)
	if s == nil {
		return
	}
	e.truth(s.transfer)
	e.numbers(uint64(len(s.voters)))
	for _, i := range e.order(len(s.voters), func(i int) wire.NodeID { return s.voters[i] }) {
		e.id(s.voters[i])
		e.numbers(uint64(s.votes[i]), uint64(s.incarnations[i]))
	}
}

func (e *encoder) leader(l *leaderState) {
	e.truth(l != nil)
	if l == nil {
		return
	}
	e.truth(l.appended)
	e.truth(l.newsAt != Never)
	e.numbers(uint64(l.round), uint64(l.leftEpoch))
	e.id(l.transferTo)
	e.truth(l.invited)
	e.truth(l.isAsked)
	e.truth(l.isRetiring)
	e.numbers(uint64(len(l.peers)))
	for _, i := range e.order(len(l.peers), func(i int) wire.NodeID { return l.peers[i].ID }) {
		words := l.peers[i].Words()
		e.id(wire.NodeID(words[0]))
		e.numbers(words[1:]...)
		e.peer(l.peers[i])
	}
}

func (e *encoder) peer(p *peerState) {
	e.truth(p.dirty)
	e.truth(p.news)
	e.numbers(uint64(p.told), uint64(p.incarnation), uint64(p.catchUp.goal))
	e.truth(p.catchUp.done)
	e.numbers(uint64(p.declined))
	e.truth(p.leaveAt != Never)
}
