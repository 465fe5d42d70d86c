// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"fmt"
	"slices"
)

// Member is one member of a group: who it is and where it was last known to be.
// The address is a hint that is resolved at each connect; identity is the ID.
type Member struct {
	ID      NodeID
	Address string
	// Priority says who is rather to lead, the higher the rather: a leader hands over to
	// a voter of higher priority. It has no part in elections.
	Priority uint8
	// Incarnation is that of the data folder with which a voter has become one, zero for
	// learners and in the membership that a group is formed with. A node of this ID with
	// another folder has lost what it knew as a voter, and must not vote.
	Incarnation Incarnation
}

// Membership is the replicated configuration of a group (§6). While a change is
// under way it is joint: Outgoing then holds the old voters, and every quorum
// needs a majority of Voters and a majority of Outgoing.
//
// A membership that passed Validate has sorted, duplicate-free lists; a node is
// a learner or a voter, not both; the same goes for the target's, who are members
// already; Members covers exactly the nodes named.
type Membership struct {
	// Voters are the voting members, of the new configuration when joint.
	Voters []NodeID
	// Outgoing are the voters of the old configuration, empty unless joint.
	Outgoing []NodeID
	// Learners receive entries but neither vote nor count.
	Learners []NodeID
	// TargetVoters is set as long as some who are to become voters catch up as learners:
	// then there is a joint membership with these, and at last one with these alone.
	TargetVoters []NodeID
	// TargetLearners are the learners at the end of a change. It is empty without one.
	TargetLearners []NodeID
	// Members has the address of every node named above, by ascending ID.
	Members []Member
}

// NewMembership returns the simple membership in which all members are voters.
func NewMembership(members ...Member) Membership {
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	m := Membership{Members: sorted}
	for _, member := range sorted {
		m.Voters = append(m.Voters, member.ID)
	}
	return m
}

// IsJoint reports whether a change of membership is half done.
func (m *Membership) IsJoint() bool { return len(m.Outgoing) > 0 }

// IsChanging reports whether another membership is to follow this one by itself.
func (m *Membership) IsChanging() bool { return m.IsJoint() || len(m.TargetVoters) > 0 }

// IsEmpty reports whether there are no voters: the group is not formed yet.
func (m *Membership) IsEmpty() bool { return len(m.Voters) == 0 }

// IsVoter reports whether the node votes in either half of the configuration.
func (m *Membership) IsVoter(id NodeID) bool {
	return contains(m.Voters, id) || contains(m.Outgoing, id)
}

// Contains reports whether the node is a voter or a learner.
func (m *Membership) Contains(id NodeID) bool {
	return m.IsVoter(id) || contains(m.Learners, id)
}

// Member returns what is known of a node, or false if it is not a member.
func (m *Membership) Member(id NodeID) (Member, bool) {
	i, found := slices.BinarySearchFunc(m.Members, id, func(member Member, id NodeID) int {
		return cmp.Compare(member.ID, id)
	})
	if !found {
		return Member{}, false
	}
	return m.Members[i], true
}

// Address returns the node's address, empty if it is not a member.
func (m *Membership) Address(id NodeID) string {
	member, _ := m.Member(id)
	return member.Address
}

// Priority returns the node's priority, zero if it is not a member.
func (m *Membership) Priority(id NodeID) uint8 {
	member, _ := m.Member(id)
	return member.Priority
}

// Incarnation returns that of a voter, zero if none is recorded.
func (m *Membership) Incarnation(id NodeID) Incarnation {
	member, _ := m.Member(id)
	return member.Incarnation
}

// Equal reports whether both memberships say the same.
func (m *Membership) Equal(other *Membership) bool {
	return slices.Equal(m.Voters, other.Voters) && slices.Equal(m.Outgoing, other.Outgoing) &&
		slices.Equal(m.Learners, other.Learners) && slices.Equal(m.Members, other.Members) &&
		slices.Equal(m.TargetVoters, other.TargetVoters) && slices.Equal(m.TargetLearners, other.TargetLearners)
}

// Clone returns a membership that shares nothing with m.
func (m *Membership) Clone() Membership {
	return Membership{
		Voters: slices.Clone(m.Voters), Outgoing: slices.Clone(m.Outgoing), Learners: slices.Clone(m.Learners),
		TargetVoters: slices.Clone(m.TargetVoters), TargetLearners: slices.Clone(m.TargetLearners), Members: slices.Clone(m.Members),
	}
}

// MembersMax bounds the number of nodes in a membership.
const MembersMax = 256

// AddressBytesMax bounds the length of a member's address.
const AddressBytesMax = 1024

