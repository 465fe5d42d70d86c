// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// alone is a leader of three that has not heard of 3 lately.
func alone(t *testing.T) *crew {
	c := leading(t, group(ids(1, 2, 3)))
	c.silent = ids(3)
	for range 8 {
		c.beat()
	}
	return c
}

// busy is a leader in the midst of a change from three to four, after some steps.
func busy(steps int) func(t *testing.T) *crew {
	return func(t *testing.T) *crew {
		c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2, 3, 4)))
		for range steps {
			c.round()
		}
		return c
	}
}

// handingOver is a leader of three that waits for 2 to catch up.
func handingOver(t *testing.T) *crew {
	c := leading(t, group(ids(1, 2, 3)))
	c.propose(1)
	c.do(TransferRequested{To: 2})
	return c
}

// malformed are targets that no group of three can have.
func malformed() map[string]wire.Membership {
	broken := group(ids(1, 2))
	broken.Members = broken.Members[:1]
	joined := group(ids(1, 2, 3))
	joined.Voters, joined.Outgoing = ids(1, 2), ids(1, 3)
	var crowd []wire.NodeID
	for n := wire.NodeID(10); n < 10+wire.MembersMax; n++ {
		crowd = append(crowd, n)
	}
	return map[string]wire.Membership{
		"nobody votes": {}, "a voter without a member": broken, "joint": joined, "too many, with those there are": group(crowd),
	}
}

// Why a change does not begin: each reason, and that none of them appends anything.
func TestChangeRefused(t *testing.T) {
	three, four := group(ids(1, 2, 3)), group(ids(1, 2, 3, 4))
	follower := func(t *testing.T) *crew { return &crew{rig: newRig(t, diskWith(bound(three)))} }
	leader := func(t *testing.T) *crew { return leading(t, three) }
	for name, c := range map[string]struct {
		at      func(t *testing.T) *crew
		request ChangeRequested
		want    ChangeRefusal
	}{
		"of a follower":             {follower, ChangeRequested{Target: four}, ChangeNotLeading},
		"while it hands over":       {handingOver, ChangeRequested{Target: four}, ChangeNotLeading},
		"another membership before": {leader, ChangeRequested{Target: four, IfAt: 7}, ChangeOutdated},
		"there already, outdated":   {leader, ChangeRequested{Target: three, IfAt: 7}, ChangeOutdated},
		"as expected":               {leader, ChangeRequested{Target: four, IfAt: 1}, ChangeAccepted},
		"preparing, uncommitted":    {busy(0), ChangeRequested{Target: group(ids(1, 2))}, ChangeUnderWay},
		"joint":                     {busy(1), ChangeRequested{Target: group(ids(1, 2))}, ChangeUnderWay},
		"joint, back":               {busy(1), ChangeRequested{Target: three}, ChangeUnderWay},
		"joint, forced":             {busy(1), ChangeRequested{Target: three, Force: true}, ChangeUnderWay},
		"final, uncommitted":        {busy(2), ChangeRequested{Target: three}, ChangeUnderWay},
		"two, one silent":           {alone, ChangeRequested{Target: group(ids(1, 3))}, ChangeRisksQuorum},
		"only a silent one":         {alone, ChangeRequested{Target: group(ids(3), 1)}, ChangeRisksQuorum},
		"forced":                    {alone, ChangeRequested{Target: group(ids(1, 3)), Force: true}, ChangeAccepted},
		"without the silent one":    {alone, ChangeRequested{Target: group(ids(1, 2))}, ChangeAccepted},
		"the silent one replaced":   {alone, ChangeRequested{Target: group(ids(1, 2, 4))}, ChangeAccepted},
		"the silent one learns":     {alone, ChangeRequested{Target: group(ids(1, 2), 3)}, ChangeAccepted},
		"another one replaced":      {alone, ChangeRequested{Target: group(ids(1, 3, 4))}, ChangeAccepted},
	} {
		t.Run(name, func(t *testing.T) { c.at(t).wantAnswer(c.request, c.want) })
	}
	for name, target := range malformed() {
		t.Run(name, func(t *testing.T) {
			leading(t, three).wantAnswer(ChangeRequested{Target: target, Force: true}, ChangeMalformed)
		})
	}
}

