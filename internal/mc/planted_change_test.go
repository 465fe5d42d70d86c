// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// commitBy lets a leader commit by a membership that is made of the one in effect.
func commitBy(of func(l *local, m *wire.Membership) []wire.NodeID) tamper {
	return tamper{handle: func(l *local, events []core.Event) []core.Effect {
		effects := handleAsIs(l, events...)
		is := l.core.Brief()
		if is.Role != core.Leader {
			return effects
		}
		on := map[wire.NodeID]wire.Index{l.id: is.Durable}
		l.core.VisitPeers(func(p *progress.Progress) { on[p.ID] = p.Match })
		var matches []wire.Index
		for _, id := range of(l, l.core.Membership()) {
			matches = append(matches, on[id])
		}
		slices.Sort(matches)
		if reached := matches[(len(matches)-1)/2]; reached > max(is.Commit, l.applied) {
			effects = append(effects, core.Apply{Through: reached})
		}
		return effects
	}}
}

// newOnly, oldOnly, withLearners and withMyself are the voters of memberships as bugs see them.
func newOnly(_ *local, m *wire.Membership) []wire.NodeID { return m.Voters }

func oldOnly(_ *local, m *wire.Membership) []wire.NodeID {
	if m.IsJoint() {
		return m.Outgoing
	}
	return m.Voters
}

func withMyself(l *local, m *wire.Membership) []wire.NodeID {
	if m.IsJoint() || m.IsVoter(l.id) {
		return []wire.NodeID{l.id, 99} // Nothing beyond what the core commits.
	}
	return append([]wire.NodeID{l.id}, m.Voters...)
}

func withLearners(_ *local, m *wire.Membership) []wire.NodeID {
	if m.IsJoint() {
		return []wire.NodeID{99}
	}
	return append(slices.Clone(m.Voters), m.Learners...)
}

// asAnotherMembership lets every membership that arrives be another, so that it is in effect
// sooner, or longer, than it should be.
func asAnotherMembership(change func(m *wire.Membership) wire.Membership) tamper {
	return withMessage(func(_ *local, message wire.Message) wire.Message {
		request, ok := message.(*wire.AppendEntries)
		if !ok {
			return message
		}
		changed := *request
		changed.Entries = slices.Clone(request.Entries)
		for i, e := range changed.Entries {
			if m, err := wire.DecodeMembership(e.Data); e.Kind == wire.EntryMembership && err == nil {
				other := change(&m)
				changed.Entries[i].Data = wire.AppendMembership(nil, &other)
			}
		}
		return &changed
	})
}

// finalAtOnce takes a joint membership for the one that it leads to.
func finalAtOnce(m *wire.Membership) wire.Membership {
	if !m.IsJoint() {
		return *m
	}
	final := wire.Membership{Voters: m.Voters, Members: slices.Clone(m.Members)}
	final.Members = slices.DeleteFunc(final.Members, func(member wire.Member) bool { return !slices.Contains(m.Voters, member.ID) })
	return final
}

// appendTarget lets a leader append the first membership of a change that it was asked for,
// whatever the core says, if may.
func appendTarget(may func(l *local, is core.Status) bool) tamper {
	return tamper{handle: func(l *local, events []core.Event) []core.Effect {
		effects := handleAsIs(l, events...)
		is := l.core.Brief()
		if len(events) == 0 || is.Role != core.Leader || !may(l, is) {
			return effects
		}
		asked, ok := events[0].(core.ChangeRequested)
		if !ok {
			return effects
		}
		next := change.Begin(l.core.Membership(), &asked.Target)
		e := wire.Entry{Index: is.Last + 1, Term: is.HardState.Term, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &next)}
		return append(effects, core.WriteLog{Entries: []wire.Entry{e}})
	}}
}

// isBusy says that there is something that a leader has not committed.
func isBusy(_ *local, is core.Status) bool { return is.Last > is.Commit }

// keepMembership lets a log lose entries, and the core goes on as if it had not.
func keepMembership(l *local, events []core.Event) []core.Effect {
	clone, last := l.core.Clone(), l.core.Brief().Last
	effects := slices.Clone(clone.Handle(l.clock, events))
	for _, effect := range effects {
		if w, ok := effect.(core.WriteLog); ok && len(w.Entries) > 0 && w.Entries[0].Index <= last {
			return effects
		}
	}
	return handleAsIs(l, events...)
}

// meanMe lets whoever asks for a vote mean the disk that is asked.
func meanMe(l *local, message wire.Message) wire.Message {
	switch m := message.(type) {
	case *wire.RequestVote:
		changed := *m
		changed.Incarnation = l.incarnation
		return &changed
	case *wire.RequestPreVote:
		changed := *m
		changed.Incarnation = l.incarnation
		return &changed
	}
	return message
}

func TestPlantedChangeBugsAreFound(t *testing.T) {
	if isRace {
		t.Skip("one worker has nothing to race with")
	}
	grow := Bounds{Nodes: 2, Founders: 1, Targets: to(1, 2), Led: true, TermMax: 2, Changes: 1, EntriesPerMessage: 2, InstantDisk: true}
	swap := Bounds{Nodes: 3, Founders: 2, Targets: to(2, 3), Led: true, TermMax: 3, Changes: 1, EntriesPerMessage: 2, InstantDisk: true}
	twice := swap
	twice.Targets, twice.Changes = append(to(2, 3), to(1, 2, 3)...), 2
	elect := small(changes(2, to(1, 2, 3), Bounds{Timeouts: 2, InstantDisk: true}))
	young := elect
	young.Led = false
	overtaken := small(begun(to(1, 2, 3, 4), []int{3, 2, 2, 0}, 2, Bounds{Timeouts: 1}))
	wiped := small(of(Bounds{Timeouts: 2, Wipes: 1, Wiped: 3, InstantDisk: true}))
	for _, test := range []plant{
		{"commit by the new voters only while joint", swap, commitBy(newOnly), [invariants]bool{}, CommitRule},
		{"commit by the old voters only while joint", grow, commitBy(oldOnly), [invariants]bool{}, CommitRule},
		{"count learners", swap, commitBy(withLearners), [invariants]bool{}, CommitRule},
		{"a removed leader counts itself", swap, commitBy(withMyself), [invariants]bool{}, CommitRule},
		{"use the final membership while joint", elect, asAnotherMembership(finalAtOnce), [invariants]bool{}, LogMatching},
		{"begin a change while another is not committed", twice, appendTarget(isBusy), everythingBut(OneChange), OneChange},
		{"begin a change as soon as elected", young, appendTarget(isBusy), everythingBut(ChangeInOrder), ChangeInOrder},
		{"a membership stays when its entry goes", overtaken, tamper{handle: keepMembership}, [invariants]bool{}, MembershipInEffect},
		{"who has lost its disk votes", wiped, withMessage(meanMe), [invariants]bool{}, VoterIsMeant},
		{"who has lost its disk votes, seen by two leaders", wiped, withMessage(meanMe), everythingBut(ElectionSafety), ElectionSafety},
	} {
		t.Run(test.name, test.isFound)
	}
}
