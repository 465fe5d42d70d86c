// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// TestChangingSchedules is TestRandomSchedules with changes of membership in the midst of
// it: of every kind, with leaders that are killed in each phase, members that lose their
// disks, and nodes that are never started.
func TestChangingSchedules(t *testing.T) {
	var total changeCounts
	seeds := max(*seedsFlag/2/slowdown, 1)
	if testing.Short() {
		seeds = min(seeds, 100)
	}
	first := *firstFlag
	if *seedFlag != 0 {
		first, seeds = *seedFlag, 1
	}
	for seed := first; seed < first+seeds; seed++ {
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { total.add(runChanging(t, seed)) }) {
			return
		}
	}
	t.Logf("%+v", total)
	if none := total.none(); none != "" && seeds >= 300 {
		t.Errorf("in %d schedules there was no %s", seeds, none)
	}
}

func runChanging(t *testing.T, seed uint64) *changeCounts {
	t.Helper()
	w := newWorld(t, seed, faults{})
	defer w.report("TestChangingSchedules")
	s := newSchedule(w)
	s.drawChanges()
	s.trouble()
	s.heal()
	s.settleChange()
	s.bringBack()
	s.demand()
	s.checkRemoved()
	return &w.changes
}

// phase is how far a change has come, as its leader knows.
type phase int

// The phases. Final is that of a target that is in effect and not committed yet.
const (
	steady phase = iota
	preparing
	joint
	final
	phases
)

func phaseOf(c *Core) phase {
	now := &c.memberships[len(c.memberships)-1]
	switch {
	case now.membership.IsJoint():
		return joint
	case now.membership.IsChanging():
		return preparing
	case now.index > c.commit && len(c.memberships) > 1 && c.memberships[len(c.memberships)-2].membership.IsJoint():
		return final
	}
	return steady
}

// changeCounts says what came to happen to memberships.
type changeCounts struct {
	answered [ChangeRisksQuorum + 1]int // as the refusal says
	killed   [phases]int                // leaders
	// wiped counts disks, brought how many of them were brought in again, cancelled changes
	// that would not have ended, left leaders that are not voters at the end.
	wiped, brought, cancelled, left, removed, never int
}

func (c *changeCounts) add(other *changeCounts) {
	for i := range c.answered {
		c.answered[i] += other.answered[i]
	}
	for i := range c.killed {
		c.killed[i] += other.killed[i]
	}
	c.wiped += other.wiped
	c.brought += other.brought
	c.cancelled += other.cancelled
	c.left += other.left
	c.removed += other.removed
	c.never += other.never
}

// none names something that never happened, "" if all has.
func (c *changeCounts) none() string {
	for kind, n := range c.answered {
		if n == 0 && ChangeRefusal(kind) != ChangeMalformed {
			return fmt.Sprint("request answered with ", kind)
		}
	}
	for p, n := range c.killed {
		if n == 0 {
			return fmt.Sprint("leader killed in phase ", p)
		}
	}
	for name, n := range map[string]int{
		"disk lost": c.wiped, "member brought in again": c.brought, "change cancelled": c.cancelled, "leader that left": c.left,
		"member that learned that it was removed": c.removed, "newcomer that was never started": c.never,
	} {
		if n == 0 {
			return name
		}
	}
	return ""
}

// changing is the part of a schedule that changes the membership.
type changing struct {
	request, murder, wipe Instant // every so often, on average
	// never is a node that is not started, zero if there is none.
	never wire.NodeID
	// targets are those that were asked for lately.
	targets []wanted
	ever    map[wire.NodeID]bool // has been wiped
}

type wanted struct {
	at     Instant
	target wire.Membership
}

// drawChanges adds nodes that are no members yet, and decides what will be done.
func (s *schedule) drawChanges() {
	w := s.w
	w.faults.unlucky, w.faults.damage = 0, 0 // Two voters may be left, of whom both have to be able to lead.
	s.changing = &changing{request: (20 + w.random.below(300)) * millisecond, ever: map[wire.NodeID]bool{}}
	if w.chance(700) {
		s.changing.murder = (5 + w.random.below(100)) * millisecond
	}
	if w.chance(500) {
		s.changing.wipe = w.often()
	}
	for range w.random.below(4) {
		w.add(disk{incarnation: wire.Incarnation(10 + len(w.nodes))})
	}
	if n := w.nodes[len(w.nodes)-1]; !s.membership.Contains(n.id) && w.chance(300) {
		s.changing.never = n.id
		n.crash()
	}
}

