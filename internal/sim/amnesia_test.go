// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// These tests say what happens to a member that comes back with an empty disk, or with an
// older one, under its old name (P6, D17): what the library does against it, and what it
// cannot as long as it does not tell such a member from one that is merely behind (I16,
// M4). The latter ones end in a violation on purpose. Once members have incarnations, they
// must be turned round.

// amnesia is a cluster of three in which C, which has been cut off, lacks a command that A,
// the leader, and B have acknowledged. Messages carry one entry each.
type amnesia struct {
	*world
	a, b, c *node
	// lost is the command's place, older B's disk before it.
	lost       wire.Index
	older      *vfs.Mem
	olderState []wire.Update
}

func newAmnesia(t *testing.T) *amnesia {
	t.Helper()
	w := newWorld(&Options{Seed: 1, shape: func(p *plan) {
		*p = steadyPlan(3, 150*time.Millisecond)
		p.batchMax, p.inflightMessages = 1, 1
	}})
	for _, n := range w.nodes {
		w.after(0, n.start)
	}
	s := &amnesia{world: w}
	s.must(t, "a leader", w.isFollowed)
	w.work.propose(w.leader(), opBytes)
	s.must(t, "a command on all nodes", func() bool { return w.check.Committed() == 3 && w.isFollowed() && w.isLevel() })
	w.plan.initializers = 0
	s.a = w.leader()
	s.b, s.c = w.nodes[int(s.a.id)%3], w.nodes[int(s.a.id+1)%3]
	s.older, s.olderState = s.b.disk.mem.CrashClone(vfs.KeepAll), s.b.stored(t)
	w.cutBy(func(from, to wire.NodeID) bool { return from != s.c.id && to != s.c.id })
	w.work.propose(s.a, opBytes)
	s.must(t, "a command on two nodes", func() bool { return w.work.acked == 2 && s.b.view.Durable == s.a.view.Durable })
	s.lost = s.a.view.Last
	return s
}

