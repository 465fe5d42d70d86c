// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMembershipValidate(t *testing.T) {
	ids := func(first, n NodeID) (list []NodeID) {
		for id := first; id < first+n; id++ {
			list = append(list, id)
		}
		return list
	}
	// of returns a membership with an address for each node that is named.
	of := func(voters, outgoing, learners []NodeID) Membership {
		m := Membership{Voters: voters, Outgoing: outgoing, Learners: learners}
		for id := range NodeID(2 * MembersMax) {
			if slices.Contains(slices.Concat(voters, outgoing, learners), id) {
				m.Members = append(m.Members, Member{ID: id, Address: "a"})
			}
		}
		return m
	}
	change := func(m Membership, do func(*Membership)) Membership { do(&m); return m }
	three := of(ids(1, 3), nil, nil)
	for name, test := range map[string]struct {
		membership Membership
		want       string // a part of the error, empty for none
	}{
		"one voter":               {of(ids(1, 1), nil, nil), ""},
		"three voters":            {three, ""},
		"joint":                   {of(ids(1, 3), ids(2, 3), nil), ""},
		"joint, same voters":      {of(ids(1, 3), ids(1, 3), nil), ""},
		"learners":                {of(ids(1, 3), nil, ids(4, 2)), ""},
		"learners and joint":      {of(ids(1, 3), ids(2, 3), ids(5, 2)), ""},
		"the largest":             {of(ids(1, MembersMax), nil, nil), ""},
		"the longest address":     {NewMembership(Member{ID: 1, Address: strings.Repeat("x", AddressBytesMax)}), ""},
		"empty":                   {Membership{}, "without voters"},
		"only outgoing":           {of(nil, ids(1, 3), nil), "without voters"},
		"only learners":           {of(nil, nil, ids(1, 3)), "without voters"},
		"too large":               {of(ids(1, MembersMax), nil, ids(MembersMax+1, 1)), "the most is"},
		"too long an address":     {NewMembership(Member{ID: 1, Address: strings.Repeat("x", AddressBytesMax+1)}), "an address of"},
		"voter 0":                 {NewMembership(Member{ID: 0, Address: "a"}, Member{ID: 1, Address: "b"}), "node 0"},
		"outgoing 0":              {of(ids(1, 1), ids(0, 2), nil), "node 0"},
		"learner 0":               {of(ids(1, 1), nil, ids(0, 1)), "node 0"},
		"voter twice":             {NewMembership(Member{ID: 1, Address: "a"}, Member{ID: 1, Address: "a"}), "ascending"},
		"voters descend":          {of([]NodeID{1, 3, 2}, nil, nil), "ascending"},
		"outgoing descend":        {of(ids(1, 3), []NodeID{2, 1}, nil), "ascending"},
		"learners descend":        {of(ids(1, 3), nil, []NodeID{5, 4}), "ascending"},
		"voter and learner":       {of(ids(1, 3), nil, ids(3, 1)), "both votes and learns"},
		"outgoing and learner":    {of(ids(1, 3), ids(4, 1), ids(4, 1)), "both votes and learns"},
		"voter without address":   {change(three, func(m *Membership) { m.Members = m.Members[:2] }), "no address"},
		"learner without address": {change(three, func(m *Membership) { m.Learners = ids(4, 1) }), "no address"},
		"address without part":    {change(three, func(m *Membership) { m.Voters = ids(1, 2) }), "no part"},
		"members descend": {change(three, func(m *Membership) {
			m.Members = []Member{{ID: 1, Address: "a"}, {ID: 2, Address: "b"}, {ID: 3, Address: "c"}, {ID: 3, Address: "d"}}
		}), "ascending"},
	} {
		err := test.membership.Validate()
		if test.want == "" && err == nil {
			continue
		}
		if test.want == "" || err == nil || !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
		if _, err := DecodeMembership(AppendMembership(nil, &test.membership)); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func TestMembershipQuestions(t *testing.T) {
	m := joint()
	for id, want := range map[NodeID]struct {
		votes, contained bool
		address          string
	}{
		1: {true, true, "one.example:7"}, 2: {true, true, ""}, 3: {true, true, "[::1]:7"},
		4: {false, true, "four"}, 5: {}, 0: {},
	} {
		if m.IsVoter(id) != want.votes || m.Contains(id) != want.contained || m.Address(id) != want.address {
			t.Errorf("node %d: %v, %v, %q", id, m.IsVoter(id), m.Contains(id), m.Address(id))
		}
	}
	simple := NewMembership(Member{ID: 2, Address: "b"}, Member{ID: 1, Address: "a"})
	if !m.IsJoint() || m.IsEmpty() || simple.IsJoint() || simple.IsEmpty() || !new(Membership).IsEmpty() {
		t.Error("IsJoint or IsEmpty is wrong")
	}
	if err := simple.Validate(); err != nil {
		t.Error(err)
	}
}

func TestMembershipEqual(t *testing.T) {
	if !joint().Equal(joint()) {
		t.Error("a membership is not equal to itself")
	}
	for name, change := range map[string]func(*Membership){
		"voters":   func(m *Membership) { m.Voters[0]++ },
		"outgoing": func(m *Membership) { m.Outgoing = nil },
		"learners": func(m *Membership) { m.Learners[0]++ },
		"address":  func(m *Membership) { m.Members[0].Address = "x" },
		"member":   func(m *Membership) { m.Members = m.Members[1:] },
	} {
		changed := joint()
		change(changed)
		if joint().Equal(changed) || changed.Equal(joint()) {
			t.Errorf("%s: equal", name)
		}
	}
}