// planChanges plans what drawChanges has drawn.
func (s *schedule) planChanges(end Instant) {
	if s.changing == nil {
		return
	}
	s.every(end, s.changing.request, s.requestChange)
	s.every(end, s.changing.murder, func() { s.murder(end) })
	s.every(end, s.changing.wipe, func() { s.wipe(end) })
}

// requestChange asks for a target that is drawn at random.
func (s *schedule) requestChange() {
	w, n := s.w, s.leaderOrAnyone(850)
	if n.core == nil || n.core.membership().IsEmpty() {
		return
	}
	target := s.drawTarget(n.core.membership())
	if !s.isServable(&target) {
		return
	}
	e := ChangeRequested{Target: target, Force: w.chance(100)}
	if w.chance(300) {
		e.IfAt = n.core.memberships[len(n.core.memberships)-1].index - wire.Index(w.random.below(8)/7)
	}
	s.changing.targets = append(s.changing.targets, wanted{w.now, target})
	n.take(e)
}

// drawTarget draws another membership: next to the one there is, or any.
func (s *schedule) drawTarget(m *wire.Membership) wire.Membership {
	w := s.w
	all := Instant(len(w.nodes))
	voters, learners := slices.Clone(m.Voters), slices.Clone(m.Learners)
	if len(m.TargetVoters) > 0 && w.chance(300) {
		voters = slices.Clone(m.TargetVoters)
	}
	someone := 1 + wire.NodeID(w.random.below(all))
	drop := func(list []wire.NodeID, id wire.NodeID) []wire.NodeID {
		return slices.DeleteFunc(list, func(other wire.NodeID) bool { return other == id })
	}
	switch w.random.below(9) {
	case 0, 1: // Add or promote.
		voters = append(voters, someone)
	case 2, 3: // Remove.
		voters, learners = drop(voters, someone), drop(learners, someone)
	case 4: // Replace.
		voters = append(drop(voters, voters[w.random.below(Instant(len(voters)))]), someone)
	case 5: // Demote, or add a learner.
		voters, learners = drop(voters, someone), append(learners, someone)
	case 6: // Swap all that can be.
		voters = nil
		for _, n := range w.nodes {
			if !m.IsVoter(n.id) {
				voters = append(voters, n.id)
			}
		}
	case 7: // Anything.
		voters, learners = nil, nil
		for _, n := range w.nodes {
			switch w.random.below(3) {
			case 0:
				voters = append(voters, n.id)
			case 1:
				learners = append(learners, n.id)
			}
		}
	}
	which := w.random.below(3)
	target := targetOf(fmt.Sprint("address-", which), voters, learners)
	for i := range target.Members {
		target.Members[i].Priority = uint8(Instant(target.Members[i].ID) * which % 3)
	}
	return target
}

// targetOf is the membership of some, with an address for all. Who is to vote and to learn
// votes. Without voters, node 1 is one.
func targetOf(address string, voters, learners []wire.NodeID) wire.Membership {
	if len(voters) == 0 {
		voters = append(voters, 1)
	}
	var members []wire.Member
	for _, id := range voters {
		members = append(members, wire.Member{ID: id, Address: address})
	}
	slices.SortFunc(members, func(a, b wire.Member) int { return cmp.Compare(a.ID, b.ID) })
	m := wire.NewMembership(slices.Compact(members)...)
	for _, id := range learners {
		if _, known := m.Member(id); !known {
			m.Learners = append(m.Learners, id)
			m.Members = append(m.Members, wire.Member{ID: id, Address: address})
			slices.SortFunc(m.Members, func(a, b wire.Member) int { return cmp.Compare(a.ID, b.ID) })
		}
	}
	slices.Sort(m.Learners)
	return m
}

