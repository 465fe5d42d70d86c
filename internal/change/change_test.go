// SPDX-License-Identifier: Apache-2.0

package change

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// simple is a membership of voters and learners. The incarnation of a voter is a hundred
// times its ID, and its address says whose it is.
func simple(voters, learners []wire.NodeID) wire.Membership {
	m := wire.Membership{Voters: voters, Learners: learners}
	for _, id := range union(voters, learners) {
		member := wire.Member{ID: id, Address: fmt.Sprint("old-", id)}
		if slices.Contains(voters, id) {
			member.Incarnation = 100 * wire.Incarnation(id)
		}
		m.Members = append(m.Members, member)
	}
	return m
}

// wanted is a target: nobody knows any incarnations there, and all addresses are new.
func wanted(voters, learners []wire.NodeID) wire.Membership {
	m := simple(voters, learners)
	for i := range m.Members {
		m.Members[i].Address, m.Members[i].Incarnation = fmt.Sprint("new-", m.Members[i].ID), 0
	}
	return m
}

func ids(list ...wire.NodeID) []wire.NodeID { return list }

// knownOf is what a leader knows of those who learn.
func knownOf(id wire.NodeID) wire.Incarnation { return 1000 + wire.Incarnation(id) }

// lists are the parts of a membership, in the order of its fields.
type lists [5][]wire.NodeID

func listsOf(m *wire.Membership) lists {
	return lists{m.Voters, m.Outgoing, m.Learners, m.TargetVoters, m.TargetLearners}
}

func (l lists) equal(other lists) bool { return slices.EqualFunc(l[:], other[:], slices.Equal) }

// TestSteps has each kind of change, with all its memberships.
func TestSteps(t *testing.T) {
	for name, c := range map[string]struct {
		from, target wire.Membership
		steps        []lists
	}{
		"grow": {simple(ids(1), nil), wanted(ids(1, 2, 3), nil), []lists{
			{ids(1), nil, ids(2, 3), ids(1, 2, 3), nil}, {ids(1, 2, 3), ids(1)}, {ids(1, 2, 3)},
		}},
		"shrink": {simple(ids(1, 2, 3), nil), wanted(ids(2), nil), []lists{
			{ids(1, 2, 3), nil, nil, ids(2)}, {ids(2), ids(1, 2, 3)}, {ids(2)},
		}},
		"replace": {simple(ids(1, 2, 3), nil), wanted(ids(2, 3, 4), nil), []lists{
			{ids(1, 2, 3), nil, ids(4), ids(2, 3, 4)}, {ids(2, 3, 4), ids(1, 2, 3)}, {ids(2, 3, 4)},
		}},
		"demote": {simple(ids(1, 2, 3), nil), wanted(ids(1, 2), ids(3)), []lists{
			{ids(1, 2, 3), nil, nil, ids(1, 2), ids(3)}, {ids(1, 2), ids(1, 2, 3), nil, nil, ids(3)}, {ids(1, 2), nil, ids(3)},
		}},
		"promote one of two": {simple(ids(1), ids(2, 3)), wanted(ids(1, 2), ids(3)), []lists{
			{ids(1), nil, ids(2, 3), ids(1, 2), ids(3)}, {ids(1, 2), ids(1), ids(3), nil, ids(3)}, {ids(1, 2), nil, ids(3)},
		}},
		"swap all": {simple(ids(1, 2), ids(5)), wanted(ids(3, 4), ids(6)), []lists{
			{ids(1, 2), nil, ids(3, 4, 6), ids(3, 4), ids(6)}, {ids(3, 4), ids(1, 2), ids(6), nil, ids(6)}, {ids(3, 4), nil, ids(6)},
		}},
		"trade places": {simple(ids(1, 2), ids(3)), wanted(ids(1, 3), ids(2)), []lists{
			{ids(1, 2), nil, ids(3), ids(1, 3), ids(2)}, {ids(1, 3), ids(1, 2), nil, nil, ids(2)}, {ids(1, 3), nil, ids(2)},
		}},
		"learners only": {simple(ids(1, 2), ids(3)), wanted(ids(1, 2), ids(4)), []lists{{ids(1, 2), nil, ids(4)}}},
		"address only":  {simple(ids(1, 2), nil), wanted(ids(1, 2), nil), []lists{{ids(1, 2)}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []lists
			for _, m := range steps(t, &c.from, &c.target) {
				got = append(got, listsOf(&m))
			}
			if !slices.EqualFunc(got, c.steps, lists.equal) {
				t.Errorf("the steps are\n\t%v, want\n\t%v", got, c.steps)
			}
		})
	}
}

// steps are the memberships on the way from one to another, to the end.
func steps(t *testing.T, from, target *wire.Membership) []wire.Membership {
	t.Helper()
	m := Begin(from, target)
	all := []wire.Membership{m}
	for m.IsChanging() {
		if len(all) > 3 {
			t.Fatal("a change does not end")
		}
		if m.IsJoint() {
			m = Final(&m)
		} else {
			m = Joint(&m, knownOf)
		}
		all = append(all, m)
	}
	return all
}