// Validate returns what is wrong with the membership, or nil. The error wraps
// ErrMalformed.
func (m *Membership) Validate() error {
	if len(m.Voters) == 0 {
		return fmt.Errorf("%w: membership without voters", ErrMalformed)
	}
	if len(m.Members) > MembersMax {
		return fmt.Errorf("%w: membership of %d nodes, the most is %d", ErrMalformed, len(m.Members), MembersMax)
	}
	for _, list := range [][]NodeID{m.Voters, m.Outgoing, m.Learners, m.TargetVoters, m.TargetLearners} {
		if err := m.validateList(list); err != nil {
			return err
		}
	}
	if err := m.validateTarget(); err != nil {
		return err
	}
	for i, member := range m.Members {
		if i > 0 && m.Members[i-1].ID >= member.ID {
			return fmt.Errorf("%w: members not in ascending order", ErrMalformed)
		}
		if !m.Contains(member.ID) {
			return fmt.Errorf("%w: node %d has an address but no part", ErrMalformed, member.ID)
		}
		if len(member.Address) > AddressBytesMax {
			return fmt.Errorf("%w: node %d has an address of %d bytes", ErrMalformed, member.ID, len(member.Address))
		}
	}
	for _, id := range m.Learners {
		if m.IsVoter(id) {
			return fmt.Errorf("%w: node %d both votes and learns", ErrMalformed, id)
		}
	}
	return nil
}

func (m *Membership) validateList(list []NodeID) error {
	for i, id := range list {
		if id == 0 {
			return fmt.Errorf("%w: node 0 in membership", ErrMalformed)
		}
		if i > 0 && list[i-1] >= id {
			return fmt.Errorf("%w: node IDs not in ascending order", ErrMalformed)
		}
		if _, found := m.Member(id); !found {
			return fmt.Errorf("%w: node %d has no address", ErrMalformed, id)
		}
	}
	return nil
}

// validateTarget returns what is wrong with where a change leads to, or nil.
func (m *Membership) validateTarget() error {
	if m.IsJoint() && len(m.TargetVoters) > 0 {
		return fmt.Errorf("%w: joint membership with another target", ErrMalformed)
	}
	if !m.IsChanging() && len(m.TargetLearners) > 0 {
		return fmt.Errorf("%w: learners to be without a change", ErrMalformed)
	}
	next := m.TargetVoters
	if m.IsJoint() {
		next = m.Voters
	}
	for _, id := range m.TargetLearners {
		if contains(next, id) {
			return fmt.Errorf("%w: node %d is to both vote and learn", ErrMalformed, id)
		}
	}
	return nil
}

func contains(sorted []NodeID, id NodeID) bool {
	_, found := slices.BinarySearch(sorted, id)
	return found
}

// AppendMembership appends the encoding of the membership to buf.
func AppendMembership(buf []byte, m *Membership) []byte {
	for _, list := range [][]NodeID{m.Voters, m.Outgoing, m.Learners, m.TargetVoters, m.TargetLearners} {
		buf = appendUint32(buf, uint32(len(list)))
		for _, id := range list {
			buf = appendUint64(buf, uint64(id))
		}
	}
	buf = appendUint32(buf, uint32(len(m.Members)))
	for _, member := range m.Members {
		buf = appendUint64(buf, uint64(member.ID))
		buf = appendBytes(buf, []byte(member.Address))
		buf = append(buf, member.Priority)
		buf = appendUint64(buf, uint64(member.Incarnation))
	}
	return buf
}

// memberBytes is the size of an encoded member without its address.
const memberBytes = 8 + 4 + 1 + 8

// membershipBytes is the size of an encoded membership.
func membershipBytes(m *Membership) int {
	named := len(m.Voters) + len(m.Outgoing) + len(m.Learners) + len(m.TargetVoters) + len(m.TargetLearners)
	size := 6*4 + 8*named + memberBytes*len(m.Members)
	for i := range m.Members {
		size += len(m.Members[i].Address)
	}
	return size
}

// DecodeMembership decodes and validates a membership that fills buf exactly.
func DecodeMembership(buf []byte) (Membership, error) {
	d := decoder{buf: buf}
	m := Membership{
		Voters: d.nodeIDs(), Outgoing: d.nodeIDs(), Learners: d.nodeIDs(),
		TargetVoters: d.nodeIDs(), TargetLearners: d.nodeIDs(),
	}
	for n := d.count(memberBytes); n > 0; n-- {
		m.Members = append(m.Members, Member{
			ID: NodeID(d.uint64()), Address: string(d.bytes()), Priority: d.uint8(), Incarnation: Incarnation(d.uint64()),
		})
	}
	if err := d.finish(); err != nil {
		return Membership{}, err
	}
	return m, m.Validate()
}