// wantAnswer asks for a change. Nothing is appended, nor anything else done, unless it begins.
func (c *crew) wantAnswer(e ChangeRequested, want ChangeRefusal) {
	c.t.Helper()
	last := c.core.log.Last()
	effects := c.do(e)
	c.wantIn(effects, fmt.Sprintf("AnswerChange{Refusal:%d At:", want))
	if appended := c.core.log.Last() > last; appended != (want == ChangeAccepted) || !appended && len(effects) != 1 {
		c.t.Errorf("the effects are %s", effects)
	}
}

// A forced change begins, and goes no further than is safe: it waits for those who are to
// decide, and may be taken back.
func TestForcedChangeWaits(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3)))
	c.silent = ids(3)
	for range 8 {
		c.beat()
	}
	c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 3)), Force: true}), "AnswerChange{Refusal:0")
	for range 8 {
		c.settle()
		c.beat()
	}
	c.wantPhase(preparing, true)
	c.silent = nil
	c.beat()
	c.settle()
	c.wantPhase(steady, true)
	c.wantMembership(ids(1, 3))
}

// Asking for what there is, or is on its way, in whatever phase, changes nothing, and is told
// where it begins.
func TestChangeIsIdempotent(t *testing.T) {
	target := group(ids(1, 2, 4), 3)
	c := changingTo(t, group(ids(1, 2, 3)), target)
	for at := wire.Index(3); at <= 5; at++ {
		c.want(c.do(ChangeRequested{Target: target}), fmt.Sprintf("AnswerChange{Refusal:0 At:%d} accepted", at))
		c.round()
	}
	c.wantPhase(steady, true)
	c.want(c.do(ChangeRequested{Target: target, IfAt: 5}), "AnswerChange{Refusal:0 At:5} accepted")
	again := target
	again.Members = slices.Clone(target.Members)
	again.Members[0].Incarnation = 99
	c.want(c.do(ChangeRequested{Target: again}), "AnswerChange{Refusal:0 At:5} accepted")
}

// As long as the newcomers learn, a change may get another target, or be taken back; who is
// in neither is dropped.
func TestRetarget(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2, 4)), 4)
	c.settle()
	c.wantPhase(preparing, true)
	c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 2, 5))}), "AnswerChange{Refusal:0 At:4} accepted")
	c.wantMembership(ids(1, 2, 3), nil, ids(5), ids(1, 2, 5))
	c.settle()
	c.wantPhase(steady, true)
	c.wantMembership(ids(1, 2, 5))

	c = changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2, 4)), 4)
	c.settle()
	c.wantIn(c.do(ChangeRequested{Target: group(ids(1, 2, 3))}), "AnswerChange{Refusal:0 At:4} accepted")
	c.settle()
	c.wantPhase(steady, true)
	c.wantMembership(ids(1, 2, 3))
	c.dropped(4)
}

// A change of nothing but addresses, or of learners, has one step.
func TestChangeOfOneStep(t *testing.T) {
	for name, target := range map[string]wire.Membership{
		"an address": targetOf("elsewhere", ids(1, 2, 3), nil), "a learner": group(ids(1, 2, 3), 4),
	} {
		c := changingTo(t, group(ids(1, 2, 3)), target)
		c.wantPhase(steady, false)
		c.reply(2)
		c.sync()
		c.wantPhase(steady, true)
		if got := c.core.Membership(); !sameMembers(got, &target) || got.Incarnation(2) != 1 {
			t.Errorf("%s: there is %+v", name, *got)
		}
	}
}

// A transfer that is under way goes first: who is to lead next will take the step.
func TestNoJointWhileHandingOver(t *testing.T) {
	c := changingTo(t, group(ids(1, 2, 3)), group(ids(1, 2, 4)), 3, 4)
	c.settle()
	c.propose(1)
	c.want(c.do(TransferRequested{To: 3}))
	c.silent = ids(3)
	c.settle()
	c.wantPhase(preparing, true)
	for range testElection / testHeartbeat {
		c.beat()
	}
	c.settle()
	c.wantPhase(steady, true)
}

