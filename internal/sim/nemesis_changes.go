// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// edits are the kinds of changes that are asked for. Each makes of the members that there are,
// or will be when the change under way is through, those that are to be, and reports false if
// it is out of place.
var edits = []struct {
	fault Fault
	do    func(w *world, leader *node, r *roster) bool
}{
	{AddMember, func(w *world, _ *node, r *roster) bool { return r.add(w, w.anyOf(w.outsiders(r))) }},
	{RemoveMember, func(w *world, _ *node, r *roster) bool {
		id := w.anyOf(slices.Concat(r.voters, r.learners))
		r.drop(id)
		return id != 0
	}},
	{ReplaceMember, func(w *world, _ *node, r *roster) bool {
		by, old := w.anyOf(w.outsiders(r)), w.anyOf(r.voters)
		r.drop(old)
		r.voters = append(r.voters, by)
		return by != 0 && old != 0
	}},
	{DemoteVoter, func(w *world, _ *node, r *roster) bool {
		id := w.anyOf(r.voters)
		r.drop(id)
		r.learners = append(r.learners, id)
		return id != 0
	}},
	{PromoteLearner, func(w *world, _ *node, r *roster) bool {
		id := w.anyOf(r.learners)
		r.drop(id)
		r.voters = append(r.voters, id)
		return id != 0
	}},
	{SwapVoters, (*world).swapVoters},
	{ChangeAddress, func(w *world, _ *node, r *roster) bool {
		w.changes.moves[w.anyOf(slices.Concat(r.voters, r.learners))]++
		return true
	}},
	{RemoveLeader, func(_ *world, leader *node, r *roster) bool {
		r.drop(leader.id)
		return true
	}},
	{AddAgain, func(w *world, _ *node, r *roster) bool { return r.add(w, w.anyOf(w.retired(r))) }},
	{AddAgainEmpty, (*world).addAgainEmpty},
	{AddAbsent, (*world).addAbsent},
	{Retarget, func(w *world, leader *node, r *roster) bool {
		return w.isCatchingUp(leader) && w.swapVoters(leader, r)
	}},
	{CancelChange, func(w *world, leader *node, r *roster) bool {
		m := leader.core.Membership()
		r.voters = slices.Clone(m.Voters)
		r.learners = without(m.TargetLearners, m.Voters)
		return w.isCatchingUp(leader)
	}},
}

// unleashChanges asks for changes now and then, if the seed has any.
func (w *world) unleashChanges() {
	if !w.plan.changes.isOn {
		return
	}
	for i := range edits {
		e := &edits[i]
		if w.plan.faults.Has(e.fault) {
			w.await(&action{e.fault, 2 * w.plan.changes.every, func(w *world) { w.edit(e.fault, e.do) }})
		}
	}
	if w.plan.faults.Has(Repair) {
		w.await(&action{Repair, 5, (*world).repair})
	}
}

// edit asks for a change, if the group can live with it: forced at times, when it may not be
// able to for a while.
func (w *world) edit(f Fault, do func(*world, *node, *roster) bool) {
	leader := w.leader()
	if leader == nil || w.check.Membership() == nil {
		return
	}
	r := leadsTo(leader.core.Membership())
	if !do(w, leader, &r) || !leader.up || !w.isLivable(leader, &r) {
		return
	}
	down := slices.ContainsFunc(r.voters, func(id wire.NodeID) bool { return !w.nodes[id-1].isUp() })
	w.ask(f, &r, down && w.has(ForceChange) && w.injecting.IntN(2) == 0)
}

// isLivable reports whether a majority of the voters to be can be counted on in the end.
func (w *world) isLivable(leader *node, r *roster) bool {
	sound := 0
	for _, id := range r.voters {
		if !w.isUnsound(w.nodes[id-1], leader.core.Membership()) {
			sound++
		}
	}
	return 2*sound > len(r.voters)
}

func (w *world) isCatchingUp(leader *node) bool {
	m := leader.core.Membership()
	return m.IsChanging() && !m.IsJoint()
}

func (w *world) anyOf(ids []wire.NodeID) wire.NodeID {
	if len(ids) == 0 {
		return 0
	}
	return ids[w.injecting.IntN(len(ids))]
}

// outsiders are the nodes that are not members, and run or will do so again.
func (w *world) outsiders(r *roster) (ids []wire.NodeID) {
	for _, n := range w.nodes {
		if !n.lost && !n.disk.rotten && !r.has(n.id) {
			ids = append(ids, n.id)
		}
	}
	return ids
}

// retired are those of them that were members.
func (w *world) retired(r *roster) []wire.NodeID {
	return slices.DeleteFunc(w.outsiders(r), func(id wire.NodeID) bool { return !w.changes.served[id] })
}

func without(ids, others []wire.NodeID) (rest []wire.NodeID) {
	for _, id := range ids {
		if !slices.Contains(others, id) {
			rest = append(rest, id)
		}
	}
	return rest
}

// add adds a node, which is to vote in two cases of three.
func (r *roster) add(w *world, id wire.NodeID) bool {
	if id == 0 {
		return false
	}
	if w.injecting.IntN(3) == 0 {
		r.learners = append(r.learners, id)
	} else {
		r.voters = append(r.voters, id)
	}
	return true
}

// swapVoters makes voters of those who are not, as far as there are any, and learners of some
// who were.
func (w *world) swapVoters(_ *node, r *roster) bool {
	next := roster{voters: append(w.outsiders(r), r.learners...)}
	if len(next.voters) == 0 {
		return false
	}
	for _, id := range r.voters {
		if w.injecting.IntN(4) == 0 {
			next.learners = append(next.learners, id)
		}
	}
	*r = next
	return true
}

// addAgainEmpty lets a node that was removed lose its disk, and adds it.
func (w *world) addAgainEmpty(_ *node, r *roster) bool {
	n := w.takeDown(AddAgainEmpty, w.anyOf(w.retired(r)))
	if n == nil {
		return false
	}
	n.empty()
	n.startSoon()
	return r.add(w, n.id)
}

// addAbsent adds a node that does not run, and in half the cases never will.
func (w *world) addAbsent(_ *node, r *roster) bool {
	n := w.takeDown(AddAbsent, w.anyOf(w.outsiders(r)))
	if n == nil {
		return false
	}
	if w.injecting.IntN(2) == 0 {
		n.lost = true
	} else {
		n.held = true
		w.later(func() {
			n.held = false
			n.startSoon()
		})
	}
	return r.add(w, n.id)
}

// takeDown ends the process of a node, if there is one and its disk can be spared.
func (w *world) takeDown(f Fault, id wire.NodeID) *node {
	if id == 0 || !w.isSpare(w.nodes[id-1]) {
		return nil
	}
	n := w.nodes[id-1]
	if n.up {
		n.down(true)
	}
	w.say(id, "%v", f)
	return n
}

// repair does what an operator does about a voter that has another disk than it had: it is
// removed, and then added again.
func (w *world) repair() {
	leader := w.leader()
	if leader == nil {
		return
	}
	m := leader.core.Membership()
	r := leadsTo(m)
	for _, n := range w.nodes {
		switch {
		case n.lost:
		case w.isForgotten(n, m) && r.has(n.id):
			r.drop(n.id)
			w.changes.repairing[n.id] = true
		case w.changes.repairing[n.id] && !m.Contains(n.id) && !r.has(n.id):
			w.changes.repairing[n.id] = false
			r.voters = append(r.voters, n.id)
		default:
			continue
		}
		if w.isLivable(leader, &r) {
			w.ask(Repair, &r, false)
		}
		return
	}
}
