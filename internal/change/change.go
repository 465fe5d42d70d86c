// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// Incarnations tells the incarnation that a node is known to have, zero if it is not.
type Incarnations func(wire.NodeID) wire.Incarnation

// Begin returns the first membership on the way from one that is not joint to a target,
// which is simple, and has addresses that count from now on. It replaces another target
// that has not become joint yet.
func Begin(from, target *wire.Membership) wire.Membership {
	if slices.Equal(from.Voters, target.Voters) {
		return assemble(wire.Membership{Voters: from.Voters, Learners: target.Learners}, target, from)
	}
	next := wire.Membership{Voters: from.Voters, TargetVoters: target.Voters, TargetLearners: target.Learners}
	next.Learners = without(union(target.Voters, target.Learners), from.Voters)
	return assemble(next, target, from)
}

// Newcomers returns those who are to vote and do not yet, and so have to catch up.
func Newcomers(m *wire.Membership) []wire.NodeID { return without(m.TargetVoters, m.Voters) }

// Joint returns the membership in which the voters of m and those of its target decide
// together. The incarnations of those who are to vote for the first time are recorded.
func Joint(m *wire.Membership, known Incarnations) wire.Membership {
	next := assemble(wire.Membership{
		Voters: m.TargetVoters, Outgoing: m.Voters, TargetLearners: m.TargetLearners,
		Learners: without(m.Learners, m.TargetVoters),
	}, m, m)
	bind(&next, Newcomers(m), known)
	return next
}

// Final returns the membership that a joint one leads to.
func Final(m *wire.Membership) wire.Membership {
	return assemble(wire.Membership{Voters: m.Voters, Learners: m.TargetLearners}, m, m)
}

// Bind returns m with the incarnations of all voters recorded, as the first leader of a
// group does.
func Bind(m *wire.Membership, known Incarnations) wire.Membership {
	next := assemble(*m, m, m)
	bind(&next, next.Voters, known)
	return next
}

func bind(m *wire.Membership, ids []wire.NodeID, known Incarnations) {
	for i := range m.Members {
		if slices.Contains(ids, m.Members[i].ID) {
			m.Members[i].Incarnation = known(m.Members[i].ID)
		}
	}
}

// assemble gives a membership its members: addresses as in the first source that knows
// them, incarnations as in from, but none for learners.
func assemble(m wire.Membership, addresses, from *wire.Membership) wire.Membership {
	ids := union(union(m.Voters, m.Outgoing), m.Learners)
	m.Members = make([]wire.Member, 0, len(ids))
	for _, id := range ids {
		member, known := addresses.Member(id)
		if !known {
			member, _ = from.Member(id)
		}
		member.ID, member.Incarnation = id, 0
		if m.IsVoter(id) {
			member.Incarnation = from.Incarnation(id)
		}
		m.Members = append(m.Members, member)
	}
	return m
}

func union(a, b []wire.NodeID) []wire.NodeID {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

func without(ids, others []wire.NodeID) []wire.NodeID {
	var rest []wire.NodeID
	for _, id := range ids {
		if _, found := slices.BinarySearch(others, id); !found {
			rest = append(rest, id)
		}
	}
	return rest
}
