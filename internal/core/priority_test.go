// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// ranked is a group of voters with the priorities of nodes 1, 2 and so on.
func ranked(m wire.Membership, priorities ...uint8) wire.Membership {
	for i := range m.Members {
		m.Members[i].Priority = priorities[i]
	}
	return m
}

// beatUntil lets heartbeats pass until an effect has a part, and returns how many it took.
func (c *crew) beatUntil(part string, most int) int {
	c.t.Helper()
	for n := 1; n <= most; n++ {
		if slices.ContainsFunc(c.beat(), func(line string) bool { return strings.Contains(line, part) }) {
			return n
		}
	}
	c.t.Fatalf("no %q in %d heartbeats", part, most)
	return 0
}

// wantLeadsOn lets heartbeats pass in which leadership must not be handed over.
func (c *crew) wantLeadsOn(beats int) {
	c.t.Helper()
	for range beats {
		c.wantNone(c.beat(), "TimeoutNow")
	}
}

const beatsPerElection = int(testElection / testHeartbeat)

// A leader hands over to the voter of the highest priority, after it has led for a while.
func TestHigherPriorityIsPreferred(t *testing.T) {
	c := leading(t, ranked(group(ids(1, 2, 3, 4), 5), 1, 2, 3, 1, 9))
	c.wantLeadsOn(preferSoonest*beatsPerElection - 1)
	c.wantIn(c.beat(), "Send to 3: TimeoutNow term=2")
}

// It does not, for one of the same priority, a learner, one that is silent, one that lacks
// much, or while members change.
func TestNobodyToPrefer(t *testing.T) {
	const long = 8 * preferSoonest * beatsPerElection
	t.Run("equal", func(t *testing.T) {
		leading(t, ranked(group(ids(1, 2, 3), 4), 2, 2, 1, 3)).wantLeadsOn(long)
	})
	t.Run("silent", func(t *testing.T) {
		c := leading(t, ranked(group(ids(1, 2, 3)), 0, 1, 0))
		c.silent = ids(2)
		c.wantLeadsOn(long)
		c.silent = nil
		c.beatUntil("Send to 2: TimeoutNow", 2)
	})
	t.Run("changing", func(t *testing.T) {
		c := changingTo(t, ranked(group(ids(1, 2, 3)), 0, 1, 0), group(ids(1, 2, 3, 4)), 4)
		c.settle()
		c.wantLeadsOn(long)
	})
	t.Run("behind", func(t *testing.T) {
		c := leading(t, ranked(group(ids(1, 2, 3)), 0, 1, 0))
		c.propose(nearEntries + 1)
		c.sync()
		c.reply(3)
		c.wantLeadsOn(preferSoonest*beatsPerElection + 1)
		c.replyTo(2, c.core.log.Last()-nearEntries)
		c.beat()
		if to := c.core.Standing().Transferring; to != 2 {
			t.Fatalf("it hands over to %d", to)
		}
		c.wantIn(c.reply(2), "Send to 2: TimeoutNow")
	})
}

// One that never takes over is asked more and more rarely.
func TestPreferenceInVain(t *testing.T) {
	c := leading(t, ranked(group(ids(1, 2, 3)), 0, 1, 0))
	c.beatUntil("TimeoutNow", preferSoonest*beatsPerElection)
	before := 0
	for range declinedDoublings {
		n := c.beatUntil("TimeoutNow", 2*askAgainSoonest*beatsPerElection<<declinedDoublings)
		if n < 2*before*9/10 {
			t.Fatalf("it is asked again after %d heartbeats, and after %d before", n, before)
		}
		before = n
	}
	if n := c.beatUntil("TimeoutNow", 2*before); n > before+1 {
		t.Errorf("it is asked again after %d heartbeats, and after %d before", n, before)
	}
}

// A transfer to nobody in particular goes by priority, too, but one that lacks much is not
// waited for.
func TestTransferByPriority(t *testing.T) {
	c := leading(t, ranked(group(ids(1, 2, 3)), 9, 1, 2))
	c.wantIn(c.do(TransferRequested{}), "Send to 3: TimeoutNow")

	c = leading(t, ranked(group(ids(1, 2, 3)), 9, 1, 2))
	c.propose(nearEntries + 1)
	c.sync()
	c.reply(2)
	c.wantIn(c.do(TransferRequested{}), "Send to 2: TimeoutNow")
}

// Priority has no part in elections: who has less is voted for as well.
func TestPriorityDoesNotVote(t *testing.T) {
	r := newRig(t, diskWith(bound(ranked(group(ids(1, 2, 3)), 9, 0, 0))))
	r.wait(2 * testElection)
	r.wantIn(r.receive(2, &wire.RequestPreVote{Term: 2, Round: 1, Last: id(1, 1), Incarnation: 1}), "granted=true")
	r.receive(2, &wire.RequestVote{Term: 2, Last: id(1, 1), Incarnation: 1})
	r.wantIn(r.sync(), "VoteReply term=2 granted=true")
}

// A leader that must not lead asks one after the other, and then all of them again and again, but
// ever more rarely: who did not take over may be drained as well.
func TestDrainedAsksOneAfterTheOther(t *testing.T) {
	c := leading(t, ranked(group(ids(1, 2, 3)), 0, 1, 0))
	c.wantIn(c.do(DrainRequested{On: true}), "Send to 2: TimeoutNow")
	c.beatUntil("Send to 3: TimeoutNow", beatsPerElection+1)
	c.wantLeadsOn(askAgainSoonest * beatsPerElection)
	c.wantIn(c.propose(1), "AcceptProposals")
	c.settle()
	c.beatUntil("Send to 2: TimeoutNow", askAgainSoonest*beatsPerElection+1)
	c.beatUntil("Send to 3: TimeoutNow", beatsPerElection+1)
	c.wantLeadsOn(beatsPerElection)
	c.do(DrainRequested{})
	c.wantIn(c.do(DrainRequested{On: true}), "Send to 2: TimeoutNow") // Told so, it does not wait.

	// The same when somebody asks it to hand over to anybody.
	c = leading(t, ranked(group(ids(1, 2, 3)), 9, 1, 0))
	c.wantIn(c.do(TransferRequested{}), "Send to 2: TimeoutNow")
	c.beatUntil("TransferEnded{Done:false}", beatsPerElection+1)
	c.wantIn(c.do(TransferRequested{}), "Send to 3: TimeoutNow")
	c.beatUntil("TransferEnded{Done:false}", beatsPerElection+1)
	c.wantIn(c.do(TransferRequested{To: 2}), "Send to 2: TimeoutNow")
}
