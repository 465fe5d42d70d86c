// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"fmt"
	"strings"

	"github.com/balsa-raft/raft"
)

// Membership is how a membership is written for people and programs.
type Membership struct {
	Voters   []Member `json:"voters"`
	Outgoing []Member `json:"outgoing,omitempty"`
	Learners []Member `json:"learners,omitempty"`
	// Target are the voters that it is on the way to.
	Target []uint64 `json:"target_voters,omitempty"`
}

// Member is one member of it. The incarnation is empty where none is recorded.
type Member struct {
	ID          uint64 `json:"id"`
	Address     string `json:"address"`
	Incarnation string `json:"incarnation,omitempty"`
}

func describe(m *raft.Membership) Membership {
	return Membership{
		Voters: membersOf(m, m.Voters), Outgoing: membersOf(m, m.Outgoing), Learners: membersOf(m, m.Learners),
		Target: numbers(m.TargetVoters),
	}
}

func membersOf(m *raft.Membership, ids []raft.NodeID) []Member {
	var list []Member
	for _, id := range ids {
		known, _ := m.Member(id)
		list = append(list, Member{ID: uint64(id), Address: known.Address, Incarnation: incarnation(known.Incarnation)})
	}
	return list
}

func incarnation(i raft.Incarnation) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", uint64(i))
}

func numbers(ids []raft.NodeID) []uint64 {
	var list []uint64
	for _, id := range ids {
		list = append(list, uint64(id))
	}
	return list
}

// String lists the members as flags do.
func (m Membership) String() string {
	text := "voters " + list(m.Voters)
	if len(m.Outgoing) > 0 {
		text += " together with the old voters " + list(m.Outgoing)
	}
	if len(m.Learners) > 0 {
		text += ", learners " + list(m.Learners)
	}
	if len(m.Target) > 0 {
		text += fmt.Sprintf(", on the way to voters %d", m.Target)
	}
	return text
}

func list(members []Member) string {
	var parts []string
	for _, m := range members {
		parts = append(parts, fmt.Sprintf("%d=%s", m.ID, m.Address))
	}
	return strings.Join(parts, ",")
}

// Position is a place in the log.
type Position struct {
	Term  uint64 `json:"term"`
	Index uint64 `json:"index"`
}

func position(id raft.LogID) Position {
	return Position{Term: uint64(id.Term), Index: uint64(id.Index)}
}

// String writes it as everywhere else.
func (p Position) String() string { return fmt.Sprintf("t%d/i%d", p.Term, p.Index) }