// murder kills the leader in the midst of a change.
func (s *schedule) murder(end Instant) {
	w := s.w
	n := w.leader()
	if n == nil || phaseOf(n.core) == steady && !w.chance(30) || !w.chance(400) {
		return
	}
	w.changes.killed[phaseOf(n.core)]++
	n.crash()
	n.initialized = n.initialized && len(n.disk.log) > 0
	w.after(min(w.upTo(4*testElection), end-w.now), n.restart)
}

// inForce are the memberships that some node goes by, or may come to.
func (s *schedule) inForce() []wire.Membership {
	var all []wire.Membership
	for _, n := range s.w.nodes {
		if n.core != nil {
			all = append(all, *n.core.membership())
		}
		if len(n.disk.log) > 0 {
			all = append(all, snapshotOf(n.disk.log, n.disk.log[len(n.disk.log)-1].Index, 0).meta.Membership)
		}
	}
	for _, t := range s.changing.targets {
		if s.w.now-t.at < 10*testElection {
			all = append(all, t.target)
		}
	}
	return all
}

// isUsable reports whether a node may vote as far as memberships in force know it.
func (s *schedule) isUsable(id wire.NodeID, inForce []wire.Membership) bool {
	if id == s.changing.never {
		return false
	}
	return !slices.ContainsFunc(inForce, func(m wire.Membership) bool { return m.IsVoter(id) && s.w.isLost(&m, id) })
}

// isServable reports whether enough voters of a target may vote for it not to be the end of
// the group. Who cannot be started yet may be a voter, as long as it holds up nothing.
func (s *schedule) isServable(m *wire.Membership) bool {
	inForce := s.inForce()
	return quorum.Of(m).Votes(func(id wire.NodeID) quorum.Vote {
		if s.isUsable(id, inForce) || id == s.changing.never {
			return quorum.Granted
		}
		return quorum.Refused
	}) == quorum.Won
}

// wipe takes a node's disk, unless that would be the end of the group: more than a minority
// of some voters, or of those that a group is formed by, would be lost.
func (s *schedule) wipe(end Instant) {
	w, n := s.w, s.anyone()
	isBound := slices.ContainsFunc(w.history.memberships(w), func(m wire.Membership) bool { return len(m.Voters) > 0 && m.Incarnation(m.Voters[0]) != 0 })
	if n.id == s.changing.never || !isBound {
		return
	}
	s.changing.ever[n.id] = true
	inForce := s.inForce()
	for _, m := range append(inForce, s.membership) {
		for _, voters := range [][]wire.NodeID{m.Voters, m.Outgoing, m.TargetVoters} {
			able := 0
			for _, id := range voters {
				if id != n.id && s.isUsable(id, inForce) && !s.changing.ever[id] {
					able++
				}
			}
			if len(voters) > 0 && slices.Contains(voters, n.id) && 2*able <= len(voters) {
				delete(s.changing.ever, n.id)
				return
			}
		}
	}
	w.changes.wiped++
	n.wipe(wire.Incarnation(1000 + w.changes.wiped))
	w.after(min(w.upTo(4*testElection), end-w.now), n.restart)
}

// memberships are the committed ones, as far as anybody has them.
func (h *history) memberships(w *world) []wire.Membership {
	var all []wire.Membership
	for _, n := range w.nodes {
		if n.core != nil && n.core.committedMembership().index > 0 {
			all = append(all, n.core.committedMembership().membership)
		}
	}
	return all
}

// wipe takes a node's disk. It stays down.
func (n *node) wipe(incarnation wire.Incarnation) {
	n.crashKeeping(0)
	n.w.tracef("%d is wiped", n.id)
	n.disk = disk{incarnation: incarnation, lost: append(slices.Clip(n.disk.lost), n.disk.held())}
	n.initialized = false
	if n.w.wiped != nil {
		n.w.wiped(n.id)
	}
}

