// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// lead makes the first member the leader of the next term, and lets all that follows from
// that happen at once, in one order: nothing is under way then.
func (m *model) lead(s *state) {
	recall := new(recall)
	for a, follows := newAction(timeout, 0, 0), true; follows; a, follows = m.prompt(s) {
		o := m.outcomeOf(recall, s.nodes[a.place()], a.event())
		var next state
		m.apply(recall, s, &next, a, o)
		m.judge(s, &next, a, o) // Whatever is broken will be again.
		*s = next
	}
	s.left = m.bounds.budget()
}

// prompt names something that follows by itself in a state, if anything does.
func (m *model) prompt(s *state) (action, bool) {
	if ranked := m.ranked(s); len(ranked) > 0 {
		return newAction(deliver, int(m.messages.at(ranked[0]).to)-1, ranked[0]), true
	}
	for place, number := range s.nodes {
		switch l := m.locals.at(number); {
		case len(l.pending) > 0:
			return newAction(endWrite, place, 0), true
		case l.newsWaits:
			return newAction(tellNews, place, 0), true
		}
	}
	return 0, false
}

// letGo lets a leader hear from all its peers, who have nothing new to say, for as long as it
// cares for those who were removed.
func (s *step) letGo() {
	l := s.l
	l.clock += long
	var events []core.Event
	for i := range l.peers {
		events = append(events, core.MessageArrived{From: l.peers[i].ID, Message: &wire.HeartbeatReply{Term: l.core.Brief().HardState.Term}})
	}
	s.handle(append(events, core.DeadlineReached{})...)
}

// isAlone reports whether a leader is the only voter.
func (m *model) isAlone(l *local) bool {
	of := m.inEffect(l.log)
	return len(of.Outgoing) == 0 && len(of.Voters) == 1 && of.Voters[0] == l.id
}

// hasLeavers reports whether a leader replicates to somebody who is no member any more.
func (m *model) hasLeavers(l *local) bool {
	of := m.inEffect(l.log)
	for i := range l.peers {
		if !of.Contains(l.peers[i].ID) {
			return true
		}
	}
	return false
}
