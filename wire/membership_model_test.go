// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"testing"
)

// parts is the naive model of a membership: for each node the parts that it plays, and the
// addresses that it has.
type parts struct {
	votes, leaves, learns map[NodeID]int
	addresses             map[NodeID]string
	inOrder               bool
}

// modelOf takes a membership apart.
func modelOf(m *Membership) *parts {
	p := &parts{votes: map[NodeID]int{}, leaves: map[NodeID]int{}, learns: map[NodeID]int{}, addresses: map[NodeID]string{}, inOrder: true}
	for _, list := range []struct {
		ids   []NodeID
		count map[NodeID]int
	}{{m.Voters, p.votes}, {m.Outgoing, p.leaves}, {m.Learners, p.learns}} {
		for i, id := range list.ids {
			list.count[id]++
			p.inOrder = p.inOrder && (i == 0 || list.ids[i-1] < id)
		}
	}
	for i, member := range m.Members {
		p.addresses[member.ID] = member.Address
		p.inOrder = p.inOrder && (i == 0 || m.Members[i-1].ID < member.ID)
	}
	return p
}

// isValid is what the comment of Membership promises, said once more.
func (p *parts) isValid() bool {
	if !p.inOrder || len(p.votes) == 0 || len(p.addresses) > MembersMax {
		return false
	}
	named := map[NodeID]bool{}
	for _, list := range []map[NodeID]int{p.votes, p.leaves, p.learns} {
		for id := range list {
			named[id] = true
		}
	}
	for id := range named {
		_, hasAddress := p.addresses[id]
		if id == 0 || !hasAddress || p.learns[id] > 0 && p.votes[id]+p.leaves[id] > 0 {
			return false
		}
	}
	return len(named) == len(p.addresses)
}

// membershipFrom makes a membership of bytes: mostly a valid one with something amiss.
func membershipFrom(data []byte) *Membership {
	m := &Membership{}
	for i, b := range data {
		id := NodeID(b >> 4)
		switch b & 15 {
		case 0, 1, 2, 3:
			m.Voters = append(m.Voters, id)
		case 4, 5:
			m.Outgoing = append(m.Outgoing, id)
		case 6, 7:
			m.Learners = append(m.Learners, id)
		case 8:
			m.Members = append(m.Members, Member{ID: id, Address: fmt.Sprint("a", i), Priority: uint8(i)})
		case 9:
			continue
		}
		if b&15 < 8 && (len(m.Members) == 0 || m.Members[len(m.Members)-1].ID < id) {
			m.Members = append(m.Members, Member{ID: id, Address: fmt.Sprint("a", i), Priority: uint8(i)})
		}
	}
	return m
}

// FuzzMembership compares all that a membership says with the model.
func FuzzMembership(f *testing.F) {
	f.Add([]byte{0x10, 0x20, 0x30})
	f.Add([]byte{0x10, 0x20, 0x24, 0x30, 0x34, 0x44})
	f.Add([]byte{0x10, 0x16, 0x20, 0x36})
	f.Add([]byte{0x10, 0x26, 0x36})
	f.Add([]byte{0x00, 0x10})
	f.Add([]byte{0x20, 0x10})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := membershipFrom(data)
		p := modelOf(m)
		if err := m.Validate(); (err == nil) != p.isValid() {
			t.Fatalf("%+v: %v", m, err)
		}
		decoded, err := DecodeMembership(AppendMembership(nil, m))
		if (err == nil) != p.isValid() {
			t.Fatalf("%+v decodes with %v", m, err)
		}
		if err != nil {
			return
		}
		if !decoded.Equal(m) || !m.Equal(&decoded) {
			t.Fatalf("%+v is decoded as %+v", m, decoded)
		}
		if m.IsJoint() != (len(p.leaves) > 0) || m.IsEmpty() {
			t.Fatalf("%+v: joint %v, empty %v", m, m.IsJoint(), m.IsEmpty())
		}
		for id := range NodeID(17) {
			votes := p.votes[id]+p.leaves[id] > 0
			if m.IsVoter(id) != votes || m.Contains(id) != (votes || p.learns[id] > 0) || m.Address(id) != p.addresses[id] {
				t.Fatalf("%+v: of node %d: %v, %v, %q", m, id, m.IsVoter(id), m.Contains(id), m.Address(id))
			}
		}
	})
}
