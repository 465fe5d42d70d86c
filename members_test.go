// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// add starts a node that is no member of anything yet.
func (c *cluster) add(id raft.NodeID) raft.Member {
	c.members[id] = &member{id: id, log: mem.NewLog()}
	c.start(id)
	return raft.Member{ID: id, Address: fmt.Sprint("node-", id)}
}

// discard stops a node for good.
func (c *cluster) discard(id raft.NodeID) {
	c.stop(id)
	delete(c.members, id)
}

// serving returns the member that leads in the highest term, when it has committed something
// in it. Unlike leader, it does not count who follows.
func (c *cluster) serving() *member {
	c.t.Helper()
	var leader *member
	c.await("a leader of the highest term", func() bool {
		leader = nil
		term := raft.Term(0)
		for _, m := range c.members {
			if s := m.group.Status(); m.node != nil && s.Term > term {
				term = s.Term
			}
		}
		for _, m := range c.members {
			if s := m.group.Status(); m.node != nil && s.Role == raft.RoleLeader && s.Term == term && s.CommitIndex > 0 {
				leader = m
			}
		}
		return leader != nil
	})
	return leader
}

// change changes the membership on whoever leads, again if leadership is lost meanwhile.
func (c *cluster) change(do func(g *raft.Group) error) {
	c.t.Helper()
	for range 20 {
		err := do(c.serving().group)
		if err == nil {
			return
		}
		if !errors.Is(err, raft.ErrChangeNotLeader) && !errors.Is(err, raft.ErrChangeTooEarly) {
			c.t.Fatal(err)
		}
		c.pass(electionTimeout)
	}
	c.t.Fatal("nobody could be asked for a change")
}

func (c *cluster) voters() []raft.NodeID { return c.serving().group.Status().Membership.Voters }

// TestGrowReplaceShrink takes a group from one member to three, replaces each of the three,
// and goes back to one, with writes in between.
func TestGrowReplaceShrink(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		ctx, n := c.t.Context(), 0
		write := func() {
			n++
			c.propose(c.serving(), fmt.Sprint("w", n), 5*time.Second)
		}
		write()
		for id := raft.NodeID(2); id <= 3; id++ {
			joining := c.add(id)
			c.change(func(g *raft.Group) error { return g.AddVoter(ctx, joining) })
			write()
		}
		if got := c.voters(); !slices.Equal(got, []raft.NodeID{1, 2, 3}) {
			t.Fatalf("the voters are %d", got)
		}
		for id := raft.NodeID(1); id <= 3; id++ {
			joining := c.add(id + 3)
			c.change(func(g *raft.Group) error { return g.Replace(ctx, id, joining) })
			write()
			c.await("the removed node to know", func() bool { return c.members[id].group.Status().RemovedAt > 0 })
			c.discard(id)
		}
		if got := c.voters(); !slices.Equal(got, []raft.NodeID{4, 5, 6}) {
			t.Fatalf("the voters are %d", got)
		}
		for id := raft.NodeID(4); id <= 5; id++ {
			c.change(func(g *raft.Group) error { return g.Remove(ctx, id) })
			write()
			c.discard(id)
		}
		if got := c.awaitEqual(); len(got) != n {
			t.Errorf("%d commands were acknowledged, and there are %d", n, len(got))
		}
	})
}

// TestDemoteAndPromote: a voter becomes a learner and votes again; the plan says how.
func TestDemoteAndPromote(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.t.Context()
		other := c.follower().id
		c.change(func(g *raft.Group) error { return g.Demote(ctx, other) })
		if s := c.serving().group.Status(); !slices.Equal(s.Membership.Learners, []raft.NodeID{other}) || len(s.Membership.Voters) != 2 {
			t.Fatalf("after it was demoted: %+v", s.Membership)
		}
		plan, err := c.serving().group.PlanMembership(raft.MembershipTarget{Voters: c.addresses()})
		if err != nil || len(plan.Steps) != 4 || plan.Refusal != nil || len(plan.CatchUp) != 1 || plan.Steps[2].Tolerates != 0 || plan.Steps[3].Tolerates != 1 {
			t.Fatalf("the plan is %+v, %v", plan, err)
		}
		c.change(func(g *raft.Group) error { return g.Promote(ctx, other) })
		if got := c.voters(); len(got) != 3 {
			t.Fatalf("the voters are %d", got)
		}
	})
}