// A single voter has no peers to assert itself to, and nobody whose silence means anything; it
// has as long as there are others.
func TestTimersFromOneToThreeAndBack(t *testing.T) {
	c := leading(t, group(ids(1)))
	c.wantTimers(false)
	c.do(ChangeRequested{Target: group(ids(1, 2, 3))})
	c.wantTimers(true)
	c.settle()
	c.wantMembership(ids(1, 2, 3))
	for range 12 {
		c.beat()
	}
	c.wantTimers(true)
	c.do(ChangeRequested{Target: group(ids(1))})
	c.settle()
	c.wantMembership(ids(1))
	c.silent = ids(2, 3)
	for range (leaveTimeouts + 2) * testElection / testHeartbeat {
		c.beat()
	}
	c.wantTimers(false)
	c.propose(1)
	c.wantIn(c.sync(), "Apply")
}

func (c *crew) wantTimers(want bool) {
	c.t.Helper()
	c.wait(testHeartbeat / 2) // News of the last commit go out.
	c.do(DeadlineReached{})
	l := c.core.leader
	if l == nil || (l.heartbeatAt != Never) != want || (l.quorumAt != Never) != want {
		c.t.Fatalf("timers: want %v, leader %s", want, formatLeader(l))
	}
	if !want && (len(l.peers) > 0 || c.core.Deadline() != Never) {
		c.t.Fatalf("it waits for %d, with %d peers", c.core.Deadline(), len(l.peers))
	}
}

// A leader among three that loses them does lose its quorum, though it was alone once.
func TestGrownGroupLosesQuorum(t *testing.T) {
	c := changingTo(t, group(ids(1)), group(ids(1, 2, 3)))
	c.settle()
	c.silent = ids(2, 3)
	var effects []string
	for range 8 {
		effects = append(effects, c.beat()...)
	}
	c.wantIn(effects, "Notice QuorumLost")
}

// Drained, a leader hands over, again with each heartbeat if that did not work, and nobody who
// is drained campaigns, whoever wants it to; until it may again.
func TestDrain(t *testing.T) {
	c := leading(t, group(ids(1, 2, 3)))
	c.want(c.do(DrainRequested{On: true}), "Send to 2: TimeoutNow term=2")
	if !c.core.Standing().Drained || c.core.Standing().Transferring != 2 {
		t.Errorf("it is %+v", c.core.Standing())
	}
	c.want(c.do(PeerUnreachable{Peer: 2})[:0])
	c.wantIn(c.beat(), "TimeoutNow term=2")
	c.receive(2, &wire.Heartbeat{Term: 3})
	c.sync()
	c.want(c.receive(2, &wire.TimeoutNow{Term: 3}))
	c.want(c.do(CampaignRequested{}))
	c.wantNoCampaign()
	c.do(DrainRequested{})
	if c.core.Deadline() == Never {
		t.Error("it does not wait to campaign any more")
	}
	c.wait(2 * testElection)
	c.wantIn(c.do(DeadlineReached{}), "Send to 3: RequestPreVote")
}

// A drained leader that has nobody to hand over to leads on.
func TestDrainedAlone(t *testing.T) {
	c := leading(t, group(ids(1), 2))
	c.want(c.do(DrainRequested{On: true}))
	c.propose(1)
	c.wantIn(c.sync(), "Apply")
	c.wantNone(c.beat(), "TimeoutNow")
}

// A member that is told to campaigns, with its pre-vote; one that leads, or may not, does not.
func TestCampaignNow(t *testing.T) {
	r := threeVoters(t, 1)
	effects := r.do(CampaignRequested{})
	r.wantIn(effects, "Send to 2: RequestPreVote term=2 round=1")
	r.wantIn(r.do(CampaignRequested{}), "Send to 3: RequestPreVote term=2 round=2")
	leadThree(t, 1).want(leadThree(t, 1).do(CampaignRequested{}))
	learner := newRig(t, diskWith(bound(group(ids(2, 3), 1))))
	learner.want(learner.do(CampaignRequested{}))
	stranger := newRig(t, disk{})
	stranger.want(stranger.do(CampaignRequested{}))
}

// A learner, or a voter that has lost its disk, is nobody to hand over to.
func TestNoTransferToWhoCannotLead(t *testing.T) {
	c := leading(t, group(ids(1, 2), 3))
	c.incarnations[2] = 9
	c.beat()
	for to := wire.NodeID(0); to <= 4; to++ {
		c.want(c.do(TransferRequested{To: to}), "TransferEnded{Done:false}")
	}
}
