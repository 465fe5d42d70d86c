// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// force stops a member and forces its group to have the given ones, on a copy of its log.
func (c *cluster) force(id raft.NodeID, members ...raft.NodeID) raft.ForcePlan {
	c.t.Helper()
	m := c.members[id]
	c.stop(id)
	fresh := mem.NewLog()
	if err := raft.CopyLog(fresh, m.log, 1); err != nil {
		c.t.Fatal(err)
	}
	m.log = fresh
	plan, err := raft.ForceMembership(m.forced(members...))
	if err != nil {
		c.t.Fatal(err)
	}
	return plan
}

func (m *member) forced(members ...raft.NodeID) raft.ForceTarget {
	target := raft.ForceTarget{Group: 1, Node: m.id, Log: m.log, Members: addressesOf(members...)}
	if m.snapshots != nil {
		target.Snapshots = m.snapshots
	}
	return target
}

func addressesOf(members ...raft.NodeID) []raft.Member {
	var list []raft.Member
	for _, id := range members {
		list = append(list, raft.Member{ID: id, Address: fmt.Sprint("node-", id)})
	}
	return list
}

// TestForceSingleSurvivor: of three two are lost, and the third serves again, with everything
// it had and under another incarnation, and takes in new ones.
func TestForceSingleSurvivor(t *testing.T) {
	inBubble(t, 3, func(c *cluster) {
		for n := range 5 {
			c.propose(c.leader(), fmt.Sprint("w", n), 5*time.Second)
		}
		had := c.awaitEqual()
		lost := []raft.NodeID{c.leader().id, c.leader().id%3 + 1}
		survivor := 6 - lost[0] - lost[1]
		for _, id := range lost {
			c.crash(id)
			delete(c.members, id)
		}
		c.pass(10 * electionTimeout)
		if s := c.members[survivor].group.Status(); s.Leader != 0 {
			c.t.Fatalf("without a quorum it follows %d", s.Leader)
		}
		before := c.members[survivor].log.Incarnation()
		plan := c.force(survivor, survivor)
		if slices.Sort(lost); !slices.Equal(plan.Gone, lost) || !plan.MayLose || plan.Before.IsVoter(survivor) == false {
			c.t.Errorf("the plan is %+v", plan)
		}
		c.start(survivor)
		m := c.members[survivor]
		if s := m.group.Status(); !s.Forming || s.Membership.Incarnation(survivor) != 0 {
			c.t.Errorf("it is not being formed: %+v", s)
		}
		c.propose(m, "again", 3*electionTimeout) // At once, but for its own election time-out.
		if got := m.machine.applied(); !slices.Equal(got, append(slices.Clone(had), "again")) {
			c.t.Errorf("it had %q and has %q", had, got)
		}
		s := m.group.Status()
		if got := s.Membership.Incarnation(survivor); got != m.log.Incarnation() || got == before {
			c.t.Errorf("its incarnation is %v, was %v", got, before)
		}
		joining := c.add(7)
		c.change(func(g *raft.Group) error { return g.AddVoter(c.t.Context(), joining) })
		c.propose(c.serving(), "both", 5*time.Second)
		if got := c.awaitEqual(); len(got) != len(had)+2 {
			c.t.Errorf("both have %q", got)
		}
	})
}

// oldLog makes the log of a member of a group of five that has had a leader: entries of the given
// terms behind the two memberships, each with a command that says which it is.
func oldLog(c *cluster, id raft.NodeID, hard raft.Term, terms ...raft.Term) {
	c.t.Helper()
	m := wire.NewMembership(addressesOf(1, 2, 3, 4, 5)...)
	bound := wire.NewMembership(addressesOf(1, 2, 3, 4, 5)...)
	for i := range bound.Members {
		bound.Members[i].Incarnation = raft.Incarnation(100 + i)
	}
	entries := []raft.Entry{
		{Index: 1, Term: 1, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &m)},
		{Index: 2, Term: 2, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &bound)},
	}
	for i, term := range terms {
		index := raft.Index(3 + i)
		entries = append(entries, raft.Entry{Index: index, Term: term, Kind: wire.EntryCommand, Data: fmt.Appendf(nil, "t%d/i%d", term, index)})
	}
	log := mem.NewLog()
	if err := log.Save([]wire.Update{{Group: 1, HardState: wire.HardState{Term: hard}, Entries: entries}}); err != nil {
		c.t.Fatal(err)
	}
	c.members[id] = &member{id: id, log: log}
}