// TestChangeThatRisksTheQuorum is refused, with numbers, unless it is forced.
func TestChangeThatRisksTheQuorum(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.serving()
		var others []raft.NodeID
		for id := range c.members {
			if id != leader.id {
				others = append(others, id)
			}
		}
		c.stop(others[0])
		c.pass(2 * electionTimeout)
		err := leader.group.Remove(c.t.Context(), others[1])
		if !errors.Is(err, raft.ErrQuorumAtRisk) || !errors.Is(err, raft.ErrChangeRefused) {
			t.Fatalf("to remove one of the two that are left: %v", err)
		}
		target := raft.MembershipTarget{Voters: []raft.Member{{ID: leader.id, Address: "a"}, {ID: others[0], Address: "b"}}}
		plan, err := leader.group.PlanMembership(target)
		if err != nil || !errors.Is(plan.Refusal, raft.ErrQuorumAtRisk) || len(plan.Reasons) != 1 {
			t.Fatalf("the plan is %+v, %v", plan, err)
		}
		if !strings.Contains(plan.Reasons[0], "2 are needed") {
			t.Errorf("the reason is %q", plan.Reasons[0])
		}
		target.Voters = []raft.Member{{ID: others[0], Address: "b"}, {ID: 9, Address: "c"}}
		plan, err = leader.group.PlanMembership(target)
		if err != nil || len(plan.Reasons) != 1 || !strings.Contains(plan.Reasons[0], "(node 9 counts, and has to catch up first)") {
			t.Errorf("with a new one: %q, %v", plan.Reasons, err)
		}
	})
}

// TestLearnerThatNeverStarts holds up nothing, and the change can be cancelled.
func TestLearnerThatNeverStarts(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
		defer cancel()
		leader := c.serving()
		err := leader.group.AddVoter(ctx, raft.Member{ID: 9, Address: "nowhere"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a voter that never starts was added: %v", err)
		}
		c.propose(leader, "meanwhile", time.Second)
		c.change(func(g *raft.Group) error { return g.Remove(c.t.Context(), 9) })
		if s := c.serving().group.Status(); s.Membership.IsChanging() || s.Membership.Contains(9) {
			t.Fatalf("after it was cancelled: %+v", s.Membership)
		}
	})
}

// TestWipedVoter: a node that comes back under its ID with an empty disk does not vote, is
// seen to have lost its disk, and votes again once it was removed and added.
func TestWipedVoter(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		wiped := c.follower().id
		c.propose(c.serving(), "before", time.Second)
		c.discard(wiped)
		joining := c.add(wiped)
		if err := c.members[wiped].group.Initialize(c.t.Context(), c.addresses()...); err != nil {
			t.Fatal(err)
		}
		c.await("it to be noticed", func() bool {
			return slices.ContainsFunc(c.serving().group.Status().Peers, func(p raft.PeerStatus) bool { return p.ID == wiped && p.LostDisk })
		})
		if s := c.serving().group.Status(); !slices.ContainsFunc(s.Troubles, func(t raft.Trouble) bool { return strings.Contains(t.What, "another data folder") }) ||
			!finds(&s, "logged") {
			t.Errorf("the leader has logged %+v, and says %+v", s.Troubles, s.Explain())
		}
		c.awaitEqual()
		for id := range c.members {
			if id != wiped {
				c.stop(id)
			}
		}
		c.pass(20 * electionTimeout)
		if s := c.members[wiped].group.Status(); s.Role != raft.RoleFollower {
			t.Fatalf("a wiped member is a %v", s.Role)
		}
		for id := range c.members {
			if id != wiped {
				c.start(id)
			}
		}
		c.await("it to be noticed again", func() bool {
			return slices.ContainsFunc(c.serving().group.Status().Peers, func(p raft.PeerStatus) bool { return p.ID == wiped && p.LostDisk })
		})
		if err := c.serving().group.AddVoter(c.t.Context(), joining); !errors.Is(err, raft.ErrChangeRefused) {
			t.Fatalf("a voter that was wiped is added, though it has not been removed: %v", err)
		}
		c.change(func(g *raft.Group) error { return g.Remove(c.t.Context(), wiped) })
		c.change(func(g *raft.Group) error { return g.AddVoter(c.t.Context(), joining) })
		c.await("it to be trusted", func() bool {
			return !slices.ContainsFunc(c.serving().group.Status().Peers, func(p raft.PeerStatus) bool { return p.LostDisk })
		})
	})
}

