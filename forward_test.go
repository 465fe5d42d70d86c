// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// TestALeaderThatSteppedDownIsNotAskedAgain has a leader lose its quorum but not the
// follower that passes proposals to it, and believes in it a little longer.
func TestALeaderThatSteppedDownIsNotAskedAgain(t *testing.T) {
	inBubble(t, 5, func(c *cluster) {
		t := c.t
		leader, follower := c.leader(), c.follower()
		for id := range c.members {
			if id != leader.id && id != follower.id {
				c.network.Cut(leader.id, id)
				c.network.Cut(follower.id, id)
			}
		}
		c.await("the leader to step down", func() bool { return leader.group.Status().Role != raft.RoleLeader })
		before := c.network.LinkStats(follower.id, leader.id).Sent
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := follower.group.Propose(ctx, []byte("x")); !errors.Is(err, raft.ErrNotApplied) {
			t.Errorf("proposing without quorum: %v, want ErrNotApplied", err)
		}
		if sent := c.network.LinkStats(follower.id, leader.id).Sent - before; sent > 10 {
			t.Errorf("%d messages went to a leader that has stepped down", sent)
		}
		c.network.HealAll()
		c.leader()
	})
}

// TestLostForwardsAreGivenUp loses a follower's proposals without a word.
func TestLostForwardsAreGivenUp(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		leader, follower := c.leader(), c.follower()
		const count = 300
		outcomes := make(chan error, count)
		c.network.SetSilent(true)
		for range 3 {
			c.network.CutOneWay(follower.id, leader.id)
			for range count / 3 {
				err := follower.group.ProposeAsync(t.Context(), []byte("lost"), func(_ raft.Result, err error) { outcomes <- err })
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // So that each is a message of its own.
			}
			c.network.HealAll()
			time.Sleep(electionTimeout / 2)
		}
		unknown := 0
		for range count {
			select {
			case err := <-outcomes:
				if errors.Is(err, raft.ErrOutcomeUnknown) {
					unknown++
				} else if err != nil {
					t.Errorf("a proposal that was lost on the way, or waited, ended with %v", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("a proposal that was lost on the way never ends")
			}
		}
		if applied := c.awaitEqual(); len(applied)+unknown != count || unknown < 200 {
			t.Errorf("%d of unknown outcome, %d applied, want %d together", unknown, len(applied), count)
		}
		if left := follower.group.Leftovers(); left != "" {
			t.Errorf("what was lost is still held: %s", left)
		}
		c.propose(follower, "x", time.Second)
	})
}

func TestASilentLeaderIsGivenUpWhenThereIsAnother(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		leader, follower := c.leader(), c.follower()
		c.network.SetSilent(true)
		c.network.Isolate(leader.id)
		begin := time.Now()
		_, err := follower.group.Propose(t.Context(), []byte("lost"))
		if took := time.Since(begin); familyOf(err) != "unknown" || took >= 4*electionTimeout {
			t.Errorf("after %v: %v, want an unknown outcome soon after the election", took, err)
		}
		c.network.HealAll()
		if applied := c.awaitEqual(); len(applied) != 0 {
			t.Errorf("applied %v", applied)
		}
	})
}

// TestAnUnknownOutcomeIsNotTriedAgain lets the leader's disk fail with a follower's
// command: the leader does not know what becomes of it, and the others commit it.
func TestAnUnknownOutcomeIsNotTriedAgain(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		leader, follower := c.leader(), c.follower()
		c.network.SetDelay(5*time.Millisecond, 5*time.Millisecond) // Or else the others may commit it first.
		leader.log.FailSaves(errors.New("disk on fire"))
		begin := time.Now()
		_, err := follower.group.Propose(t.Context(), []byte("once"))
		if took := time.Since(begin); familyOf(err) != "unknown" || took > 100*time.Millisecond {
			t.Errorf("after %v: %v, want an unknown outcome at once", took, err)
		}
		<-leader.group.Done()
		c.stop(leader.id)
		c.propose(c.leader(), "afterwards", time.Second)
		if applied := c.awaitEqual(); fmt.Sprint(applied) != "[once afterwards]" {
			t.Errorf("applied %v", applied)
		}
	})
}

// TestForwardedMessagesFromElsewhere speaks for a member that is down: a message for
// another term, one that comes twice, and absurd ones.
func TestForwardedMessagesFromElsewhere(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		leader, down := c.leader(), c.follower()
		c.stop(down.id)
		var replies []string
		transport := c.network.Transport(down.id)
		defer transport.Close()
		listen := func(_ raft.NodeID, batch []wire.Envelope) {
			for _, e := range batch {
				if reply, ok := e.Message.(*wire.ForwardReply); ok {
					for _, result := range reply.Results {
						replies = append(replies, fmt.Sprintf("%d/%d:%d", reply.ID, reply.First, result.Outcome))
					}
				}
			}
		}
		if err := transport.Start(listen, func(raft.NodeID) {}); err != nil {
			t.Fatal(err)
		}
		transport.Connect(leader.id, "")
		term := leader.group.Status().Term
		for _, m := range []*wire.ForwardProposals{
			{Term: term - 1, Session: 7, ID: 1, Commands: [][]byte{[]byte("past")}},
			{Term: term + 1, Session: 7, ID: 2, Commands: [][]byte{[]byte("future")}},
			{Term: term, Session: 7, ID: 3, Commands: [][]byte{[]byte("a"), []byte("b")}},
			{Term: term, Session: 7, ID: 3, Commands: [][]byte{[]byte("again")}},
			{Term: term, Session: 7, ID: 4},
			{Term: term, Session: 7, ID: 0, Commands: [][]byte{[]byte("no number")}},
			{Term: term, Session: 7, ID: math.MaxUint64, Commands: [][]byte{[]byte("absurd")}},
		} {
			transport.Send(leader.id, wire.Envelope{Group: 1, Message: m})
			synctest.Wait()
		}
		if fmt.Sprint(replies) != "[1/0:2 2/0:2 3/0:1 3/0:1]" {
			t.Errorf("the replies are %v", replies)
		}
		for _, m := range []*wire.ForwardReply{
			{Session: 7, ID: 1, Results: []wire.ForwardResult{{Outcome: wire.OutcomeApplied}}},
			{Session: 7, ID: 1, First: math.MaxUint32},
		} {
			transport.Send(leader.id, wire.Envelope{Group: 1, Message: m}) // Nobody has asked.
		}
		c.propose(leader, "c", time.Second)
		if applied := c.awaitEqual(); fmt.Sprint(applied) != "[a b c]" {
			t.Errorf("applied %v", applied)
		}
	})
}