// TestForceKeepsMostComplete: among the members that are left the one wins whose log is the
// most complete by §5.4.1, and the others get its entries, also where their forced entries
// have the same index, or a higher one.
func TestForceKeepsMostComplete(t *testing.T) {
	type log = []raft.Term
	for name, test := range map[string]struct {
		logs   [2]log
		hard   [2]raft.Term
		winner int // whose commands are there in the end
	}{
		"longer":                           {[2]log{{2, 2, 2}, {2, 2}}, [2]raft.Term{2, 2}, 0},
		"newer term":                       {[2]log{{2, 3}, {2, 2}}, [2]raft.Term{3, 3}, 0},
		"newer term though shorter":        {[2]log{{2, 3}, {2, 2, 2, 2, 2, 2}}, [2]raft.Term{3, 9}, 0},
		"equal":                            {[2]log{{2, 2}, {2, 2}}, [2]raft.Term{2, 5}, 0},
		"next to each other":               {[2]log{{2, 2, 3}, {2, 2, 2, 2}}, [2]raft.Term{4, 4}, 0},
		"its entry where the other forces": {[2]log{{2, 3}, {2}}, [2]raft.Term{3, 2}, 0},
		"nothing of it, and a higher term": {[2]log{{2}, {}}, [2]raft.Term{2, 8}, 0},
	} {
		for _, swap := range []bool{false, true} {
			t.Run(fmt.Sprint(name, swap), func(t *testing.T) {
				inBubbleWith(t, 0, nil, func(c *cluster) {
					logs, hard, winner := test.logs, test.hard, test.winner
					if swap {
						logs, hard, winner = [2]log{logs[1], logs[0]}, [2]raft.Term{hard[1], hard[0]}, 1-winner
					}
					var forced [2]raft.ForcePlan
					for i, terms := range logs {
						id := raft.NodeID(i + 1)
						oldLog(c, id, hard[i], terms...)
						forced[i] = c.force(id, 1, 2)
					}
					if (forced[0].Forced == forced[1].Forced) != slices.Equal(logs[0], logs[1]) {
						c.t.Fatalf("forced entries %v and %v", forced[0].Forced, forced[1].Forced)
					}
					c.start(1)
					c.pass(20 * electionTimeout)
					if s := c.members[1].group.Status(); s.Role == raft.RoleLeader || !s.Forming {
						c.t.Fatalf("one of two serves alone: %+v", s)
					}
					c.start(2)
					c.propose(c.leader(), "new", 5*time.Second)
					var want []string
					for i, term := range logs[winner] {
						want = append(want, fmt.Sprintf("t%d/i%d", term, 3+i))
					}
					if got := c.awaitEqual(); !slices.Equal(got, append(want, "new")) {
						c.t.Errorf("they have %q, want %q", got, append(want, "new"))
					}
				})
			})
		}
	}
}

// TestForcedTermOrder: forced entries compare as the logs before them, whatever these are.
func TestForcedTermOrder(t *testing.T) {
	inBubbleWith(t, 0, nil, func(c *cluster) {
		forced := func(terms ...raft.Term) (last, entry raft.LogID) {
			oldLog(c, 1, 9, terms...)
			plan, err := raft.PlanForce(c.members[1].forced(1, 2))
			if err != nil || plan.Refusal != nil {
				c.t.Fatal(err, plan.Refusal)
			}
			if plan.Forced.Term < 1<<36 {
				c.t.Errorf("%v is a term that the old group could come to", plan.Forced)
			}
			delete(c.members, 1)
			return plan.Last, plan.Forced
		}
		logs := [][]raft.Term{{}, {2}, {2, 2}, {3}, {2, 3}, {3, 3, 3}, {4}, {2, 2, 2, 2, 2, 4}, {5, 5}}
		for _, a := range logs {
			for _, b := range logs {
				lastA, forcedA := forced(a...)
				lastB, forcedB := forced(b...)
				if lastA.Compare(lastB) != forcedA.Compare(forcedB) {
					c.t.Errorf("behind %v and %v there are %v and %v", lastA, lastB, forcedA, forcedB)
				}
			}
		}
	})
}