// settleChange waits until a change that is under way has ended, or cannot: then it is
// taken back, as people would.
func (s *schedule) settleChange() {
	w := s.w
	w.run(recovery+s.fetching()+Instant(s.lag())*roundTrip, s.isSettled)
	if s.isSettled() {
		return
	}
	leader := w.leader()
	if leader == nil || !s.isStuck(leader.core.membership()) {
		w.failf("a change does not end\n%s", w.dump())
	}
	w.changes.cancelled++
	m := leader.core.membership()
	var learners []wire.NodeID
	for _, id := range m.Learners {
		if !slices.Contains(m.TargetVoters, id) {
			learners = append(learners, id)
		}
	}
	s.ask("a change that is to be taken back", targetOf("cancelled", m.Voters, learners))
}

// isStuck reports whether a change cannot go on before somebody does something: a newcomer
// is not started, or too many of the target may not vote.
func (s *schedule) isStuck(m *wire.Membership) bool {
	if m.IsJoint() || !m.IsChanging() {
		return false
	}
	return slices.Contains(m.TargetVoters, s.changing.never) || s.w.isUnable(m)
}

// isUnable reports whether too few of a target's voters may vote.
func (w *world) isUnable(m *wire.Membership) bool {
	able := 0
	for _, id := range m.TargetVoters {
		if !w.isLost(m, id) {
			able++
		}
	}
	return 2*able <= len(m.TargetVoters)
}

// isSettled reports whether there is a leader whose membership is committed, and nothing is
// to follow it.
func (s *schedule) isSettled() bool {
	leader := s.w.leader()
	return leader != nil && phaseOf(leader.core) == steady && leader.core.Standing().At == leader.core.Standing().CommittedAt &&
		leader.core.hasCommittedInTerm() && leader.core.membership().IsVoter(leader.id) && leader.core.leader.transferTo == 0
}

// ask has the leader change the membership, and waits for the end of it.
func (s *schedule) ask(what string, target wire.Membership) {
	w := s.w
	w.tracef("%s: %+v", what, target)
	asked := Instant(0)
	done := func() bool {
		leader := w.leader()
		if leader == nil {
			return false
		}
		if s.isSettled() && isOnItsWay(leader.core.membership(), &target) {
			return true
		}
		// Its leader may have to go before it has begun.
		if w.now >= asked+2*testElection && leader.changes == 0 {
			asked = w.now
			leader.take(ChangeRequested{Target: target})
		}
		return false
	}
	if !w.run(2*recovery+s.fetching()+Instant(s.lag())*roundTrip, done) {
		w.failf("%s does not end\n%s", what, w.dump())
	}
}

// bringBack removes the voters that have lost their disks, and adds them again.
func (s *schedule) bringBack() {
	w := s.w
	m := *w.leader().core.membership()
	voters := slices.DeleteFunc(slices.Clone(m.Voters), func(id wire.NodeID) bool { return w.isLost(&m, id) })
	learners := slices.DeleteFunc(slices.Clone(m.Learners), func(id wire.NodeID) bool { return id == s.changing.never })
	if len(voters) < len(m.Voters) || len(learners) < len(m.Learners) {
		s.ask("a change without those who have lost their disks", targetOf("left", voters, learners))
		s.ask("a change with those who had lost their disks", targetOf("back", m.Voters, learners))
		w.changes.brought += len(m.Voters) - len(voters)
	}
	if s.changing.never != 0 {
		w.changes.never++
	}
}

// checkRemoved demands that who was removed and can hear of it, because it asks somebody who
// knows, has; and that it disturbs nobody.
func (s *schedule) checkRemoved() {
	w := s.w
	leader := w.leader()
	m := leader.core.membership()
	for _, n := range w.nodes {
		if n.core == nil || m.Contains(n.id) || !n.core.membership().IsVoter(n.id) && n.core.Standing().CommittedAt != n.core.Standing().At {
			continue
		}
		asks := slices.ContainsFunc(n.core.membership().Members, func(other wire.Member) bool {
			return n.core.membership().IsVoter(other.ID) && m.Contains(other.ID)
		})
		if n.core.membership().IsVoter(n.id) && asks && n.core.mayCampaign() && n.core.Standing().RemovedAt == 0 {
			w.failf("node %d was removed and does not know\n%s", n.id, w.dump())
		}
		if n.core.Standing().RemovedAt > 0 {
			w.changes.removed++
		}
	}
}
