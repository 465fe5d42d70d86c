// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// ChangeCounts count changes of membership, by what leaders have put into their logs: changes
// that begin because there are new voters that have to catch up, those new voters that had
// caught up, joint memberships, the ones that follow them, and changes of one step, which leave
// the voters alone; a target that was replaced by another, and by none; and requests that were
// refused.
type ChangeCounts struct {
	Begun      uint64 `json:"begun"`
	CaughtUp   uint64 `json:"caught_up"`
	Joint      uint64 `json:"joint"`
	Final      uint64 `json:"final"`
	OneStep    uint64 `json:"one_step"`
	Retargeted uint64 `json:"retargeted"`
	Cancelled  uint64 `json:"cancelled"`
	Refused    uint64 `json:"refused"`
	// KilledIn counts the leaders that were killed in a phase of a change.
	KilledIn PhaseCounts `json:"leader_killed_in"`
}

// PhaseCounts count something by the phase of a change in which it happened.
type PhaseCounts struct {
	CatchUp uint64 `json:"catch_up"`
	Joint   uint64 `json:"joint"`
	Final   uint64 `json:"final"`
}

// Add adds others.
func (c *ChangeCounts) Add(other *ChangeCounts) {
	for _, sum := range []struct{ to, from *uint64 }{
		{&c.Begun, &other.Begun}, {&c.CaughtUp, &other.CaughtUp}, {&c.Joint, &other.Joint}, {&c.Final, &other.Final},
		{&c.OneStep, &other.OneStep}, {&c.Retargeted, &other.Retargeted}, {&c.Cancelled, &other.Cancelled}, {&c.Refused, &other.Refused},
		{&c.KilledIn.CatchUp, &other.KilledIn.CatchUp}, {&c.KilledIn.Joint, &other.KilledIn.Joint}, {&c.KilledIn.Final, &other.KilledIn.Final},
	} {
		*sum.to += *sum.from
	}
}

// changes is what the simulator knows of changes of membership.
type changes struct {
	ChangeCounts
	// asked are the requests that have not been answered, targeted the voters of the last one.
	asked    []request
	targeted []wire.NodeID
	// moves count how often the address of a node has changed.
	moves [nodesMax + 1]int
	// seen are the memberships that were counted.
	seen map[wire.LogID]bool
	// served says which nodes were members once.
	served [nodesMax + 1]bool
	// repairing are the nodes that are removed to be added again.
	repairing [nodesMax + 1]bool
}

// request is a change that was asked for.
type request struct {
	fault    Fault
	n        *node
	life     int
	isForced bool
	answered func() (bool, error)
}

// roster is who is to vote and who is to learn.
type roster struct{ voters, learners []wire.NodeID }

// leadsTo returns the members that a membership leads to by itself.
func leadsTo(m *wire.Membership) roster {
	switch {
	case m.IsJoint():
		return roster{slices.Clone(m.Voters), slices.Clone(m.TargetLearners)}
	case m.IsChanging():
		return roster{slices.Clone(m.TargetVoters), slices.Clone(m.TargetLearners)}
	}
	return roster{slices.Clone(m.Voters), slices.Clone(m.Learners)}
}

func (r *roster) has(id wire.NodeID) bool {
	return slices.Contains(r.voters, id) || slices.Contains(r.learners, id)
}

func (r *roster) drop(id wire.NodeID) {
	is := func(other wire.NodeID) bool { return other == id }
	r.voters, r.learners = slices.DeleteFunc(r.voters, is), slices.DeleteFunc(r.learners, is)
}

func (w *world) target(r *roster) raft.MembershipTarget {
	var t raft.MembershipTarget
	for _, id := range r.voters {
		t.Voters = append(t.Voters, w.member(id))
	}
	for _, id := range r.learners {
		t.Learners = append(t.Learners, w.member(id))
	}
	return t
}

func (w *world) member(id wire.NodeID) raft.Member {
	moves := w.changes.moves[id]
	return raft.Member{ID: id, Address: fmt.Sprintf("n%d%s", id, strings.Repeat("'", moves%3)), Priority: uint8((int(id) + moves) % 3)}
}

// ask asks the leader for other members. The fault is counted if it accepts.
func (w *world) ask(f Fault, r *roster, isForced bool) {
	leader := w.leader()
	if leader == nil || len(r.voters) == 0 {
		return
	}
	target := w.target(r)
	target.Force = isForced
	w.changes.targeted = slices.Clone(r.voters)
	w.say(leader.id, "%v: is asked for voters %d, learners %d, forced %v", f, r.voters, r.learners, isForced)
	answered := raft.ChangeDriven(leader.driver, leader.group, target)
	w.changes.asked = append(w.changes.asked, request{f, leader, leader.life, isForced, answered})
	leader.listen()
}