// TestForceAgain: the same is not done twice, and other members may be given as long as there
// was no leader.
func TestForceAgain(t *testing.T) {
	inBubbleWith(t, 0, nil, func(c *cluster) {
		oldLog(c, 1, 2, 2)
		c.force(1, 1, 2)
		again, err := raft.ForceMembership(c.members[1].forced(1, 2))
		if err != nil || !again.IsDone || again.Last != (raft.LogID{Term: again.Last.Term, Index: 4}) {
			c.t.Errorf("the same again: %v, %+v", err, again)
		}
		other, err := raft.ForceMembership(c.members[1].forced(1))
		if err != nil || other.Forced.Index != 5 || other.Forced.Term <= again.Last.Term {
			c.t.Errorf("others: %v, %+v", err, other)
		}
		c.start(1)
		c.propose(c.members[1], "serves", 3*electionTimeout)
	})
}

// change saves a membership at the end of a log.
func (m *member) saveMembership(t *testing.T, at raft.Index, membership raft.Membership) {
	t.Helper()
	entry := raft.Entry{Index: at, Term: 2, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &membership)}
	if err := m.log.Save([]wire.Update{{Group: 1, Entries: []raft.Entry{entry}}}); err != nil {
		t.Fatal(err)
	}
}

// among is the membership of some of the five, with incarnations.
func among(voters, outgoing, learners []raft.NodeID) raft.Membership {
	all := slices.Concat(voters, outgoing, learners)
	slices.Sort(all)
	m := wire.NewMembership(addressesOf(slices.Compact(all)...)...)
	for i := range m.Members {
		m.Members[i].Incarnation = 7
	}
	m.Voters, m.Outgoing, m.Learners = voters, outgoing, learners
	return m
}

// TestForcePlan says what is gone and what may be lost, and when there is no need.
func TestForcePlan(t *testing.T) {
	type ids = []raft.NodeID
	for name, test := range map[string]struct {
		last    raft.Membership
		members ids
		refusal error
		gone    ids
		mayLose bool
	}{
		"one of three":                 {among(ids{1, 2, 3}, nil, nil), ids{1}, nil, ids{2, 3}, true},
		"two of three":                 {among(ids{1, 2, 3}, nil, nil), ids{1, 2}, raft.ErrForceNotNeeded, ids{3}, false},
		"two of four":                  {among(ids{1, 2, 3, 4}, nil, nil), ids{1, 2}, nil, ids{3, 4}, false},
		"joint, old ones are left":     {among(ids{3, 4, 5}, ids{1, 2}, nil), ids{1, 2}, nil, ids{3, 4, 5}, false},
		"joint, both are left":         {among(ids{1, 2, 3}, ids{1, 2}, nil), ids{1, 2}, raft.ErrForceNotNeeded, ids{3}, false},
		"joint, none is left":          {among(ids{3, 4, 5}, ids{1, 2, 3}, nil), ids{1}, nil, ids{2, 3, 4, 5}, true},
		"alone already":                {among(ids{1}, nil, nil), ids{1}, raft.ErrForceNotNeeded, nil, false},
		"a learner":                    {among(ids{2, 3}, nil, ids{1}), ids{1}, nil, ids{2, 3}, true},
		"a learner does not count":     {among(ids{1, 2, 3}, nil, ids{4, 5}), ids{1, 4, 5}, nil, ids{2, 3}, true},
		"this node is not among them":  {among(ids{1, 2, 3}, nil, nil), ids{2}, raft.ErrForceNotMember, ids{1, 3}, true},
		"one that has nothing of it":   {among(ids{1, 2, 3}, nil, nil), ids{1, 8}, raft.ErrForceNotMember, ids{2, 3}, true},
		"one that was a member before": {among(ids{1, 2, 3}, nil, nil), ids{1, 5}, nil, ids{2, 3}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubbleWith(t, 0, nil, func(c *cluster) {
				oldLog(c, 1, 2, 2)
				m := c.members[1]
				m.saveMembership(t, 4, test.last)
				before, _ := m.log.Load(1)
				target := m.forced(test.members...)
				target.Applied = 4 // It is committed; otherwise the one before counts, too.
				plan, err := raft.PlanForce(target)
				if err != nil {
					c.t.Fatal(err)
				}
				if !errors.Is(plan.Refusal, test.refusal) || (plan.Refusal == nil) != (test.refusal == nil) {
					c.t.Errorf("refused with %v: %s, want %v", plan.Refusal, plan.Reason, test.refusal)
				}
				if !slices.Equal(plan.Gone, test.gone) || plan.MayLose != test.mayLose || plan.BeforeAt != 4 {
					c.t.Errorf("gone are %d, losses: %v, the membership is at %d", plan.Gone, plan.MayLose, plan.BeforeAt)
				}
				_, err = raft.ForceMembership(target)
				if !errors.Is(err, test.refusal) || (err == nil) != (test.refusal == nil) {
					c.t.Errorf("forced with %v", err)
				}
				if after, _ := m.log.Load(1); (after.Last != before.Last) != (test.refusal == nil) {
					c.t.Errorf("the log ended at %d and ends at %d", before.Last, after.Last)
				}
				delete(c.members, 1)
			})
		})
	}
}

