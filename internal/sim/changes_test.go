// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// changingPlan is a cluster without faults, of which some nodes are spare.
func changingPlan(nodes, spares int) plan {
	p := steadyPlan(nodes, 100*time.Millisecond)
	p.changes = changePlan{isOn: true, spares: spares, every: 2}
	p.initializers = 1<<(nodes-spares) - 1
	return p
}

// TestChangesHappen demands that everything about changes happens, though the seeds are few.
func TestChangesHappen(t *testing.T) {
	skipInRace(t)
	var sum ChangeCounts
	var counts Counts
	for seed := uint64(1); seed <= 8; seed++ {
		r := Run(Options{Seed: seed, shape: func(p *plan) {
			*p = changingPlan(6, 3)
			p.rate, p.duration, p.faults = 100, 10*time.Second, changeFaults().With(EmptyDisk).With(CrashPower)
		}})
		if r.Violation != nil {
			t.Fatalf("seed %d: %v", seed, r.Violation)
		}
		sum.Add(&r.Changes)
		for f, count := range r.Counts {
			counts[f] += count
		}
	}
	if sum.Begun == 0 || sum.CaughtUp == 0 || sum.Joint == 0 || sum.Final == 0 || sum.OneStep == 0 || sum.Retargeted == 0 ||
		sum.Cancelled == 0 || sum.Refused == 0 || sum.KilledIn.CatchUp == 0 || sum.KilledIn.Joint == 0 || sum.KilledIn.Final == 0 {
		t.Errorf("%+v", sum)
	}
	for f := AddMember; f <= Repair; f++ {
		if counts[f] == 0 {
			t.Errorf("%v never happened", f)
		}
	}
}

// newChanging is a cluster with a leader and spare nodes.
func newChanging(t *testing.T, nodes, spares int) *amnesia {
	t.Helper()
	s := &amnesia{world: newWorld(&Options{Seed: 1, shape: func(p *plan) { *p = changingPlan(nodes, spares) }})}
	for _, n := range s.nodes {
		s.after(0, n.start)
	}
	s.must(t, "a leader", func() bool { return s.leader() != nil && s.check.Membership() != nil })
	s.a = s.leader()
	return s
}

// TestChangeGoesOnWithoutItsLeader kills the leader as soon as a change has begun, and then each
// time that a next step is in its log: the change goes on to its end under others.
func TestChangeGoesOnWithoutItsLeader(t *testing.T) {
	s := newChanging(t, 6, 3)
	for _, isNext := range []func(m *wire.Membership) bool{
		(*wire.Membership).IsChanging, (*wire.Membership).IsJoint, func(m *wire.Membership) bool { return m.IsVoter(4) && !m.IsChanging() },
	} {
		if s.a.up && !s.a.core.Membership().IsChanging() {
			raft.ChangeDriven(s.a.driver, s.a.group, s.target(&roster{voters: []wire.NodeID{4, 5, 6}}))
			s.a.listen()
		}
		s.must(t, "the next step", func() bool { l := s.leader(); return l != nil && isNext(l.core.Membership()) })
		s.leader().crash(KillInJoint, true)
	}
	s.must(t, "the end of the change", func() bool {
		l := s.leader()
		return l != nil && l.id > 3 && s.isUnchanging(l) && !l.hasMember(1) && !l.hasMember(2) && !l.hasMember(3)
	})
	if c := s.changes.ChangeCounts; c.Joint != 1 || c.Final != 1 || c.CaughtUp != 3 {
		t.Errorf("%+v", c)
	}
}

// TestWhoWasRemovedWhileDownLearnsIt lets a member sleep while it is removed.
func TestWhoWasRemovedWhileDownLearnsIt(t *testing.T) {
	s := newChanging(t, 3, 0)
	b := s.nodes[int(s.a.id)%3]
	b.down(true)
	s.changeTo(t, membersWithout(s.members(), b.id))
	s.runFor(10)
	b.start()
	term := s.a.view.Term
	if !b.ignoresRemoval(s.a) {
		t.Fatal("it knows that it was removed before anybody has said so")
	}
	s.must(t, "it to learn that it was removed", func() bool { return !b.ignoresRemoval(s.a) })
	s.runFor(50)
	if s.a.view.Term != term || !s.a.view.Leads {
		t.Errorf("it has disturbed: the leader is in term %d, was in %d", s.a.view.Term, term)
	}
}

// TestSpareDisks says whose disks may be damaged while members change.
func TestSpareDisks(t *testing.T) {
	s := newChanging(t, 5, 2)
	spare := func() (ids []wire.NodeID) {
		for _, n := range s.nodes {
			if s.isSpare(n) {
				ids = append(ids, n.id)
			}
		}
		return ids
	}
	if got := spare(); len(got) != 5 {
		t.Errorf("one of three, and those that are spare: %d", got)
	}
	s.nodes[2].disk.rotten = true
	if got := spare(); len(got) != 3 || got[0] != 3 {
		t.Errorf("node 3 is damaged, and only those that are spare may be, too: %d", got)
	}
	s.changes.targeted = []wire.NodeID{3, 4, 5}
	if got := spare(); len(got) != 1 {
		t.Errorf("they are to be voters now: %d", got)
	}
}
