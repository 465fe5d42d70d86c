// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func TestQuorumsOfJointMemberships(t *testing.T) {
	old := wire.Membership{Voters: []wire.NodeID{1, 2, 3}}
	joint := wire.Membership{Voters: []wire.NodeID{3, 4, 5}, Outgoing: []wire.NodeID{1, 2, 3}}
	for _, test := range []struct {
		set           members
		isOld, isBoth bool
	}{
		{0b00000, false, false}, {0b00011, true, false}, {0b00101, true, false}, {0b11000, false, false}, {0b11001, false, false},
		{0b01110, true, true}, {0b11011, true, true}, {0b00111, true, false}, {0b11100, false, false}, {0b11111, true, true},
	} {
		if test.set.isQuorum(&old) != test.isOld || test.set.isQuorum(&joint) != test.isBoth {
			t.Errorf("%05b: %v of the old, %v of both", test.set, !test.isOld, !test.isBoth)
		}
	}
}

// voters is a target without learners.
func voters(ids ...wire.NodeID) Target { return Target{Voters: ids} }

// TestSymmetriesKeepMemberships counts the memberships that may come, and the renamings under
// which a state is the same.
func TestSymmetriesKeepMemberships(t *testing.T) {
	for name, test := range map[string]struct {
		bounds      Bounds
		memberships int
		symmetries  int
	}{
		"three":                {Bounds{Nodes: 3}, 1, 6},
		"a fourth":             {Bounds{Nodes: 4, Founders: 3, Targets: []Target{voters(1, 2, 3, 4)}}, 4, 6},
		"a fourth for a first": {Bounds{Nodes: 4, Founders: 3, Targets: []Target{voters(2, 3, 4)}}, 4, 1},
		"there and back":       {Bounds{Nodes: 4, Founders: 3, Targets: []Target{voters(1, 2, 3, 4), voters(1, 2, 3)}}, 6, 1},
		"a learner":            {Bounds{Nodes: 4, Founders: 3, Targets: []Target{{Voters: []wire.NodeID{1, 2, 3}, Learners: []wire.NodeID{4}}}}, 2, 6},
		"another disk":         {Bounds{Nodes: 3, Targets: []Target{voters(1, 2), voters(1, 2, 3)}, Wipes: 1, Wiped: 3}, 10, 1},
	} {
		m := newModel(test.bounds)
		if len(m.known.all) != test.memberships || len(m.relabels) != test.symmetries {
			t.Errorf("%s: %d memberships, %d renamings", name, len(m.known.all), len(m.relabels))
		}
		for i := range m.known.all {
			encoded := wire.AppendMembership(nil, &m.known.all[i])
			if e := m.entry([]slot{{term: 1, kind: wire.EntryMembership, value: uint8(i)}}, 1); string(e.Data) != string(encoded) {
				t.Errorf("%s: membership %d is not what its entry says", name, i)
			}
			if err := m.known.all[i].Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestNodesThatAreNoMembers are there, and do nothing.
func TestNodesThatAreNoMembers(t *testing.T) {
	alone := newModel(Bounds{Nodes: 2, TermMax: 2, Timeouts: 1, Proposals: 1, EntriesPerMessage: 1})
	watched := newModel(Bounds{Nodes: 3, Founders: 2, Targets: []Target{voters(1, 2, 3)}, TermMax: 2, Timeouts: 1, Proposals: 1, EntriesPerMessage: 1})
	_, _, want := reached(t, alone, 1)
	_, _, got := reached(t, watched, 1)
	if got.Distinct != want.Distinct || got.Depth != want.Depth {
		t.Errorf("%d states, depth %d; without the third %d, %d", got.Distinct, got.Depth, want.Distinct, want.Depth)
	}
}
