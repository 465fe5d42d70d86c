// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/internal/change"
)

// explainChange says what a change of membership waits for.
func (e *explainer) explainChange() {
	s, m := e.s, &e.s.Membership
	switch {
	case m.IsJoint():
		e.find(SeverityInfo, "change_joint", 0, fmt.Sprintf(
			"A change is under way: the voters %s take over from %s, and until that is committed a majority of both is needed.",
			idList(m.Voters), idList(m.Outgoing)), "")
	case m.IsChanging():
		e.explainCatchUp()
	case s.MembershipIndex > s.CommittedMembershipIndex:
		e.find(SeverityInfo, "change_uncommitted", 0,
			fmt.Sprintf("The membership at index %d is not known to be committed yet.", s.MembershipIndex), "")
	}
}

func (e *explainer) explainCatchUp() {
	s, m := e.s, &e.s.Membership
	text := fmt.Sprintf("A change is under way: the voters are to be %s, and before that %s must catch up", idList(m.TargetVoters), newcomers(change.Newcomers(m)))
	if s.Role != RoleLeader {
		e.find(SeverityInfo, "change_catching_up", 0, text+".", "The leader knows how far they are.")
		return
	}
	e.find(SeverityInfo, "change_catching_up", 0, text+".", "")
	for _, id := range change.Newcomers(m) {
		p := s.peer(id)
		switch {
		case p == nil:
		case p.Silence >= s.ElectionTimeout:
			e.find(SeverityWarning, "change_waits", id,
				fmt.Sprintf("The change waits for node %d, at %s, which has not answered for %v.", id, m.Address(id), brief(p.Silence)),
				fmt.Sprintf("Start it, and see that the others reach it at that address (update-address changes it); remove %d gives the change up.", id))
		case !p.CaughtUp:
			e.find(SeverityInfo, "change_waits", id, fmt.Sprintf("The change waits for node %d, which has not caught up yet%s%s.",
				id, behindBy(s.lag(p)), e.sending(id)), "")
		}
	}
	if t := tallyOf(s.answers, m.TargetVoters); t.spare < 0 {
		e.find(SeverityWarning, "change_waits", 0, "The change waits until enough of those answer who are to vote. "+t.sentence(), startAdvice(t.missing))
	}
}

func newcomers(ids []NodeID) string {
	if len(ids) == 0 {
		return "those who stay"
	}
	return nodeList(ids)
}

// lag is by how many entries a peer is behind.
func (s *Status) lag(p *PeerStatus) Index { return s.LastIndex - min(p.MatchIndex, s.LastIndex) }

func behindBy(lag Index) string {
	if lag == 0 {
		return ""
	}
	return fmt.Sprintf(", and is behind by up to %d entries", lag)
}

// sending says how far the snapshot is that a peer is being sent.
func (e *explainer) sending(id NodeID) string {
	i := slices.IndexFunc(e.s.Snapshots.Sending, func(t SnapshotTransfer) bool { return t.Peer == id })
	if i < 0 {
		return ""
	}
	return "; it has " + transferred(&e.s.Snapshots.Sending[i])
}

// explainPeers says what a leader knows about each of the others.
func (e *explainer) explainPeers() {
	m := &e.s.Membership
	for i := range e.s.Peers {
		p := &e.s.Peers[i]
		if m.Contains(p.ID) && !slices.Contains(change.Newcomers(m), p.ID) {
			e.explainPeer(p)
		}
		if p.LostDisk {
			e.find(SeverityWarning, "lost_disk", p.ID, lostDisk(p.ID), lostDiskAdvice(p.ID))
		}
	}
}

func (e *explainer) explainPeer(p *PeerStatus) {
	s := e.s
	switch lag := s.lag(p); {
	case p.Silence >= s.ElectionTimeout:
		e.find(SeverityWarning, "silent", p.ID, fmt.Sprintf("Node %d, at %s, has not answered for %v%s.",
			p.ID, s.Membership.Address(p.ID), brief(p.Silence), behindBy(lag)), startAdvice([]NodeID{p.ID}))
	case p.State == "snapshot":
		e.find(SeverityWarning, "needs_snapshot", p.ID,
			fmt.Sprintf("Node %d is behind by %d entries, some of which are in the log no more, so that it is sent a snapshot%s.", p.ID, lag, e.sending(p.ID)),
			"This passes. If it does not: see explain on that node, and whether the rate of snapshots is too low (reload).")
	case lag > lagMax:
		e.find(SeverityWarning, "behind", p.ID, fmt.Sprintf("Node %d answers, but is behind by %d entries.", p.ID, lag),
			"If it does not catch up, its disk or its network is too slow: see explain on that node.")
	}
}