func TestForwardingOff(t *testing.T) {
	off := func(cfg *raft.GroupConfig) { cfg.DisableForwarding = true }
	inBubbleWith(t, 3, off, func(c *cluster) {
		t := c.t
		if _, err := c.members[1].group.Propose(t.Context(), []byte("x")); !errors.Is(err, raft.ErrNotLeader) || familyOf(err) != "not applied" {
			t.Errorf("proposing before there is a group: %v, want ErrNotLeader", err)
		}
		c.initialize()
		leader, follower := c.leader(), c.follower()
		if _, err := follower.group.Propose(t.Context(), []byte("x")); !errors.Is(err, raft.ErrNotLeader) || familyOf(err) != "not applied" {
			t.Errorf("proposing on a follower: %v, want ErrNotLeader", err)
		}
		if _, err := follower.group.ProposeBatch(t.Context(), [][]byte{{1}, {2}}); !errors.Is(err, raft.ErrNotLeader) {
			t.Errorf("proposing a batch on a follower: %v, want ErrNotLeader", err)
		}
		c.propose(leader, "y", time.Second)
		if applied := c.awaitEqual(); fmt.Sprint(applied) != "[y]" {
			t.Errorf("applied %q", applied)
		}
		if left := follower.group.Leftovers(); left != "" {
			t.Errorf("left on the follower: %s", left)
		}
	})
}

// TestWithdrawnRequestsMakeRoom: what callers have withdrawn while there is no leader
// does not keep others out.
func TestWithdrawnRequestsMakeRoom(t *testing.T) {
	small := func(cfg *raft.GroupConfig) { cfg.CommandBytesMax, cfg.PendingBytesMax = 1000, 3000 }
	inBubbleWith(t, 3, small, func(c *cluster) {
		t := c.t // The group is never formed, so that there is no leader.
		for i := range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := c.members[1].group.Propose(ctx, make([]byte, 1000))
			cancel()
			if !errors.Is(err, raft.ErrNoLeader) {
				t.Fatalf("proposal %d without a leader: %v, want ErrNoLeader", i, err)
			}
		}
		synctest.Wait()
		if left := c.members[1].group.Leftovers(); left != "" {
			t.Errorf("left behind: %s", left)
		}
	})
}

// TestBatchTooLargeToForward: a batch that fits here but not into the leader's inbox is
// refused at once, and surely not applied.
func TestBatchTooLargeToForward(t *testing.T) {
	roomy := func(cfg *raft.GroupConfig) { cfg.PendingBytesMax = 200 << 20 }
	inBubbleWith(t, 3, roomy, func(c *cluster) {
		t := c.t
		c.initialize()
		c.leader()
		commands := make([][]byte, 40)
		for i := range commands {
			commands[i] = make([]byte, 1<<20)
		}
		if _, err := c.follower().group.ProposeBatch(t.Context(), commands); !errors.Is(err, raft.ErrTooLarge) {
			t.Errorf("a batch of 40 MiB on a follower: %v, want ErrTooLarge", err)
		}
		if results, err := c.leader().group.ProposeBatch(t.Context(), commands); err != nil || len(results) != len(commands) {
			t.Errorf("the same on the leader: %d results, %v", len(results), err)
		}
	})
}

// TestNothingIsForwardedToAnUnreachableLeader: what was not sent is not unknown.
func TestNothingIsForwardedToAnUnreachableLeader(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		t := c.t
		leader, follower := c.leader(), c.follower()
		c.network.Isolate(leader.id)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := follower.group.Propose(ctx, []byte("first")); !errors.Is(err, raft.ErrOutcomeUnknown) {
			t.Errorf("what was sent to a leader that is cut off: %v, want an unknown outcome", err)
		}
		sent := c.network.LinkStats(follower.id, leader.id).Sent
		results := make(chan error, 1)
		go func() {
			_, err := follower.group.Propose(context.Background(), []byte("second"))
			results <- err
		}()
		synctest.Wait()
		if now := c.network.LinkStats(follower.id, leader.id).Sent; now != sent {
			t.Errorf("%d messages went to a leader that is known to be unreachable", now-sent)
		}
		if err := <-results; err != nil {
			t.Errorf("what waited for the next leader: %v", err)
		}
		c.network.HealAll()
	})
}