// TestTransferAndDrain: leadership goes where it is told to, and not where it must not.
func TestTransferAndDrain(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.t.Context()
		to := c.follower()
		if err := c.serving().group.TransferLeadership(ctx, to.id); err != nil {
			t.Fatal(err)
		}
		if got := c.serving(); got != to {
			t.Fatalf("%d leads, not %d", got.id, to.id)
		}
		if err := to.group.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		if !to.group.Status().Drained {
			t.Error("Drain has returned, and Status does not show it")
		}
		c.await("another leader", func() bool { return c.serving() != to })
		for range 3 {
			_ = c.serving().group.TransferLeadership(ctx, to.id)
			if c.serving() == to {
				t.Fatal("a member that was told not to lead leads")
			}
		}
		if err := to.group.Undrain(ctx); err != nil {
			t.Fatal(err)
		}
		if err := c.serving().group.TransferLeadership(ctx, to.id); err != nil || c.serving() != to {
			t.Fatalf("%d leads, %v", c.serving().id, err)
		}
	})
}

// TestShortFormsAskTheLeader: who does not lead may not know the members, so that it says nothing
// of them but whom to ask.
func TestShortFormsAskTheLeader(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		joining := c.add(4)
		ctx := c.t.Context()
		for _, asked := range []*member{c.members[4], c.follower()} {
			for name, err := range map[string]error{
				"remove": asked.group.Remove(ctx, 9), "promote": asked.group.Promote(ctx, 9), "demote": asked.group.Demote(ctx, 9),
				"replace": asked.group.Replace(ctx, 9, joining), "update-address": asked.group.UpdateAddress(ctx, 9, "x"),
				"add-voter": asked.group.AddVoter(ctx, joining), "add-learner": asked.group.AddLearner(ctx, raft.Member{ID: 1, Address: "x"}),
			} {
				if !errors.Is(err, raft.ErrChangeNotLeader) || errors.Is(err, raft.ErrNotMember) {
					t.Errorf("%s on node %d, which does not lead: %v", name, asked.id, err)
				}
			}
		}
		if err := c.serving().group.Remove(ctx, 9); !errors.Is(err, raft.ErrNotMember) || !errors.Is(err, raft.ErrChangeRefused) {
			t.Errorf("remove a stranger: %v", err)
		}
	})
}

// TestReplace: asked for again it is the same change, and what would not put a node in the place of
// another is refused.
func TestReplace(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.t.Context()
		other := c.follower().id
		third := 6 - other - c.serving().id
		for name, by := range map[string]raft.Member{
			"by a voter": {ID: third, Address: "node-0"}, "by itself": {ID: other, Address: "node-0"},
		} {
			if err := c.serving().group.Replace(ctx, other, by); !errors.Is(err, raft.ErrChangeRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := c.voters(); len(got) != 3 {
			t.Fatalf("the voters are %d", got)
		}
		joining := raft.Member{ID: 4, Address: "node-4"}
		for range 2 { // Node 4 is not there yet.
			short, cancel := context.WithTimeout(ctx, electionTimeout/2)
			defer cancel()
			if err := c.serving().group.Replace(short, other, joining); !errors.Is(err, raft.ErrChangeGoesOn) {
				t.Fatalf("asked for while it waits: %v", err)
			}
		}
		c.add(4)
		for range 2 {
			c.change(func(g *raft.Group) error { return g.Replace(ctx, other, joining) })
		}
		if got := c.voters(); !slices.Contains(got, 4) || slices.Contains(got, other) || len(got) != 3 {
			t.Errorf("the voters are %d", got)
		}
	})
}

// TestRemoveAgain: to remove whom a change that is under way removes is to wait for it.
func TestRemoveAgain(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader, other := c.serving(), c.follower().id
		var target []raft.Member
		for _, m := range append(c.addresses(), raft.Member{ID: 9, Address: "nowhere"}) {
			if m.ID != other {
				target = append(target, m)
			}
		}
		ask := func(do func(ctx context.Context) error) {
			short, cancel := context.WithTimeout(c.t.Context(), electionTimeout/2)
			defer cancel()
			if err := do(short); !errors.Is(err, raft.ErrChangeGoesOn) {
				t.Errorf("a change that waits for node 9: %v", err)
			}
		}
		ask(func(ctx context.Context) error {
			return leader.group.ChangeMembership(ctx, raft.MembershipTarget{Voters: target})
		})
		ask(func(ctx context.Context) error { return leader.group.Remove(ctx, other) })
	})
}