// watchChange is called after each turn of a loop: it takes in answers, and counts what a
// leader has put into its log.
func (n *node) watchChange() {
	w := n.w
	if len(w.changes.asked) > 0 {
		w.changes.asked = slices.DeleteFunc(w.changes.asked, w.isAnswered)
	}
	if n.brief.Role != core.Leader {
		return
	}
	if m := n.core.Membership(); !n.inEffect.Equal(m) {
		before := n.inEffect
		n.inEffect = *m
		n.countChange(&before, m)
	}
}

// isAnswered takes in the answer to a request, and reports whether it is not waited for any
// more.
func (w *world) isAnswered(r request) bool {
	done, err := r.answered()
	switch {
	case done && err == nil:
		w.fault(r.fault)
		if r.isForced {
			w.fault(ForceChange)
		}
	case done:
		w.say(r.n.id, "refuses: %v", err)
		w.changes.Refused++
	}
	return done || r.n.life != r.life || !r.n.up
}

// countChange counts a step of a change, the first time that a leader uses it.
func (n *node) countChange(before, m *wire.Membership) {
	c := &n.w.changes
	id := wire.LogID{Index: n.core.Standing().At}
	id.Term, _ = n.core.EntryTerm(id.Index)
	if c.seen == nil {
		c.seen = make(map[wire.LogID]bool)
	}
	if c.seen[id] {
		return
	}
	c.seen[id] = true
	for _, member := range m.Members {
		c.served[member.ID] = true
	}
	n.w.say(n.id, "uses membership %v: %+v", id, *m)
	wasBeginning := before.IsChanging() && !before.IsJoint()
	switch {
	case m.IsJoint():
		c.Joint++
		c.CaughtUp += uint64(len(change.Newcomers(before)))
		n.mayBeKilled(KillInJoint, 4*n.w.plan.linkDelay+2*n.w.plan.diskLatency, &c.KilledIn.Joint)
	case m.IsChanging():
		c.Begun++
		if wasBeginning {
			c.Retargeted++
		}
		n.mayBeKilled(KillInCatchUp, n.w.plan.electionTimeout, &c.KilledIn.CatchUp)
	case before.IsJoint():
		c.Final++
		n.mayBeKilled(KillInFinal, 4*n.w.plan.linkDelay+2*n.w.plan.diskLatency, &c.KilledIn.Final)
	case wasBeginning:
		c.Cancelled++
	case !before.IsEmpty():
		c.OneStep++
	}
}

// mayBeKilled lets the power of a leader fail within some time, if it leads then.
func (n *node) mayBeKilled(f Fault, within time.Duration, count *uint64) {
	w, life := n.w, n.life
	if !w.chance(w.injecting, f, 0.3) {
		return
	}
	w.after(time.Duration(w.injecting.Int64N(int64(within))), func() {
		if n.life == life && n.isUp() && n.view.Leads && !w.healing {
			*count++
			n.crash(f, true)
		}
	})
}

func (n *node) isFounder() bool { return int(n.id) <= n.w.plan.nodes-n.w.plan.changes.spares }

func (n *node) hasMember(id wire.NodeID) bool {
	return n.core != nil && n.core.Membership().Contains(id)
}

// isForgotten reports whether a voter of a membership does not vote, because it has lost the
// disk with which it became one.
func (w *world) isForgotten(n *node, m *wire.Membership) bool {
	return m.IsVoter(n.id) && !w.check.IsMeant(m, n.id)
}

// isUnsound reports whether nobody may count on a node, as a voter of a membership. Until a
// group has a first leader, nobody knows whose disks the voters' are.
func (w *world) isUnsound(n *node, m *wire.Membership) bool {
	return n.lost || n.disk.rotten || n.disk.lacksSnapshot || w.isForgotten(n, m) || w.check.Membership() == nil && n.emptied > 0
}

// isSpare reports whether the disk of a node may be damaged, or emptied: a minority of the
// voters at most has none that is good, in each membership that is in effect somewhere, or may
// be soon.
func (w *world) isSpare(n *node) bool {
	is := true
	visit := func(m *wire.Membership) {
		for _, voters := range [][]wire.NodeID{m.Voters, m.Outgoing, m.TargetVoters} {
			is = is && w.isSpareAmong(n, voters, m)
		}
	}
	w.check.VisitMemberships(visit)
	for _, other := range w.nodes {
		if other.up {
			visit(other.core.Membership())
		}
	}
	founders := wire.NewMembership(w.members()...)
	if w.check.Membership() == nil {
		visit(&founders)
	}
	return is && w.isSpareAmong(n, w.changes.targeted, &wire.Membership{})
}

func (w *world) isSpareAmong(n *node, voters []wire.NodeID, m *wire.Membership) bool {
	if !slices.Contains(voters, n.id) {
		return true
	}
	unsound := 1
	for _, id := range voters {
		if other := w.nodes[id-1]; other != n && w.isUnsound(other, m) {
			unsound++
		}
	}
	return unsound <= (len(voters)-1)/2
}
