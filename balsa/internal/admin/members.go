// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/balsa-raft/raft"
)

// The roles of members.
const (
	// RoleVoter and RoleLearner are those of members at rest.
	RoleVoter   = "voter"
	RoleLearner = "learner"
	// RoleJoining is that of learners who are to vote when they have caught up.
	RoleJoining = "joining"
	// RoleLeaving is that of voters who vote until a change that is under way is through.
	RoleLeaving = "leaving"
)

// Members is what /members answers.
type Members struct {
	// Node has answered; Leader is zero if unknown.
	Node   raft.NodeID `json:"node"`
	Leader raft.NodeID `json:"leader"`
	// Index is that of the membership, for the if_index of change; Committed is whether it is known to be
	// committed, Changing whether another is to follow by itself.
	Index     raft.Index     `json:"index"`
	Committed bool           `json:"committed"`
	Changing  bool           `json:"changing"`
	Members   []MemberStatus `json:"members"`
}

// MemberStatus is one member. What is null is known to the leader only.
type MemberStatus struct {
	ID      raft.NodeID `json:"id"`
	Address string      `json:"address"`
	Role    string      `json:"role"`
	// Priority says how much rather than others it is to lead.
	Priority uint8 `json:"priority"`
	Leads    bool  `json:"leads"`
	// Incarnation is that of the data folder that a voter has become one with, in hexadecimal;
	// empty for learners.
	Incarnation string `json:"incarnation,omitempty"`
	// LostDisk says that it is a voter with another data folder than that.
	LostDisk *bool `json:"lost_disk"`
	// State is "leader", "probe", "replicate" or "snapshot".
	State *string     `json:"state"`
	Match *raft.Index `json:"match"`
	// Lag is by how many entries it is behind the leader.
	Lag *raft.Index `json:"lag"`
	// Silence is for how many milliseconds the leader has not heard from it.
	Silence *float64 `json:"silence_ms"`
	// CaughtUp says that it could vote by now.
	CaughtUp *bool `json:"caught_up"`
}

func (c *Config) serveMembers(w http.ResponseWriter, _ *http.Request) {
	s := c.Status()
	answer := Members{
		Node: s.ID, Leader: s.Leader, Index: s.MembershipIndex, Committed: s.MembershipIndex == s.CommittedMembershipIndex,
		Changing: s.Membership.IsChanging(), Members: []MemberStatus{},
	}
	for _, m := range s.Membership.Members {
		answer.Members = append(answer.Members, describeMember(&s, m))
	}
	serveJSON(w, http.StatusOK, answer)
}

func describeMember(s *raft.Status, m raft.Member) MemberStatus {
	answer := MemberStatus{ID: m.ID, Address: m.Address, Role: roleOf(&s.Membership, m.ID), Priority: m.Priority, Leads: m.ID == s.Leader}
	if m.Incarnation != 0 {
		answer.Incarnation = fmt.Sprintf("%016x", uint64(m.Incarnation))
	}
	if s.Role != raft.RoleLeader {
		return answer
	}
	p := raft.PeerStatus{ID: m.ID, State: "leader", MatchIndex: s.DurableIndex, CaughtUp: true}
	lag := raft.Index(0)
	if m.ID != s.ID {
		i := slices.IndexFunc(s.Peers, func(p raft.PeerStatus) bool { return p.ID == m.ID })
		if i < 0 {
			return answer
		}
		p = s.Peers[i]
		p.CaughtUp = p.CaughtUp || answer.Role == RoleVoter || answer.Role == RoleLeaving
		lag = s.LastIndex - min(p.MatchIndex, s.LastIndex)
	}
	silence := milliseconds(p.Silence)
	answer.State, answer.Match, answer.Lag, answer.Silence = &p.State, &p.MatchIndex, &lag, &silence
	answer.CaughtUp, answer.LostDisk = &p.CaughtUp, &p.LostDisk
	return answer
}

func roleOf(m *raft.Membership, id raft.NodeID) string {
	switch {
	case m.IsJoint() && m.IsVoter(id) && !slices.Contains(m.Voters, id):
		return RoleLeaving
	case !m.IsVoter(id) && slices.Contains(m.TargetVoters, id):
		return RoleJoining
	case m.IsVoter(id):
		return RoleVoter
	}
	return RoleLearner
}

// target makes a request the library's. Addresses that are not given are those that the members
// have, which only the leader knows for sure.
func (c *Config) target(r *TargetRequest) (raft.MembershipTarget, error) {
	if err := checkSet(r.Voters, r.Learners); err != nil {
		return raft.MembershipTarget{}, err
	}
	status := c.Status()
	if status.Role != raft.RoleLeader {
		return raft.MembershipTarget{}, notLeader(&status)
	}
	voters, err := complete(&status.Membership, r.Voters)
	if err != nil {
		return raft.MembershipTarget{}, err
	}
	learners, err := complete(&status.Membership, r.Learners)
	return raft.MembershipTarget{Voters: voters, Learners: learners, IfIndex: r.IfIndex, Force: r.Force}, err
}

// complete adds what the membership knows of members to what is given of them.
func complete(known *raft.Membership, given []Member) ([]raft.Member, error) {
	var all []raft.Member
	for _, m := range given {
		member, isMember := known.Member(m.ID)
		if m.Address == "" && !isMember {
			return nil, fmt.Errorf("%w: node %d is not a member, so its address has to be given", errMalformed, m.ID)
		}
		if m.Address != "" {
			if err := checkMember(m); err != nil {
				return nil, err
			}
			member.Address = m.Address
		}
		member.ID, member.Incarnation = m.ID, 0
		all = append(all, member)
	}
	return all, nil
}

// ParseMembers parses members such as "1,2,4=host:7004". Empty text means none. An address may be missing.
func ParseMembers(text string) ([]Member, error) {
	var members []Member
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		number, address, given := strings.Cut(strings.TrimSpace(part), "=")
		id, err := strconv.ParseUint(number, 10, 64)
		if err != nil || id == 0 || given && address == "" {
			return nil, fmt.Errorf("%q is not of the form ID or ID=HOST:PORT with an ID from 1 on", part)
		}
		if given {
			if err := CheckAddress(address); err != nil {
				return nil, fmt.Errorf("member %d: %w", id, err)
			}
		}
		members = append(members, Member{ID: raft.NodeID(id), Address: address})
	}
	return members, nil
}

// FormatMembers writes what ParseMembers reads.
func FormatMembers(members []Member) string {
	parts := make([]string, len(members))
	for i, m := range members {
		parts[i] = fmt.Sprint(m.ID)
		if m.Address != "" {
			parts[i] += "=" + m.Address
		}
	}
	return strings.Join(parts, ",")
}
