// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// visit names all that may happen in a state.
func (m *model) visit(s *state, try func(action)) {
	can := func(k kind, place int, number uint32) {
		if cost := costs[k]; cost < 0 || s.left[cost] > 0 {
			try(newAction(k, place, number))
		}
	}
	for place, number := range s.nodes {
		l := m.locals.at(number)
		if l.status.Role == core.Leader {
			m.visitLeader(s, l, func(k kind, number uint32) { can(k, place, number) })
		} else if l.status.StateLost {
			can(want, place, 0)
		} else if l.status.HardState.Term < m.bounds.TermMax {
			can(timeout, place, 0)
		}
		if nodeAt(place) == m.bounds.Wiped {
			can(wipe, place, 0)
		}
		m.visitSnapshots(l, func(k kind, number uint32) { can(k, place, number) })
		if len(l.pending) > 0 {
			can(endWrite, place, 0)
		}
		can(crash, place, 0)
	}
	for i, number := range s.messages {
		if i > 0 && number == s.messages[i-1] {
			continue
		}
		sent := m.messages.at(number)
		place := int(sent.to) - 1
		if m.isBeyondBounds(sent, m.locals.at(s.nodes[place])) {
			continue
		}
		for _, k := range []kind{deliver, duplicate, drop} {
			can(k, place, number)
		}
		if asksForVote(sent.payload) && m.locals.at(s.nodes[place]).hears {
			can(deliverLate, place, number)
			can(duplicateLate, place, number)
		}
	}
}

// visitLeader names what only a leader does.
func (m *model) visitLeader(s *state, l *local, can func(kind, uint32)) {
	if !m.isAlone(l) { // It would not notice.
		can(stepDown, 0)
	}
	can(heartbeat, 0)
	if l.newsWaits && !m.bounds.Quiet {
		can(tellNews, 0)
	}
	can(propose, uint32(m.bounds.Proposals)-uint32(s.left[forProposal])+1)
	for i := range l.peers {
		can(unreachable, uint32(l.peers[i].ID))
	}
	for i := range m.bounds.Targets {
		can(changeMembers, uint32(i))
	}
	if m.hasLeavers(l) {
		can(letGo, 0)
	}
}

// isBeyondBounds reports whether a message would lead to a term after the last.
func (m *model) isBeyondBounds(sent *message, receiver *local) bool {
	_, isInvitation := sent.payload.(*wire.TimeoutNow)
	return isInvitation && receiver.status.HardState.Term >= m.bounds.TermMax
}

// everything is beyond any log.
const everything = 1 << 10

// visitSnapshots names what a member may do about snapshots.
func (m *model) visitSnapshots(l *local, can func(kind, uint32)) {
	if len(l.restoring) > 0 {
		can(restored, 0)
		can(failToRestore, 0)
	} else {
		for last := l.disk.covered() + 1; last <= l.machine; last++ {
			can(takeSnapshot, uint32(last))
		}
	}
	if m.bounds.Compactions > 0 && !l.status.StateLost {
		for through := l.base.Index + 1; through < l.status.Snapshot.Index; through++ {
			can(compact, uint32(through))
		}
		can(compact, everything)
	}
	for place := range l.fetches {
		can(receive, uint32(place))
		if m.bounds.Crashes+m.bounds.StateLosses > 0 {
			can(publish, uint32(place)) // To one that does not crash it makes no difference.
		}
	}
	for i, asked := range l.asked {
		if asked.To != 0 {
			can(makeOffer, uint32(i+1))
		}
	}
	if len(l.disk.snapshots) > 0 {
		can(crashDamaged, 0)
	}
}

// asksForVote reports whether the answer depends on whether the receiver takes its
// leader to be alive.
func asksForVote(payload wire.Message) bool {
	switch payload.(type) {
	case *wire.RequestVote, *wire.RequestPreVote:
		return true
	}
	return false
}
