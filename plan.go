// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/internal/change"
)

// MembershipPlan says what ChangeMembership would do, as far as the leader can tell now.
type MembershipPlan struct {
	// Index is that of the membership in effect, to be given as MembershipTarget.IfIndex.
	Index Index
	// Steps are the memberships on the way, beginning with the one in effect.
	Steps []PlanStep
	// CatchUp are those who are to vote and have to catch up first.
	CatchUp []PlanCatchUp
	// Refusal is why ChangeMembership would refuse, nil if it would not; Reasons says it in
	// words, with numbers. ErrChangeTooEarly is not foreseen.
	Refusal error
	Reasons []string

	_ struct{}
}

// PlanStep is a membership on the way to another.
type PlanStep struct {
	// Name is "now", "catch up", "joint" or "final".
	Name       string
	Membership Membership
	// Quorums are what decides in this step: one, or two while it is joint.
	Quorums []PlanQuorum
	// Tolerates is how many more voters may fail, whichever they are, of those that answer; -1 if
	// there is no quorum as it is.
	Tolerates int
}

// PlanQuorum is a set of voters of which a majority decides.
type PlanQuorum struct {
	Voters []NodeID
	// Answering are those of them who answer now and may vote, and those who do not vote yet: they
	// do so only when they have caught up.
	Answering []NodeID
	// Needs is how many of them have to answer.
	Needs int
}

// PlanCatchUp is a node that has to catch up before it may vote.
type PlanCatchUp struct {
	ID NodeID
	// Lag is by how many entries it is behind, all of them if it is not a member yet.
	Lag Index
	// CaughtUp says that it follows fast enough.
	CaughtUp bool
}

// PlanMembership says what ChangeMembership would do, and does nothing, nor does it wait. It is to be
// called on the leader, and returns ErrChangeNotLeader on others, for only the leader knows who
// answers; ErrChangeRefused if the target is none that a group can have; and ErrStopped.
func (g *Group) PlanMembership(target MembershipTarget) (MembershipPlan, error) {
	to := target.membership()
	if err := to.Validate(); err != nil {
		return MembershipPlan{}, fmt.Errorf("%w: %w", ErrChangeRefused, err)
	}
	s, err := g.leading()
	if err != nil {
		return MembershipPlan{}, err
	}
	return planOf(&s, &target), nil
}

// planOf makes the plan of a leader with this status.
func planOf(s *Status, target *MembershipTarget) MembershipPlan {
	to := target.membership()
	p := planner{status: s, plan: MembershipPlan{Index: s.MembershipIndex}}
	p.step("now", s.Membership)
	p.walk(&s.Membership, &to)
	p.judge(target)
	return p.plan
}

// planner makes a plan from what the leader knows.
type planner struct {
	status *Status
	plan   MembershipPlan
	// isOnItsWay says that the membership in effect is the target, or leads there by itself.
	isOnItsWay bool
	// malformed is what is wrong with a membership on the way.
	malformed error
}

// walk adds the steps that are left.
func (p *planner) walk(from, to *Membership) {
	m := change.Begin(from, to)
	if p.malformed = m.Validate(); p.malformed != nil {
		return
	}
	if from.IsJoint() {
		m = change.Final(from)
		p.isOnItsWay = sameMembers(&m, to)
		p.step("final", m)
		return
	}
	p.isOnItsWay = m.Equal(from)
	switch {
	case m.IsChanging():
		p.walkJoint(&m)
	case !p.isOnItsWay:
		p.step("final", m)
	}
}

// walkJoint adds the steps from where new voters catch up on.
func (p *planner) walkJoint(m *Membership) {
	p.step("catch up", *m)
	for _, id := range change.Newcomers(m) {
		p.plan.CatchUp = append(p.plan.CatchUp, p.catchUp(id))
	}
	joint := change.Joint(m, func(NodeID) Incarnation { return 0 })
	p.step("joint", joint)
	p.step("final", change.Final(&joint))
}