// A target that changes while the new ones still learn leaves nothing of the one before but
// addresses: also if it is what there was at first.
func TestRetargetAndCancel(t *testing.T) {
	from := simple(ids(1, 2, 3), ids(5))
	target, other := wanted(ids(2, 3, 4), nil), wanted(ids(1, 2, 6), ids(4))
	begun := Begin(&from, &target)
	direct, again := Begin(&from, &other), Begin(&begun, &other)
	if !listsOf(&again).equal(listsOf(&direct)) {
		t.Errorf("another target leads to %+v, want %+v", again, direct)
	}
	cancelled := Begin(&begun, &from)
	if !cancelled.Equal(&from) || cancelled.IsChanging() {
		t.Errorf("back to where it began is %+v, want %+v", cancelled, from)
	}
	if same := Begin(&begun, &target); !same.Equal(&begun) {
		t.Errorf("the same target again leads to %+v", same)
	}
}

// Who goes on voting keeps its incarnation, who begins to has the one that is known by
// the joint membership, and learners have none, nor has who has been a voter.
func TestIncarnations(t *testing.T) {
	from, target := simple(ids(1, 2, 3), ids(4, 6)), wanted(ids(2, 4, 5), ids(3, 6))
	all := steps(t, &from, &target)
	for i, want := range []map[wire.NodeID]wire.Incarnation{
		{1: 100, 2: 200, 3: 300, 4: 0, 5: 0, 6: 0},
		{1: 100, 2: 200, 3: 300, 4: 1004, 5: 1005, 6: 0},
		{2: 200, 3: 0, 4: 1004, 5: 1005, 6: 0},
	} {
		if len(all[i].Members) != len(want) {
			t.Errorf("step %d has members %v", i, all[i].Members)
		}
		for id, incarnation := range want {
			if got := all[i].Incarnation(id); got != incarnation {
				t.Errorf("step %d: node %d has incarnation %d, want %d", i, id, got, incarnation)
			}
		}
	}
	// Brought in again after that, it is known as what it is by then.
	target = wanted(ids(2, 3, 4, 5), nil)
	again := steps(t, &all[2], &target)
	if got := again[len(again)-1].Incarnation(3); got != 1003 {
		t.Errorf("brought in again, node 3 has incarnation %d", got)
	}
}

// What a target says of incarnations means nothing.
func TestTargetKnowsNoIncarnations(t *testing.T) {
	from, target := simple(ids(1, 2), nil), simple(ids(1, 3), ids(2))
	for i := range target.Members {
		target.Members[i].Incarnation = 77
	}
	for _, m := range steps(t, &from, &target) {
		for _, member := range m.Members {
			if member.Incarnation == 77 {
				t.Errorf("%+v has an incarnation of the target", m)
			}
		}
	}
}

// The addresses of a target count at once; who is not in it keeps the old one.
func TestAddresses(t *testing.T) {
	from, target := simple(ids(1, 2), nil), wanted(ids(2, 3), nil)
	begun := Begin(&from, &target)
	for id, want := range map[wire.NodeID]string{1: "old-1", 2: "new-2", 3: "new-3"} {
		if got := begun.Address(id); got != want {
			t.Errorf("node %d is at %q, want %q", id, got, want)
		}
	}
}

func TestBind(t *testing.T) {
	m := wanted(ids(1, 2), ids(3))
	first := Bind(&m, knownOf)
	if first.Incarnation(1) != 1001 || first.Incarnation(2) != 1002 || first.Incarnation(3) != 0 {
		t.Errorf("bound: %+v", first)
	}
	if m.Incarnation(1) != 0 || !listsOf(&first).equal(listsOf(&m)) {
		t.Errorf("%+v is what was bound, to %+v", m, first)
	}
}

func TestNewcomers(t *testing.T) {
	m := simple(ids(1, 2), ids(3))
	if got := Newcomers(&m); got != nil {
		t.Errorf("without a change there are %v", got)
	}
	target := wanted(ids(2, 3, 4), ids(5))
	begun := Begin(&m, &target)
	if got := Newcomers(&begun); !slices.Equal(got, ids(3, 4)) {
		t.Errorf("they are %v", got)
	}
}

// Two memberships that are in order may have more members together than any may: who
// begins a change has to look.
func TestTooManyTogether(t *testing.T) {
	var old, next []wire.NodeID
	for id := wire.NodeID(1); id <= 200; id++ {
		old, next = append(old, id), append(next, 200+id)
	}
	from, target := simple(old, nil), wanted(next, nil)
	begun := Begin(&from, &target)
	if err := begun.Validate(); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("%d members: %v", len(begun.Members), err)
	}
}
