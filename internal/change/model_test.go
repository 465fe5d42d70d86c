// SPDX-License-Identifier: Apache-2.0

package change

import (
	"maps"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// set is one of nodes.
type set map[wire.NodeID]bool

// nodesMax is how many nodes there are in the model: few enough to try all quorums.
const nodesMax = 7

// model is a change as a set of sets, without anything that lists and orders need.
type model struct {
	voters, outgoing, learners, target, targetLearners set
	incarnations                                       map[wire.NodeID]wire.Incarnation
}

func setOf(list []wire.NodeID) set {
	s := set{}
	for _, id := range list {
		s[id] = true
	}
	return s
}

func (s set) minus(other set) set {
	rest := set{}
	for id := range s {
		if !other[id] {
			rest[id] = true
		}
	}
	return rest
}

func (s set) plus(other set) set {
	all := maps.Clone(s)
	maps.Copy(all, other)
	return all
}

// begin, join and end are the three steps of a change.
func (m *model) begin(voters, learners set) {
	if maps.Equal(m.voters, voters) {
		m.learners, m.target, m.targetLearners = learners, set{}, set{}
	} else {
		m.target, m.targetLearners = voters, learners
		m.learners = voters.plus(learners).minus(m.voters)
	}
}

func (m *model) join() {
	for id := range m.target.minus(m.voters) {
		m.incarnations[id] = knownOf(id)
	}
	m.outgoing, m.voters, m.target = m.voters, m.target, set{}
	m.learners = m.learners.minus(m.voters)
}

func (m *model) end() {
	m.outgoing, m.learners, m.targetLearners = set{}, m.targetLearners, set{}
	maps.DeleteFunc(m.incarnations, func(id wire.NodeID, _ wire.Incarnation) bool { return !m.voters[id] })
}

func (m *model) compare(t *testing.T, got *wire.Membership) {
	t.Helper()
	for i, want := range []set{m.voters, m.outgoing, m.learners, m.target, m.targetLearners} {
		if list := listsOf(got)[i]; !slices.Equal(list, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("%+v: list %d is %v, want %v", got, i, list, want)
		}
	}
	if err := got.Validate(); err != nil {
		t.Fatalf("%+v: %v", got, err)
	}
	again, err := wire.DecodeMembership(wire.AppendMembership(nil, got))
	if err != nil || !again.Equal(got) {
		t.Fatalf("%+v is read as %+v: %v", got, again, err)
	}
	everybody := m.voters.plus(m.outgoing).plus(m.learners)
	if len(got.Members) != len(everybody) {
		t.Fatalf("%+v has %d members, want %d", got, len(got.Members), len(everybody))
	}
	for id := range everybody {
		if got.Incarnation(id) != m.incarnations[id] {
			t.Fatalf("%+v: the incarnation of %d is %d, want %d", got, id, got.Incarnation(id), m.incarnations[id])
		}
	}
}

// wins reports whether the nodes whose bits are set are a quorum.
func wins(m *wire.Membership, bits int) bool {
	return isMajority(m.Voters, bits) && (len(m.Outgoing) == 0 || isMajority(m.Outgoing, bits))
}

func isMajority(voters []wire.NodeID, bits int) bool {
	count := 0
	for _, id := range voters {
		count += bits >> (id - 1) & 1
	}
	return 2*count > len(voters)
}

// meet demands that each quorum of one membership and each of the next have a member in
// common: no two leaders, and nothing that is committed twice.
func meet(t *testing.T, before, after *wire.Membership) {
	t.Helper()
	for a := range 1 << nodesMax {
		if !wins(before, a) {
			continue
		}
		if rest := 1<<nodesMax - 1 - a; wins(after, rest) {
			t.Fatalf("%07b is a quorum of %+v, %07b one of %+v", a, before, rest, after)
		}
	}
}

// choose reads a target from two bytes: who votes, at least one, and who of the others
// learns.
func choose(voters, learners byte) wire.Membership {
	var v, l []wire.NodeID
	for id := wire.NodeID(1); id <= nodesMax; id++ {
		switch {
		case voters>>(id-1)&1 == 1:
			v = append(v, id)
		case learners>>(id-1)&1 == 1:
			l = append(l, id)
		}
	}
	if len(v) == 0 {
		return choose(1, learners)
	}
	return wanted(v, l)
}

// FuzzChanges walks from membership to membership, sometimes with another target half-way,
// next to the model.
func FuzzChanges(f *testing.F) {
	f.Add([]byte{0b1, 0, 0b111, 0, 0, 0b10, 0b100, 0})
	f.Add([]byte{0b111, 0, 0b1110, 0b1, 1, 0b111, 0, 1, 0b111, 0, 0})
	f.Add([]byte{0b11, 0b100, 0b101, 0b10, 2, 0b1111000, 0b11, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 {
			return
		}
		first := choose(data[0], data[1])
		now := Bind(&first, knownOf)
		m := &model{
			voters: setOf(now.Voters), outgoing: set{}, learners: setOf(now.Learners), target: set{}, targetLearners: set{},
			incarnations: map[wire.NodeID]wire.Incarnation{},
		}
		for id := range m.voters {
			m.incarnations[id] = knownOf(id)
		}
		m.compare(t, &now)
		for data = data[2:]; len(data) >= 3; data = data[3:] {
			target := choose(data[0], data[1])
			now = walk(t, m, now, &target, data[2]%3 == 1)
		}
	})
}

// walk goes one change, to its end or, if it is to be left, as far as another may begin.
func walk(t *testing.T, m *model, now wire.Membership, target *wire.Membership, leaves bool) wire.Membership {
	t.Helper()
	take := func(next wire.Membership, step func()) {
		step()
		m.compare(t, &next)
		meet(t, &now, &next)
		meet(t, &next, &now)
		now = next
	}
	take(Begin(&now, target), func() { m.begin(setOf(target.Voters), setOf(target.Learners)) })
	if leaves || !now.IsChanging() {
		return now
	}
	take(Joint(&now, knownOf), m.join)
	meet(t, &now, &now)
	take(Final(&now), m.end)
	if !slices.Equal(now.Voters, target.Voters) || !slices.Equal(now.Learners, target.Learners) || now.IsChanging() {
		t.Fatalf("a change to %+v has led to %+v", target, now)
	}
	for _, member := range target.Members {
		if now.Address(member.ID) != member.Address {
			t.Fatalf("a change to %+v has led to %+v", target, now)
		}
	}
	return now
}

// TestAllChangesOfFour tries every way from every simple membership of four nodes to
// every other.
func TestAllChangesOfFour(t *testing.T) {
	var all []wire.Membership
	for voters := byte(1); voters < 16; voters++ {
		for learners := byte(0); learners < 16; learners++ {
			if voters&learners == 0 {
				all = append(all, choose(voters, learners))
			}
		}
	}
	for i := range all {
		for j := range all {
			now := Bind(&all[i], knownOf)
			for _, next := range steps(t, &now, &all[j]) {
				if err := next.Validate(); err != nil {
					t.Fatalf("from %+v to %+v: %v", all[i], all[j], err)
				}
				for bits := range 16 {
					if wins(&now, bits) && wins(&next, 15-bits) {
						t.Fatalf("from %+v to %+v: %04b is a quorum of %+v, and the others of %+v", all[i], all[j], bits, now, next)
					}
				}
				now = next
			}
			if !listsOf(&now).equal(listsOf(&all[j])) {
				t.Fatalf("from %+v to %+v it comes to %+v", all[i], all[j], now)
			}
		}
	}
}
