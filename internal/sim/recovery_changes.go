// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/internal/sim/safety"
	"github.com/balsa-raft/raft/wire"
)

// What is demanded of a group whose members have changed: for how many election time-outs
// nodes that are not members are watched, to see that they do not disturb; and how often an
// operator tries to make a voter of one that has lost its disk.
const (
	calmTimeouts = 8
	repairsMax   = 3
)

const (
	undisturbed = "M3 undisturbed"
	knowsIt     = "M3 who was removed knows it"
)

// isUnchanging reports whether the membership that a leader uses is committed, and not on its
// way to another one.
func (w *world) isUnchanging(leader *node) bool {
	s := leader.core.Standing()
	return s.At == s.CommittedAt && !leader.core.Membership().IsChanging()
}

// unblockChange does what an operator does about a change whose new voters never catch up,
// because one of them is gone for good: it is cancelled.
func (w *world) unblockChange() {
	leader := w.leader()
	if leader == nil || !w.isCatchingUp(leader) {
		return
	}
	m := leader.core.Membership()
	if slices.ContainsFunc(change.Newcomers(m), func(id wire.NodeID) bool { return w.nodes[id-1].lost }) {
		w.ask(CancelChange, &roster{slices.Clone(m.Voters), without(m.TargetLearners, m.Voters)}, false)
	}
}

// repairAll makes voters again of those that have lost their disks, one by one.
func (w *world) repairAll() {
	for tries := 0; tries < repairsMax*w.plan.nodes; tries++ {
		leader := w.leader()
		if w.check.Violation() != nil || leader == nil {
			return
		}
		i := slices.IndexFunc(w.nodes, func(n *node) bool { return !n.lost && w.isForgotten(n, leader.core.Membership()) })
		if i < 0 {
			return
		}
		r := leadsTo(leader.core.Membership())
		r.drop(w.nodes[i].id)
		w.change(r)
		r.voters = append(r.voters, w.nodes[i].id)
		w.change(r)
	}
	w.stuck("a voter that lost its disk is not made one again")
}

// change asks for members until they are those that there are, and the group has settled.
func (w *world) change(r roster) {
	slices.Sort(r.voters)
	for range repairsMax {
		w.ask(Repair, &r, false)
		settled := w.waitFor(func() bool {
			leader := w.leader()
			return leader != nil && slices.Equal(leader.core.Membership().Voters, r.voters) && w.isSettled()
		}, w.patience(idleTimeouts))
		if settled || w.check.Violation() != nil {
			return
		}
	}
	w.stuck(fmt.Sprintf("the voters do not become %d", r.voters))
}

// checkMembership demands that nodes that are not members leave the others alone, and know
// that they were removed if there is anybody who could tell them.
func (w *world) checkMembership() {
	leader := w.leader()
	if w.check.Violation() != nil || leader == nil {
		return
	}
	outside := slices.DeleteFunc(slices.Clone(w.nodes), func(n *node) bool { return n.lost || leader.hasMember(n.id) })
	if len(outside) == 0 {
		return
	}
	term := leader.view.Term
	w.waitFor(func() bool { return false }, calmTimeouts)
	if now := w.leader(); w.check.Violation() == nil && (now != leader || now.view.Term != term) && !handedOver(leader, now, term) {
		w.check.Report(&safety.Violation{Invariant: undisturbed, Detail: fmt.Sprintf("node %d led in term %d, and does not any more", leader.id, term)})
	}
	for _, n := range outside {
		ignorant := func() bool { return n.ignoresRemoval(leader) }
		if ignorant() && !w.waitFor(func() bool { return !ignorant() }, w.patience(idleTimeouts)) {
			w.check.Report(&safety.Violation{
				Invariant: knowsIt, Detail: fmt.Sprintf("node %d takes itself for a member of %+v, %+v", n.id, *n.core.Membership(), n.core.Standing()),
			})
		}
	}
}

// handedOver reports whether who leads now was handed the leadership of an earlier term for its
// higher priority.
func handedOver(before, now *node, term wire.Term) bool {
	if now == nil || now.view.Term != term+1 {
		return false
	}
	m := now.core.Membership()
	return m.Priority(now.id) > m.Priority(before.id)
}

// ignoresRemoval reports whether a node that is no member takes itself for a voter though it
// could know better: one that asks for votes is told, if a member is among those it asks.
func (n *node) ignoresRemoval(leader *node) bool {
	if !n.up || n.brief.StateLost || n.core.Standing().RemovedAt > 0 {
		return false
	}
	m := n.core.Membership()
	return m.IsVoter(n.id) && n.w.check.IsMeant(m, n.id) && slices.ContainsFunc(m.Voters, func(id wire.NodeID) bool {
		return leader.hasMember(id) && !n.w.nodes[id-1].lost
	})
}

// mayInitialize reports whether the operator, or the application at each start, may form the
// group on a node: it is a founding member, and either there is no group yet, or some founding
// member still has a disk that knows better, so that the group is not formed a second time
// beside the first. That nobody could prevent.
func (n *node) mayInitialize() bool {
	w := n.w
	if !n.isFounder() {
		return false
	}
	return w.check.Membership() == nil || slices.ContainsFunc(w.nodes, func(other *node) bool {
		return other.isFounder() && w.check.KnowsGroup(other.id)
	})
}
