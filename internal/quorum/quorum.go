// SPDX-License-Identifier: Apache-2.0

package quorum

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Config is the voting part of a membership.
type Config struct {
	// Voters are the voters, of the new configuration when joint, without duplicates.
	Voters []wire.NodeID
	// Outgoing are the voters of the old configuration, empty unless joint.
	Outgoing []wire.NodeID
}

// Of returns the voting part of the membership, whose lists it shares.
func Of(m *wire.Membership) Config {
	return Config{Voters: m.Voters, Outgoing: m.Outgoing}
}

// Reached returns the greatest value that a quorum has reached, where value tells
// what a voter has reached: each voter of some quorum has reached it or more. In a
// joint configuration it is the lesser of what both halves have reached (§6). It is
// zero if there are no voters. It does not allocate for up to 16 voters in a half.
//
// value is called once for each voter of each half, so twice for one that is in both.
func (c Config) Reached(value func(id wire.NodeID) uint64) uint64 {
	reached := reachedByMajority(c.Voters, value)
	if len(c.Outgoing) > 0 {
		reached = min(reached, reachedByMajority(c.Outgoing, value))
	}
	return reached
}

// votersOnStack is the number of voters whose values are sorted without allocating.
const votersOnStack = 16

// reachedByMajority sorts the values and takes the one that as many voters as a
// majority has have reached: the middle one, or the one below the middle of an even
// number.
func reachedByMajority(voters []wire.NodeID, value func(id wire.NodeID) uint64) uint64 {
	if len(voters) == 0 {
		return 0
	}
	if len(voters) > votersOnStack {
		values := make([]uint64, len(voters))
		for i, id := range voters {
			values[i] = value(id)
		}
		slices.Sort(values)
		return values[(len(values)-1)/2]
	}
	var values [votersOnStack]uint64
	for n, id := range voters {
		insert(values[:n+1], value(id))
	}
	return values[(len(voters)-1)/2]
}

// insert puts v into sorted, whose last place is free.
func insert(sorted []uint64, v uint64) {
	i := len(sorted) - 1
	for ; i > 0 && sorted[i-1] > v; i-- {
		sorted[i] = sorted[i-1]
	}
	sorted[i] = v
}
