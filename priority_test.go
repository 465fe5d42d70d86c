// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"testing"

	"github.com/balsa-raft/raft"
)

// TestPriority: leadership goes to whoever has the highest priority, and comes back to it
// after it was gone, also when it was given another address; it stays while it is drained.
func TestPriority(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.t.Context()
		chosen := c.follower()
		c.change(func(g *raft.Group) error { return g.SetPriority(ctx, chosen.id, 5) })
		c.await("the one of the highest priority to lead", func() bool { return c.serving() == chosen })

		if err := chosen.group.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		c.await("another leader", func() bool { return c.serving() != chosen })
		c.change(func(g *raft.Group) error {
			return g.AddVoter(ctx, raft.Member{ID: chosen.id, Address: "elsewhere"})
		})
		s := c.serving().group.Status()
		if got, _ := s.Membership.Member(chosen.id); got.Priority != 5 || got.Address != "elsewhere" {
			t.Errorf("it is %+v", got)
		}
		if err := chosen.group.Undrain(ctx); err != nil {
			t.Fatal(err)
		}
		c.await("the one of the highest priority to lead again", func() bool { return c.serving() == chosen })
		if err := chosen.group.SetPriority(ctx, 9, 1); err == nil {
			t.Error("node 9 is no member, and was given a priority")
		}
	})
}

// TestDrainTwo: the only one of three who is not drained leads in the end, though the leader
// does not know who is.
func TestDrainTwo(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		ctx := c.t.Context()
		for range 2 {
			if err := c.follower().group.Drain(ctx); err != nil {
				t.Fatal(err)
			}
			if err := c.serving().group.Drain(ctx); err != nil {
				t.Fatal(err)
			}
			c.await("one that may to lead", func() bool { return !c.serving().group.Status().Drained })
			for _, m := range c.members {
				if err := m.group.Undrain(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
