// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// memberships are those that may be in effect: the first from the beginning, and of each
// that may come after it the joint one on the way there (§6), and itself. An entry names
// them by their places.
func (b *Bounds) memberships() []wire.Membership {
	count := b.Nodes
	if b.Founders > 0 {
		count = b.Founders
	}
	var founders []wire.NodeID
	for place := range count {
		founders = append(founders, nodeAt(place))
	}
	all := []wire.Membership{membershipOf(founders, nil)}
	for _, target := range b.Memberships {
		all = append(all, membershipOf(target, all[len(all)-1].Voters), membershipOf(target, nil))
	}
	return all
}

// membershipOf returns the membership of some voters, joint unless there are no old ones.
func membershipOf(voters, outgoing []wire.NodeID) wire.Membership {
	ids := slices.Concat(voters, outgoing)
	slices.Sort(ids)
	m := wire.Membership{Voters: voters, Outgoing: outgoing}
	for _, id := range slices.Compact(ids) {
		m.Members = append(m.Members, wire.Member{ID: id, Incarnation: 1}) // As a first leader has it: the usual.
	}
	return m
}
