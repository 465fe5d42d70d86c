// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func TestQuorumsOfJointMemberships(t *testing.T) {
	old, joint := membershipOf([]wire.NodeID{1, 2, 3}, nil), membershipOf([]wire.NodeID{3, 4, 5}, []wire.NodeID{1, 2, 3})
	if err := joint.Validate(); err != nil {
		t.Fatal(err)
	}
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

// TestSymmetriesKeepMemberships counts the renamings under which a state is the same.
func TestSymmetriesKeepMemberships(t *testing.T) {
	for name, test := range map[string]struct {
		bounds      Bounds
		memberships int
		symmetries  int
	}{
		"three":                {Bounds{Nodes: 3}, 1, 6},
		"a fourth":             {Bounds{Nodes: 4, Founders: 3, Memberships: [][]wire.NodeID{{1, 2, 3, 4}}}, 3, 6},
		"a fourth for a first": {Bounds{Nodes: 4, Founders: 3, Memberships: [][]wire.NodeID{{2, 3, 4}}}, 3, 2},
		"there and back":       {Bounds{Nodes: 4, Founders: 3, Memberships: [][]wire.NodeID{{1, 2, 3, 4}, {1, 2, 3}}}, 5, 6},
	} {
		m := newModel(test.bounds)
		if len(m.memberships) != test.memberships || len(m.relabels) != test.symmetries {
			t.Errorf("%s: %d memberships, %d renamings", name, len(m.memberships), len(m.relabels))
		}
		for i := range m.memberships {
			encoded := wire.AppendMembership(nil, &m.memberships[i])
			if e := m.entry([]slot{{term: 1, kind: wire.EntryMembership, value: uint8(i)}}, 1); string(e.Data) != string(encoded) {
				t.Errorf("%s: membership %d is not what its entry says", name, i)
			}
		}
	}
}

// TestNodesThatAreNoMembers are there, and do nothing.
func TestNodesThatAreNoMembers(t *testing.T) {
	alone := newModel(Bounds{Nodes: 2, TermMax: 2, Timeouts: 1, Proposals: 1, EntriesPerMessage: 1})
	watched := newModel(Bounds{Nodes: 3, Founders: 2, Memberships: [][]wire.NodeID{{1, 2, 3}}, TermMax: 2, Timeouts: 1, Proposals: 1, EntriesPerMessage: 1})
	_, _, want := reached(t, alone, 1)
	_, _, got := reached(t, watched, 1)
	if got.Distinct != want.Distinct || got.Depth != want.Depth {
		t.Errorf("%d states, depth %d; without the third %d, %d", got.Distinct, got.Depth, want.Distinct, want.Depth)
	}
}
