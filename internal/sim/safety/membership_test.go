// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// voters returns a membership of voters with the incarnation 10 each, and of old ones.
func voters(now []wire.NodeID, old ...wire.NodeID) wire.Membership {
	var list []wire.Member
	all := slices.Concat(now, old)
	slices.Sort(all)
	for _, id := range slices.Compact(all) {
		list = append(list, wire.Member{ID: id, Incarnation: 10})
	}
	m := wire.NewMembership(list...)
	m.Voters, m.Outgoing = now, old
	return m
}

func memberEntry(term wire.Term, index wire.Index, m wire.Membership) []wire.Entry {
	return []wire.Entry{{Index: index, Term: term, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &m)}}
}

// governed is the start of traces: node 1 leads voters 1 to 3 in term 1, whose membership is
// entry 1, which is committed.
func governed(c *Checker) wire.Membership {
	m := voters([]wire.NodeID{1, 2, 3})
	save(c, 1, wire.HardState{Term: 1, Vote: 1}, nil)
	for node := wire.NodeID(1); node <= 3; node++ {
		c.Opens(node, 10)
		save(c, node, hard(1), memberEntry(1, 1, m))
	}
	c.Uses(1, &m)
	c.Looks(1, leads(1, 1, 1))
	return m
}

func TestMemberships(t *testing.T) {
	all := []wire.NodeID{1, 2, 3}
	run(t, []trace{
		{"joint, then final", func(c *Checker) {
			governed(c)
			joint, final := voters([]wire.NodeID{1}, all...), voters([]wire.NodeID{1})
			save(c, 1, wire.HardState{}, memberEntry(1, 2, joint))
			save(c, 2, wire.HardState{}, memberEntry(1, 2, joint))
			c.Uses(1, &joint)
			c.Looks(1, leads(1, 2, 2))
			c.Uses(1, &final)
			save(c, 1, wire.HardState{}, memberEntry(1, 3, final))
			c.Uses(1, &final)
			c.Looks(1, leads(1, 3, 3))
		}, ""},
		{"before the one before is committed", func(c *Checker) {
			governed(c)
			save(c, 1, wire.HardState{}, memberEntry(1, 2, voters([]wire.NodeID{1}, all...)))
			save(c, 1, wire.HardState{}, memberEntry(1, 3, voters([]wire.NodeID{1})))
		}, "I15 one change"},
		{"quorums apart", func(c *Checker) {
			governed(c)
			save(c, 1, wire.HardState{}, memberEntry(1, 2, voters([]wire.NodeID{1})))
		}, "I15 successive quorums"},
		{"one voter less", func(c *Checker) {
			governed(c)
			save(c, 1, wire.HardState{}, memberEntry(1, 2, voters([]wire.NodeID{1, 2})))
		}, ""},
		{"committed by half of a joint one", func(c *Checker) {
			governed(c)
			joint := voters([]wire.NodeID{1}, all...)
			save(c, 1, wire.HardState{}, memberEntry(1, 2, joint))
			c.Uses(1, &joint)
			c.Uses(1, &joint)
			c.Looks(1, leads(1, 2, 2))
		}, "I8 "},
		{"committed by who does not vote", func(c *Checker) {
			governed(c)
			joint, final := voters([]wire.NodeID{1, 2}, all...), voters([]wire.NodeID{1, 2})
			for node := wire.NodeID(1); node <= 2; node++ {
				save(c, node, wire.HardState{}, memberEntry(1, 2, joint))
			}
			c.Uses(1, &joint)
			c.Looks(1, leads(1, 2, 2))
			save(c, 1, wire.HardState{}, memberEntry(1, 3, final))
			save(c, 3, wire.HardState{}, append(memberEntry(1, 2, joint), memberEntry(1, 3, final)...))
			c.Uses(1, &final)
			c.Uses(1, &final)
			c.Looks(1, leads(1, 3, 3))
		}, "I8 "},
	})
}

// TestLostDisks is about what voters held that have lost their disks.
func TestLostDisks(t *testing.T) {
	run(t, []trace{
		{"acknowledged by a disk that is gone", func(c *Checker) {
			m := governed(c)
			save(c, 1, wire.HardState{}, entries(2, 1))
			save(c, 2, wire.HardState{}, entries(2, 1))
			c.Empties(2)
			c.Uses(1, &m)
			c.Looks(1, leads(1, 2, 2))
		}, ""},
		{"as if that were still the voter's", func(c *Checker) {
			m := governed(c)
			save(c, 1, wire.HardState{}, entries(2, 1))
			save(c, 2, wire.HardState{}, entries(2, 1))
			c.Empties(2)
			c.Opens(2, 10)
			c.Uses(1, &m)
			c.Looks(1, leads(1, 2, 2))
		}, "I8 "},
		{"acknowledged by another disk than the voter's", func(c *Checker) {
			m := governed(c)
			c.Empties(2)
			c.Opens(2, 11)
			save(c, 1, wire.HardState{}, entries(2, 1))
			save(c, 2, hard(1), memberEntry(1, 1, m))
			save(c, 2, wire.HardState{}, entries(2, 1))
			c.Uses(1, &m)
			c.Looks(1, leads(1, 2, 2))
		}, "I8 "},
		{"a client is told of what a minority held", func(c *Checker) {
			governed(c)
			c.Empties(1)
			c.Opens(1, 10)
			c.Empties(2)
			c.Opens(2, 10)
			c.Invokes(7)
			c.Returns(7, wire.LogID{Term: 1, Index: 1}, 0)
		}, "I9 "},
	})
}

// TestDivided compares memberships of which one is joint or not.
func TestDivided(t *testing.T) {
	ids := func(list ...wire.NodeID) []wire.NodeID { return list }
	for _, test := range []struct {
		a, b wire.Membership
		want bool
	}{
		{voters(ids(1, 2, 3)), voters(ids(1, 2, 3)), false},
		{voters(ids(1, 2, 3)), voters(ids(1, 2, 3, 4)), false},
		{voters(ids(1, 2, 3)), voters(ids(1, 2, 4)), true},
		{voters(ids(1, 2, 3)), voters(ids(4, 5), 1, 2, 3), false},
		{voters(ids(4, 5), 1, 2, 3), voters(ids(4, 5)), false},
		{voters(ids(4, 5), 1, 2, 3), voters(ids(1, 2, 3)), false},
		{voters(ids(4, 5), 1, 2, 3), voters(ids(6), 3), true},
	} {
		if got := divided(&test.a, &test.b); (got != nil) != test.want {
			t.Errorf("%v and %v: %v", test.a, test.b, got)
		}
	}
}