// stored is what the node's disk holds.
func (n *node) stored(t *testing.T) []wire.Update {
	t.Helper()
	state, err := n.log.Load(groupID)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := n.log.Entries(groupID, 1, state.Last, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return []wire.Update{{Group: groupID, HardState: state.HardState, Entries: entries}}
}

// isLevel reports whether all nodes hold as much.
func (w *world) isLevel() bool {
	for _, n := range w.nodes {
		if n.view.Durable != w.nodes[0].view.Durable {
			return false
		}
	}
	return true
}

// must lets everything happen until something is the case.
func (s *amnesia) must(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	if !s.stepUntil(isSo) {
		t.Fatalf("%s: does not come: %v", what, s.check.Violation())
	}
}

// forget lets B come back with an empty disk.
func (s *amnesia) forget() {
	s.b.down(true)
	s.b.empty()
	s.b.start()
}

// onlyLink leaves one link, in both directions.
func (s *amnesia) onlyLink(x, y *node) {
	s.cutBy(func(from, to wire.NodeID) bool { return from == x.id && to == y.id || from == y.id && to == x.id })
}

// wantLoss demands that C is elected though it lacks what was acknowledged, and that the
// invariants see it.
func (s *amnesia) wantLoss(t *testing.T) {
	t.Helper()
	s.stepUntil(func() bool { return false })
	v := s.check.Violation()
	if v == nil {
		t.Fatal("the command is not lost: if the library prevents that now, this test is to demand it")
	}
	if !strings.HasPrefix(v.Invariant, "I6 ") && !strings.HasPrefix(v.Invariant, "I9 ") && !strings.HasPrefix(v.Invariant, "I11 ") {
		t.Fatalf("seen as %v", v)
	}
}

// A member that knows of no group votes for nobody but in the very first election: so the
// cluster is without a leader, and nothing is lost.
func TestEmptyMemberDoesNotVote(t *testing.T) {
	s := newAmnesia(t)
	s.forget()
	s.a.down(true)
	s.onlyLink(s.b, s.c)
	s.runFor(50)
	if v := s.check.Violation(); v != nil {
		t.Fatal(v)
	}
	if s.leader() != nil {
		t.Fatal("a member that had lost everything has helped to elect a leader")
	}
	s.net.heal()
	s.a.start()
	s.must(t, "recovery once the leader is back", func() bool { return s.check.Committed() > s.lost })
	s.must(t, "everybody to have everything", s.isLevel)
}

// The leader under which a member forgets does not bring it up to date again: it takes it
// for one that holds what it acknowledged. It neither counts it for anything new.
func TestEmptyMemberIsNotFedBySameLeader(t *testing.T) {
	s := newAmnesia(t)
	s.forget()
	s.work.propose(s.a, opBytes)
	s.runFor(20)
	if v := s.check.Violation(); v != nil {
		t.Fatal(v)
	}
	if s.leader() != s.a || s.b.view.Last != 0 || s.check.Committed() != s.lost {
		t.Fatalf("the leader is %v, B is at %+v, committed is %d", s.leader() == s.a, s.b.view, s.check.Committed())
	}
	s.net.heal()
	s.must(t, "the command with the help of C", func() bool { return s.check.Committed() > s.lost })
	s.a.restart()
	s.must(t, "everybody to have everything, under another leader", func() bool { return s.isFollowed() && s.isLevel() })
}

// The hole: another leader feeds the empty member from the start. As soon as it has the
// first entry it knows the group and votes again, though it does not hold again what it
// had acknowledged. Here A is elected once more by C, which then is cut off before it gets
// anything, feeds B a part, and dies.
func TestEmptyMemberVotesTooSoon(t *testing.T) {
	s := newAmnesia(t)
	s.forget()
	s.a.down(true)
	s.a.start()
	s.onlyLink(s.a, s.c)
	term := s.c.view.Term
	s.must(t, "C to vote", func() bool { return s.c.view.Term > term })
	s.net.cut(s.a.id, s.c.id, true)
	s.must(t, "A to lead again", func() bool { return s.a.view.Leads })
	s.onlyLink(s.a, s.b)
	s.must(t, "B to know the group", func() bool { return s.b.view.Durable > 0 })
	if s.b.view.Last >= s.lost {
		t.Fatal("the stage is not set")
	}
	s.a.down(true)
	s.onlyLink(s.b, s.c)
	s.wantLoss(t)
}

// The same without any subtlety, where an application forms its group anew at each start:
// the empty member then takes itself for a new one.
func TestEmptyMemberThatIsInitializedAgain(t *testing.T) {
	s := newAmnesia(t)
	s.plan.initializers = 1<<3 - 1
	s.b.down(true)
	s.a.down(true)
	s.b.empty()
	s.b.start()
	s.onlyLink(s.b, s.c)
	s.wantLoss(t)
}

// An older disk is not told from the newest one by anything: the folder's incarnation is
// the same, and so is all that peers know of it. It votes at once.
func TestOlderDiskVotesAtOnce(t *testing.T) {
	s := newAmnesia(t)
	s.b.down(true)
	// It is not held to what it did, but to be as it once was.
	s.check.Empties(s.b.id)
	s.check.SaveBegins(s.b.id, s.olderState)
	s.b.disk.mem = s.older
	s.b.start()
	s.a.down(true)
	s.onlyLink(s.b, s.c)
	s.wantLoss(t)
}

// TestSpareMemberMayForget is the condition under which the fault happens in seeds: what
// the member held, others hold, and more than enough of them.
func TestSpareMemberMayForget(t *testing.T) {
	s := newAmnesia(t)
	if s.check.IsSpare(s.b.id) || s.check.IsSpare(s.a.id) || !s.check.IsSpare(s.c.id) {
		t.Fatal("only C, which was cut off, has nothing that others lack")
	}
	s.net.heal()
	s.must(t, "everybody to have everything", s.isLevel)
	if !s.check.IsSpare(s.b.id) || s.check.IsSpare(s.a.id) {
		t.Fatal("B's entries are on a quorum of others now; A has voted for itself")
	}
	s.forget()
	s.a.restart()
	s.must(t, "B to have everything, under another leader", func() bool { return s.isFollowed() && s.isLevel() && s.b.view.Last > s.lost })
}
