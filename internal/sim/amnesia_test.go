// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// These tests say what becomes of a member that comes back with an empty disk, or with an
// older one, under its old name (P6, D17). With an empty one it is somebody else: it does not
// vote until it has been removed and added again (I16, M4). With an older disk it has the right
// incarnation, and that test ends in a violation on purpose: nobody can tell.

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

// A member that comes back with an empty disk votes for nobody: so the cluster is without a
// leader, and nothing is lost.
func TestEmptyMemberDoesNotVote(t *testing.T) {
	s := newAmnesia(t)
	s.forget()
	s.a.down(true)
	s.onlyLink(s.b, s.c)
	s.wantNoLeader(t)
}

// wantNoLeader demands that nobody is elected, so that nothing is lost, until A is back.
func (s *amnesia) wantNoLeader(t *testing.T) {
	t.Helper()
	s.runFor(50)
	if v := s.check.Violation(); v != nil {
		t.Fatal(v)
	}
	if s.leader() != nil {
		t.Fatal("a member that had lost its disk has helped to elect a leader")
	}
	s.net.heal()
	s.a.start()
	s.must(t, "recovery once A is back", func() bool { return s.check.Committed() > s.lost && s.isFollowed() && s.isLevel() })
}

// The leader under which a member forgets notices that it answers with another disk, and
// brings it up to date again. But what it acknowledges commits nothing, and neither does it vote:
// it may have voted for another one before.
func TestEmptyMemberIsFedBySameLeader(t *testing.T) {
	s := newAmnesia(t)
	s.forget()
	s.work.propose(s.a, opBytes)
	s.must(t, "B to have everything", func() bool { return s.b.view.Durable == s.a.view.Durable && s.a.view.Durable > s.lost })
	s.must(t, "A to find that it has no quorum", func() bool { return !s.a.view.Leads })
	if s.work.acked != 2 || s.check.Committed() > s.lost {
		t.Fatalf("%d commands are acknowledged, and entry %d is committed with the help of a disk that has lost what it promised",
			s.work.acked, s.check.Committed())
	}
	s.a.down(true)
	s.onlyLink(s.b, s.c)
	s.wantNoLeader(t)
}

// Another leader feeds the empty member from the start. As soon as it has the first entry it
// knows the group, though it does not hold again what it had acknowledged. Here A is elected
// once more by C, which then is cut off before it gets anything, feeds B a part, and dies.
func TestEmptyMemberDoesNotVoteTooSoon(t *testing.T) {
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
	s.wantNoLeader(t)
}

// The same where an application forms its group anew at each start: the empty member takes
// itself for a new one. A group is formed with all votes, and C knows better.
func TestEmptyMemberThatIsInitializedAgain(t *testing.T) {
	s := newAmnesia(t)
	s.plan.initializers = 1<<3 - 1
	s.b.down(true)
	s.a.down(true)
	s.b.empty()
	s.b.start()
	s.onlyLink(s.b, s.c)
	s.wantNoLeader(t)
}

// Two of three that have lost their disks, and are initialized again, do not form the group
// anew: they need the vote of A, which knows better. That is the end of the group, unless
// somebody forces it.
func TestTwoEmptyMembersFormNoGroup(t *testing.T) {
	s := newAmnesia(t)
	s.plan.initializers = 1<<3 - 1
	for _, n := range s.nodes {
		n.down(true)
	}
	s.b.empty()
	s.c.empty()
	s.b.start()
	s.c.start()
	s.net.heal()
	for range 2 {
		s.runFor(50)
		if v := s.check.Violation(); v != nil {
			t.Fatal(v)
		}
		if s.leader() != nil {
			t.Fatal("members that had lost their disks have elected a leader")
		}
		s.a.start()
	}
}

// An empty member votes again when it has been removed and added, which makes it catch up
// first.
func TestEmptyMemberVotesWhenAddedAgain(t *testing.T) {
	s := newAmnesia(t)
	s.forget()
	s.net.heal()
	s.must(t, "everybody to have everything", s.isLevel)
	m := s.a.core.Membership()
	if s.check.IsMeant(m, s.b.id) {
		t.Fatal("it is taken for who it was")
	}
	all := s.members()
	s.changeTo(t, membersWithout(all, s.b.id))
	s.changeTo(t, all)
	s.must(t, "everybody to have everything", s.isLevel)
	if m := s.a.core.Membership(); !m.IsVoter(s.b.id) || !s.check.IsMeant(m, s.b.id) {
		t.Fatalf("it is not taken for who it is: %+v", m)
	}
	s.a.down(true)
	s.must(t, "another leader, with its vote", func() bool { return s.b.view.Leads || s.c.view.Leads })
}

// changeTo makes the voters those given, and waits until that is committed.
func (s *amnesia) changeTo(t *testing.T, voters []raft.Member) {
	t.Helper()
	raft.ChangeDriven(s.a.driver, s.a.group, raft.MembershipTarget{Voters: voters})
	s.a.listen()
	s.must(t, "a change of membership", func() bool {
		m := s.a.core.CommittedMembership()
		return !m.IsChanging() && len(m.Voters) == len(voters) && s.a.core.Standing().At == s.a.core.Standing().CommittedAt
	})
}

func membersWithout(members []raft.Member, id wire.NodeID) []raft.Member {
	return slices.DeleteFunc(slices.Clone(members), func(m raft.Member) bool { return m.ID == id })
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
