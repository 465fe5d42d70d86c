// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/balsa-raft/raft"
)

// TestChangeWithoutTime: a context that has ended begins nothing, and one that ends before the
// loop has answered says that nobody knows, which is neither that it was refused nor that it goes on.
func TestChangeWithoutTime(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.serving()
		before := leader.group.Status().MembershipIndex
		target := raft.MembershipTarget{Voters: c.addresses(), Learners: []raft.Member{{ID: 9, Address: "nowhere"}}}
		ended, cancel := context.WithCancel(c.t.Context())
		cancel()
		for range 20 { // Which of two that are ready a select takes is chance.
			if err := leader.group.ChangeMembership(ended, target); !errors.Is(err, raft.ErrChangeRefused) || !errors.Is(err, context.Canceled) {
				t.Errorf("with a context that has ended: %v", err)
				break
			}
		}
		c.pass(electionTimeout)
		if s := leader.group.Status(); s.MembershipIndex != before {
			t.Errorf("the membership had index %d, and has %d", before, s.MembershipIndex)
		}

		ctx, cancel := context.WithCancel(c.t.Context())
		release := leader.group.HoldTurns()
		result := make(chan error, 1)
		go func() { result <- leader.group.ChangeMembership(ctx, target) }()
		leader.group.AwaitControl()
		cancel()
		err := <-result
		release()
		if !errors.Is(err, raft.ErrChangeUnknown) || errors.Is(err, raft.ErrChangeRefused) || errors.Is(err, raft.ErrChangeGoesOn) {
			t.Errorf("with a context that ends while the loop is busy: %v", err)
		}
		c.await("what nobody waits for", func() bool {
			s := leader.group.Status()
			return s.Membership.Contains(9)
		})
	})
}

// TestChangeEndsForWhoIsRemovedUnheard: a leader loses touch in the middle of a change that removes
// it, and another one ends the change. The first never gets that entry, only the news that it was
// removed; whoever waits there is let go.
func TestChangeEndsForWhoIsRemovedUnheard(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		old := c.serving()
		rest := slices.DeleteFunc([]raft.NodeID{1, 2, 3, 4}, func(id raft.NodeID) bool { return id == old.id })
		result := make(chan error, 1)
		go func() {
			result <- old.group.ChangeMembership(context.Background(), raft.MembershipTarget{Voters: addressesOf(rest...)})
		}()
		c.await("all to know of the change", func() bool {
			return !slices.ContainsFunc([]raft.NodeID{1, 2, 3}, func(id raft.NodeID) bool {
				s := c.members[id].group.Status()
				return !s.Membership.IsChanging() || s.CommittedMembershipIndex != s.MembershipIndex
			})
		})
		c.network.Isolate(old.id)
		c.add(4)
		c.await("the others to end the change", func() bool {
			s := c.members[4].group.Status()
			return s.Membership.IsVoter(4) && !s.Membership.IsChanging()
		})
		c.pass(5 * electionTimeout) // They do not send it anything any more.
		c.network.Rejoin(old.id)
		c.await("it to hear that it was removed", func() bool { return old.group.Status().RemovedAt > 0 })
		c.pass(electionTimeout)
		synctest.Wait()
		select {
		case err := <-result:
			if !errors.Is(err, raft.ErrChangeGoesOn) {
				t.Errorf("whoever waited on the removed member is told: %v", err)
			}
		default:
			t.Error("whoever waits on the removed member waits for ever")
		}
	})
}

// TestChangeOfTooMany: the members on the way may be more than any group can have, though those at its
// ends are not; that is refused with the reason, by the plan, too.
func TestChangeOfTooMany(t *testing.T) {
	inBubble(t, 1, func(c *cluster) {
		leader := c.serving()
		var many []raft.Member
		for id := raft.NodeID(2); id <= 257; id++ {
			many = append(many, raft.Member{ID: id, Address: "nowhere"})
		}
		target := raft.MembershipTarget{Voters: many, Force: true}
		plan, err := leader.group.PlanMembership(target)
		if err != nil || !errors.Is(plan.Refusal, raft.ErrChangeRefused) || len(plan.Reasons) != 1 {
			t.Errorf("the plan is refused with %v, %v, %v", plan.Refusal, plan.Reasons, err)
		}
		err = leader.group.ChangeMembership(c.t.Context(), target)
		if !errors.Is(err, raft.ErrChangeRefused) || err.Error() == raft.ErrChangeRefused.Error() {
			t.Errorf("the change: %v, and no reason", err)
		}
	})
}

// TestPlanOfWhatIsUnderWay: what the core takes for on its way is not refused by the plan either.
func TestPlanOfWhatIsUnderWay(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader := c.serving()
		target := raft.MembershipTarget{Voters: append(c.addresses(), raft.Member{ID: 8, Address: "nowhere"})}
		c.network.Isolate(leader.id) // So that it is not committed.
		for range 2 {
			ctx, cancel := context.WithTimeout(c.t.Context(), electionTimeout/10)
			defer cancel()
			if err := leader.group.ChangeMembership(ctx, target); !errors.Is(err, raft.ErrChangeGoesOn) {
				t.Fatal(err)
			}
			plan, err := leader.group.PlanMembership(target)
			if err != nil || plan.Refusal != nil || len(plan.Steps) != 4 {
				t.Errorf("the plan is refused with %v: %q, %v", plan.Refusal, plan.Reasons, err)
			}
		}
		c.network.Rejoin(leader.id)
	})
}

// TestPlanWhileHandingOver: a leader that hands over begins no change, and its plan says so.
func TestPlanWhileHandingOver(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader, to := c.serving(), c.follower()
		c.network.Isolate(to.id)
		result := make(chan error, 1)
		go func() { result <- leader.group.TransferLeadership(c.t.Context(), to.id) }()
		c.await("a hand-over", func() bool { return leader.group.Status().Transferring == to.id })
		target := raft.MembershipTarget{Voters: c.addresses(), Learners: []raft.Member{{ID: 9, Address: "nowhere"}}}
		if err := leader.group.ChangeMembership(c.t.Context(), target); !errors.Is(err, raft.ErrChangeNotLeader) {
			t.Fatal(err)
		}
		plan, err := leader.group.PlanMembership(target)
		if err != nil || !errors.Is(plan.Refusal, raft.ErrChangeNotLeader) || len(plan.Reasons) != 1 {
			t.Errorf("the plan is refused with %v: %q, %v", plan.Refusal, plan.Reasons, err)
		}
		c.network.Rejoin(to.id)
		<-result
	})
}