// A membership that may not have been committed could have been decided without by those of
// the one before.
func TestForcePlanUncommitted(t *testing.T) {
	inBubbleWith(t, 0, nil, func(c *cluster) {
		oldLog(c, 1, 2, 2)
		m := c.members[1]
		m.saveMembership(t, 4, among([]raft.NodeID{1, 2, 3, 4}, nil, nil))
		plan, err := raft.PlanForce(m.forced(1, 2))
		if err != nil || plan.Refusal != nil || !plan.MayLose || len(plan.Earlier.Voters) != 5 {
			c.t.Errorf("%v, %+v", err, plan)
		}
		delete(c.members, 1)
	})
}

func TestForceRefusesWithoutGroup(t *testing.T) {
	for name, target := range map[string]raft.ForceTarget{
		"no members": {Group: 1, Node: 1, Log: mem.NewLog()},
		"no log":     {Group: 1, Node: 1, Members: addressesOf(1)},
		"no node":    {Group: 1, Log: mem.NewLog(), Members: addressesOf(1)},
		"no entry":   {Group: 1, Node: 1, Log: mem.NewLog(), Members: addressesOf(1)},
	} {
		_, err := raft.ForceMembership(target)
		if err == nil || errors.Is(err, raft.ErrForceNoGroup) != (name == "no entry") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A node that has heard of the forced group of others must not begin another one.
func TestForceOutdated(t *testing.T) {
	inBubbleWith(t, 0, nil, func(c *cluster) {
		oldLog(c, 1, 1<<37, 2)
		_, err := raft.ForceMembership(c.members[1].forced(1))
		if !errors.Is(err, raft.ErrForceOutdated) {
			c.t.Error(err)
		}
		delete(c.members, 1)
	})
}

// TestForceWithSnapshot: what the log does not hold any more comes from the snapshot; if that
// is damaged and there is no other, the state is lost and nothing is forced.
func TestForceWithSnapshot(t *testing.T) {
	for name, isDamaged := range map[string]bool{"whole": false, "damaged": true} {
		t.Run(name, func(t *testing.T) {
			inSnapshotBubble(t, 3, often, func(c *cluster) {
				var want []string
				for n := range 250 {
					want = append(want, fmt.Sprint("w", n))
					c.propose(c.leader(), want[n], 5*time.Second)
				}
				c.awaitEqual()
				c.await("a compacted log", func() bool { return c.members[1].group.Status().FirstIndex > 1 })
				for id := raft.NodeID(2); id <= 3; id++ {
					c.discard(id)
				}
				c.stop(1)
				m := c.members[1]
				if isDamaged {
					list, _ := m.snapshots.List(1)
					for _, meta := range list {
						m.snapshots.Damage(1, meta.ID, 0)
					}
					_, err := raft.ForceMembership(m.forced(1))
					if !errors.Is(err, raft.ErrForceStateLost) {
						c.t.Errorf("without a whole snapshot: %v", err)
					}
					return
				}
				plan := c.force(1, 1)
				if plan.Snapshot.ID == 0 || plan.Committed < plan.Snapshot.Last.Index {
					c.t.Errorf("the plan is %+v", plan)
				}
				c.start(1)
				c.propose(m, "again", 3*electionTimeout)
				if got := m.machine.applied(); !slices.Equal(got, append(want, "again")) {
					c.t.Errorf("it has %d commands, want %d", len(got), len(want)+1)
				}
			})
		})
	}
}

// TestForceBehindSnapshot: a member that had received a snapshot, and crashed before its log began
// anew behind it, goes on behind the snapshot.
func TestForceBehindSnapshot(t *testing.T) {
	inSnapshotBubble(t, 1, often, func(c *cluster) {
		for n := range 150 {
			c.propose(c.leader(), fmt.Sprint("w", n), 5*time.Second)
		}
		c.await("a snapshot", func() bool { return c.members[1].group.Status().SnapshotIndex > 0 })
		had := c.awaitEqual()
		c.stop(1)
		m := c.members[1]
		list, err := m.snapshots.List(1)
		if err != nil {
			c.t.Fatal(err)
		}
		meta := list[0]
		meta.Membership = among([]raft.NodeID{1, 2, 3}, nil, nil)
		kept := mem.NewSnapshots()
		data := make([]byte, meta.Size)
		_, _ = m.snapshots.ReadAt(1, meta.ID, data, 0) // io.EOF, or Publish finds out.
		_, err = kept.Begin(1, meta)
		err = errors.Join(err, kept.Write(1, meta.ID, 0, data), kept.Publish(1, meta.ID, meta.Size, meta.Checksum))
		if err != nil {
			c.t.Fatal(err)
		}
		oldLog(c, 1, 2, 2)
		m = c.members[1]
		m.snapshots = kept
		plan := c.force(1, 1)
		if plan.Last != meta.Last || plan.Forced.Index != meta.Last.Index+1 || !slices.Equal(plan.Gone, []raft.NodeID{2, 3}) {
			c.t.Errorf("the plan is %+v", plan)
		}
		c.start(1)
		c.propose(m, "again", 3*electionTimeout)
		got := m.machine.applied()
		if len(got) < 2 || got[len(got)-1] != "again" || !strings.HasPrefix(strings.Join(had, " "), strings.Join(got[:len(got)-1], " ")) {
			c.t.Errorf("it has %d commands, had %d", len(got), len(had))
		}
	})
}

// TestCopyLogRefuses: a copy goes to where nothing of the group is.
func TestCopyLogRefuses(t *testing.T) {
	inBubbleWith(t, 0, nil, func(c *cluster) {
		oldLog(c, 1, 2, 2)
		oldLog(c, 2, 2, 2)
		if err := raft.CopyLog(c.members[1].log, c.members[2].log, 1); !errors.Is(err, raft.ErrNotEmpty) {
			c.t.Error(err)
		}
		if c.members[1].log.Incarnation() == c.members[2].log.Incarnation() {
			c.t.Error("two logs have one incarnation")
		}
		clear(c.members)
	})
}

// unreadable are snapshots whose disk fails, for a time.
type unreadable struct{ raft.SnapshotStore }

var errUnreadable = errors.New("input/output error")

func (unreadable) ReadAt(raft.GroupID, raft.SnapshotID, []byte, uint64) (int, error) {
	return 0, errUnreadable
}

// TestForceUnreadableSnapshot: a snapshot that could not be read just now is not a damaged one. There is no
// plan without it, as the node would not start without it.
func TestForceUnreadableSnapshot(t *testing.T) {
	inSnapshotBubble(t, 1, often, func(c *cluster) {
		for n := range 150 {
			c.propose(c.leader(), fmt.Sprint("w", n), 5*time.Second)
		}
		c.await("a compacted log", func() bool { return c.members[1].group.Status().FirstIndex > 1 })
		c.stop(1)
		target := c.members[1].forced(1)
		target.Snapshots = unreadable{c.members[1].snapshots}
		before, _ := c.members[1].log.Load(1)
		plan, err := raft.ForceMembership(target)
		if !errors.Is(err, errUnreadable) || errors.Is(err, raft.ErrForceRefused) || plan.Damaged != 0 {
			t.Errorf("with a disk that fails: %v, %d damaged", err, plan.Damaged)
		}
		if after, _ := c.members[1].log.Load(1); after.Last != before.Last {
			t.Error("something was forced")
		}
	})
}

// TestForceTermsUsedUp: terms do not begin anew when they are used up.
func TestForceTermsUsedUp(t *testing.T) {
	for _, last := range []raft.Term{1<<59 + 1, 1<<64 - 2} {
		inBubbleWith(t, 0, nil, func(c *cluster) {
			oldLog(c, 1, last, 2, last)
			plan, err := raft.PlanForce(c.members[1].forced(1))
			if err != nil || !errors.Is(plan.Refusal, raft.ErrForceRefused) {
				t.Errorf("behind term %d: %v, refused with %v, forced %v", last, err, plan.Refusal, plan.Forced)
			}
			delete(c.members, 1)
		})
	}
}
