// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/wire"
)

// changeMembership begins a change (§6). It has begun when it is in the log; the way from
// there is advanceChange's, of this leader or the next.
func (c *Core) changeMembership(e ChangeRequested) {
	if refusal := c.refuseChange(&e); refusal != ChangeAccepted {
		c.emit(AnswerChange{Refusal: refusal})
		return
	}
	now := &c.memberships[len(c.memberships)-1]
	if isOnItsWay(&now.membership, &e.Target) {
		c.emit(AnswerChange{At: now.index})
		return
	}
	next := change.Begin(&now.membership, &e.Target)
	c.append([]wire.Entry{membershipEntry(&next)})
	for _, id := range change.Newcomers(&next) {
		c.leader.peer(id).catchUp = catchUp{} // It may have held everything once, and be gone since.
	}
	c.emit(AnswerChange{At: c.log.Last()})
}

// isOnItsWay reports whether a membership is the target, or leads there by itself.
func isOnItsWay(m, target *wire.Membership) bool {
	if m.IsJoint() {
		final := change.Final(m)
		return sameMembers(&final, target)
	}
	begun := change.Begin(m, target)
	return begun.Equal(m)
}

// sameMembers compares all but incarnations.
func sameMembers(m, target *wire.Membership) bool {
	same := change.Begin(m, target)
	return same.Equal(m)
}

// refuseChange says why a change must not begin now. There is one change at a time, and
// none before this leader has committed something in its term: it could otherwise meet
// one of an earlier leader half-way, with quorums that do not overlap.
func (c *Core) refuseChange(e *ChangeRequested) ChangeRefusal {
	now := &c.memberships[len(c.memberships)-1]
	switch {
	case !isTarget(&now.membership, &e.Target):
		return ChangeMalformed
	case c.leader == nil || c.leader.transferTo != 0 || c.leader.isRetiring:
		return ChangeNotLeading
	case e.IfAt != 0 && e.IfAt != now.index:
		return ChangeOutdated
	case isOnItsWay(&now.membership, &e.Target):
		return ChangeAccepted
	case now.index > c.commit || now.membership.IsJoint():
		return ChangeUnderWay
	case !c.hasCommittedInTerm():
		return ChangeTooEarly
	case !e.Force && !c.isSafe(&e.Target):
		return ChangeRisksQuorum
	}
	return ChangeAccepted
}

// isTarget reports whether a group can have the membership, and all that lie between.
func isTarget(now, target *wire.Membership) bool {
	if target.Validate() != nil || target.IsChanging() {
		return false
	}
	next := change.Begin(now, target)
	return next.Validate() == nil
}

func (c *Core) hasCommittedInTerm() bool {
	term, _ := c.log.Term(c.commit)
	return term == c.hard.Term
}

// isSafe reports whether a quorum of a target's voters could serve right now, those who
// are new aside: they have to catch up first.
func (c *Core) isSafe(target *wire.Membership) bool {
	able := 0
	for _, id := range target.Voters {
		if !c.membership().IsVoter(id) || c.isAble(id) {
			able++
		}
	}
	return able > len(target.Voters)/2
}

// isAble reports whether a voter answers, and may vote.
func (c *Core) isAble(id wire.NodeID) bool {
	if id == c.cfg.ID {
		return c.isMyself(c.membership().Incarnation(id))
	}
	p := c.leader.peer(id)
	return p != nil && c.now-p.Contact < c.cfg.ElectionTimeout && p.isMeant()
}

// advanceChange takes the next step of a change as soon as the one before is committed in
// this leader's term. It costs next to nothing if there is none.
func (c *Core) advanceChange() {
	if c.leader == nil || c.leader.isRetiring {
		return
	}
	m, at := c.membership(), c.memberships[len(c.memberships)-1].index
	if at > c.commit || !m.IsChanging() && m.IsVoter(c.cfg.ID) || !c.hasCommittedInTerm() {
		return
	}
	switch {
	case m.IsJoint():
		final := change.Final(m)
		c.append([]wire.Entry{membershipEntry(&final)})
	case !m.IsVoter(c.cfg.ID):
		c.retire()
	case c.leader.transferTo == 0 && c.mayJoin(m):
		joint := change.Joint(m, func(id wire.NodeID) wire.Incarnation { return c.leader.peer(id).incarnation })
		c.append([]wire.Entry{membershipEntry(&joint)})
	}
}

// mayJoin reports whether those who are to vote have caught up, and enough voters of the
// target answer that it will not be stuck.
func (c *Core) mayJoin(m *wire.Membership) bool {
	for _, id := range change.Newcomers(m) {
		p := c.leader.peer(id)
		if !p.catchUp.done || p.incarnation == 0 {
			return false
		}
	}
	able := 0
	for _, id := range m.TargetVoters {
		if c.isAble(id) {
			able++
		}
	}
	return able > len(m.TargetVoters)/2
}

// retire ends the leadership of who is not a voter any more, once that is committed
// (§6): it hands over, or just steps down if there is nobody to hand over to in time.
func (c *Core) retire() {
	l := c.leader
	l.isRetiring = true
	target := c.transferee(0)
	if target == nil {
		c.become(Follower)
		return
	}
	if l.transferTo == 0 {
		c.handOver(target)
	}
}

func membershipEntry(m *wire.Membership) wire.Entry {
	return wire.Entry{Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, m)}
}
