// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

// TestCommandsToFailedGroup say what it has failed with.
func TestCommandsToFailedGroup(t *testing.T) {
	inSnapshotBubble(t, 1, func(*raft.GroupConfig) {}, func(c *cluster) {
		m, cause := c.serving(), errors.New("no space left on device")
		m.log.FailSaves(cause)
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
		defer cancel()
		_, _ = m.group.Propose(ctx, []byte("too much"))
		<-m.group.Done()
		target := raft.MembershipTarget{Voters: c.addresses()}
		_, compactErr := m.group.Compact(ctx)
		_, planErr := m.group.PlanMembership(target)
		for name, err := range map[string]error{
			"transfer": m.group.TransferLeadership(ctx, 0), "drain": m.group.Drain(ctx), "undrain": m.group.Undrain(ctx),
			"campaign": m.group.Campaign(ctx), "change": m.group.ChangeMembership(ctx, target), "remove": m.group.Remove(ctx, 9),
			"compact": compactErr, "plan": planErr,
		} {
			if !errors.Is(err, raft.ErrStopped) || !errors.Is(err, cause) {
				t.Errorf("%s: %v, want %v and %v", name, err, raft.ErrStopped, cause)
			}
		}
	})
}

// TestTransferThatCannotBe is refused at once, and the leader leads on.
func TestTransferThatCannotBe(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		leader, other := c.serving(), c.follower()
		term := leader.group.Status().Term
		for name, to := range map[string]raft.NodeID{"a stranger": 9, "itself": leader.id} {
			begin := time.Now()
			if err := leader.group.TransferLeadership(c.t.Context(), to); !errors.Is(err, raft.ErrTransferFailed) || time.Since(begin) > 0 {
				t.Errorf("to %s: %v, after %v", name, err, time.Since(begin))
			}
		}
		if err := other.group.TransferLeadership(c.t.Context(), leader.id); !errors.Is(err, raft.ErrTransferFailed) {
			t.Errorf("on a follower: %v", err)
		}
		if err := other.group.Drain(c.t.Context()); err != nil {
			t.Fatal(err)
		}
		c.pass(electionTimeout)
		begin := time.Now()
		if err := leader.group.TransferLeadership(c.t.Context(), other.id); !errors.Is(err, raft.ErrTransferFailed) || time.Since(begin) > electionTimeout {
			t.Errorf("to one that is drained: %v, after %v", err, time.Since(begin))
		}
		c.propose(leader, "it leads on", electionTimeout)
		if s := leader.group.Status(); s.Term != term || s.Role != raft.RoleLeader {
			t.Errorf("the leader of term %d is a %v of term %d", term, s.Role, s.Term)
		}
	})
}
