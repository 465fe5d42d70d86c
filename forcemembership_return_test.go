// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

// abandoned makes three members with some commands, crashes two of them, and gives the group to the
// third, which has committed more since. The two can be started again, with what they had.
func abandoned(c *cluster) (left *member, old []raft.NodeID, had []string) {
	for n := range 5 {
		c.propose(c.leader(), fmt.Sprint("w", n), 5*time.Second)
	}
	c.awaitEqual()
	id := c.follower().id
	for other := range c.members {
		if other != id {
			old = append(old, other)
		}
	}
	slices.Sort(old)
	for _, other := range old {
		c.crash(other)
	}
	c.force(id, id)
	c.start(id)
	left = c.members[id]
	for n := range 3 {
		c.propose(left, fmt.Sprint("new", n), 3*electionTimeout)
	}
	return left, old, left.machine.applied()
}

// TestForcedIsNotDisturbedByOne: of the old members one comes back. It cannot lead, and the new group
// goes on as if nothing were.
func TestForcedIsNotDisturbedByOne(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		left, old, had := abandoned(c)
		term := left.group.Status().Term
		c.start(old[0])
		for n := range 20 {
			c.pass(electionTimeout)
			c.propose(left, fmt.Sprint("more", n), electionTimeout)
		}
		s := left.group.Status()
		if s.Role != raft.RoleLeader || s.Term != term {
			t.Errorf("its term was %d, and it is %v in term %d", term, s.Role, s.Term)
		}
		if got := left.machine.applied(); len(got) != len(had)+20 {
			t.Errorf("it has %d commands, want %d", len(got), len(had)+20)
		}
		if s := c.members[old[0]].group.Status(); s.Role == raft.RoleLeader || s.RemovedAt == 0 || s.CommitIndex > 7 {
			t.Errorf("the old one: %+v", s)
		}
	})
}

// TestForcedIsDrawnAwayByQuorum: the old members come back, enough of them to be a quorum. They lead
// the group that they know, and take the forced member for one of theirs: it does not serve any more as
// long as they are there. But it gives up nothing that it has committed, and takes nothing of theirs.
func TestForcedIsDrawnAwayByQuorum(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		left, old, had := abandoned(c)
		for _, id := range old {
			c.start(id)
		}
		c.await("the old members to lead", func() bool {
			return slices.ContainsFunc(old, func(id raft.NodeID) bool { return c.members[id].group.Status().Role == raft.RoleLeader })
		})
		c.await("the forced member to be drawn away", func() bool { return left.group.Status().Role != raft.RoleLeader })
		for _, id := range old {
			if c.members[id].group.Status().Role == raft.RoleLeader {
				c.propose(c.members[id], "theirs", 5*time.Second)
			}
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*electionTimeout)
		defer cancel()
		_, _ = left.group.Propose(ctx, []byte("whose?")) // It is for whoever leads; what matters is what is applied here.
		if got := left.machine.applied(); !slices.Equal(got, had) {
			t.Errorf("it had %q and has %q", had, got)
		}
		for _, id := range old {
			c.stop(id)
		}
		c.await("the forced member to lead again", func() bool { return left.group.Status().Role == raft.RoleLeader })
		c.propose(left, "at last", 5*time.Second)
		if got := left.machine.applied(); !slices.Equal(got, append(slices.Clone(had), "at last")) {
			t.Errorf("it had %q and has %q", had, got)
		}
	})
}