func (p *planner) step(name string, m Membership) {
	step := PlanStep{Name: name, Membership: m, Quorums: []PlanQuorum{p.quorum(m.Voters)}}
	if m.IsJoint() {
		step.Quorums = append(step.Quorums, p.quorum(m.Outgoing))
	}
	step.Tolerates = step.Quorums[0].spare()
	for _, q := range step.Quorums[1:] {
		step.Tolerates = min(step.Tolerates, q.spare())
	}
	p.plan.Steps = append(p.plan.Steps, step)
}

// quorum takes those who are not members yet for answering: they vote only when they have
// caught up.
func (p *planner) quorum(voters []NodeID) PlanQuorum {
	q := PlanQuorum{Voters: voters, Needs: len(voters)/2 + 1}
	for _, id := range voters {
		if !p.status.Membership.IsVoter(id) || p.status.answers(id) {
			q.Answering = append(q.Answering, id)
		}
	}
	return q
}

// spare is how many of the voters may fail, -1 if too few answer as it is.
func (q *PlanQuorum) spare() int { return max(len(q.Answering)-q.Needs, -1) }

func (p *planner) catchUp(id NodeID) PlanCatchUp {
	if peer := p.status.peer(id); peer != nil {
		return PlanCatchUp{ID: id, Lag: p.status.lag(peer), CaughtUp: peer.CaughtUp}
	}
	return PlanCatchUp{ID: id, Lag: p.status.LastIndex}
}

// judge finds out what the core would say.
func (p *planner) judge(target *MembershipTarget) {
	s, m := p.status, &p.status.Membership
	final := p.plan.Steps[len(p.plan.Steps)-1]
	refuse := func(why error, format string, args ...any) {
		p.plan.Refusal = why
		p.plan.Reasons = append(p.plan.Reasons, fmt.Sprintf(format, args...))
	}
	switch {
	case p.malformed != nil:
		refuse(ErrChangeRefused, "on the way there would be a %v", p.malformed)
	case s.Transferring != 0:
		refuse(ErrChangeNotLeader, "node %d is handing leadership over to node %d", s.ID, s.Transferring)
	case target.IfIndex != 0 && target.IfIndex != s.MembershipIndex:
		refuse(ErrChangeOutdated, "the membership has index %d, not %d", s.MembershipIndex, target.IfIndex)
	case p.isOnItsWay:
	case m.IsJoint():
		refuse(ErrChangeUnderWay, "the voters %s are taking over from %s", idList(m.Voters), idList(m.Outgoing))
	case s.MembershipIndex > s.CommittedMembershipIndex:
		refuse(ErrChangeUnderWay, "the membership at index %d is not committed yet", s.MembershipIndex)
	case !target.Force && final.Tolerates < 0:
		refuse(ErrQuorumAtRisk, "%s%s", sentenceOf(&final.Quorums[0]), p.counted())
	}
}

// counted says who is counted among those who answer, though nobody knows yet whether they will.
func (p *planner) counted() string {
	var ids []NodeID
	for _, c := range p.plan.CatchUp {
		ids = append(ids, c.ID)
	}
	if len(ids) == 0 {
		return ""
	}
	if len(ids) == 1 {
		return fmt.Sprintf(" (%s counts, and has to catch up first)", nodeList(ids))
	}
	return fmt.Sprintf(" (%s count, and have to catch up first)", nodeList(ids))
}

// peer returns how the leader sees a peer, nil if it has none of this ID.
func (s *Status) peer(id NodeID) *PeerStatus {
	i := slices.IndexFunc(s.Peers, func(p PeerStatus) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Peers[i]
}

// answers reports whether a voter answers the leader whose status this is, and may vote.
func (s *Status) answers(id NodeID) bool {
	if id == s.ID {
		return true
	}
	peer := s.peer(id)
	return peer != nil && !peer.LostDisk && peer.Silence < s.ElectionTimeout
}
