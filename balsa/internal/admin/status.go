// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"time"

	"github.com/balsa-raft/raft"
)

// Status is what /status answers. The names in JSON are part of balsa's interface.
type Status struct {
	Version       string  `json:"version"`
	UptimeSeconds float64 `json:"uptime_seconds"`
	// Keys is the number of keys in this node's state.
	Keys int `json:"keys"`

	Node  raft.NodeID  `json:"node"`
	Group raft.GroupID `json:"group"`
	Role  string       `json:"role"`
	Term  raft.Term    `json:"term"`
	// Leader is zero if unknown.
	Leader       raft.NodeID `json:"leader"`
	LastIndex    raft.Index  `json:"last_index"`
	DurableIndex raft.Index  `json:"durable_index"`
	CommitIndex  raft.Index  `json:"commit_index"`
	AppliedIndex raft.Index  `json:"applied_index"`

	// FirstIndex is the first entry that the log holds, SnapshotIndex the last one that a
	// snapshot covers.
	FirstIndex    raft.Index `json:"first_index"`
	SnapshotIndex raft.Index `json:"snapshot_index"`
	// StateLost says that the node has no usable snapshot of what its log holds no more, and
	// waits for the leader to send one.
	StateLost bool      `json:"state_lost"`
	Snapshots Snapshots `json:"snapshots"`

	// MembershipIndex is that of Membership, CommittedMembershipIndex that of the latest which is
	// known to be committed. RemovedAt is where this node was removed, zero if it was not.
	MembershipIndex          raft.Index `json:"membership_index"`
	CommittedMembershipIndex raft.Index `json:"committed_membership_index"`
	RemovedAt                raft.Index `json:"removed_at"`
	// LostDisk says that this node is a voter with another data folder than it has become one with.
	LostDisk bool `json:"lost_disk"`
	// Forming says that all of the first members have to answer before there is a leader.
	Forming bool `json:"forming"`
	// Drained says that this node is not to lead, Transferring to whom it is handing over.
	Drained      bool        `json:"drained"`
	Transferring raft.NodeID `json:"transferring"`
	// ElectionTimeout and Leaderless, for how long no leader has been known, are in milliseconds.
	ElectionTimeout float64 `json:"election_timeout_ms"`
	Leaderless      float64 `json:"leaderless_ms"`

	Disk   Disk   `json:"disk"`
	Queues Queues `json:"queues"`

	Membership Membership `json:"membership"`
	// Peers is empty on a node that does not lead.
	Peers []Peer `json:"peers"`
	// Failure is why the group has stopped on this node, empty while it runs.
	Failure string `json:"failure,omitempty"`
}

// Disk says how long writes to the log take: see raft.DiskStatus. Times are in milliseconds.
type Disk struct {
	Saves    uint64  `json:"saves"`
	Last     float64 `json:"last_ms"`
	Slowest  float64 `json:"slowest_ms"`
	Underway float64 `json:"underway_ms"`
}

// Queues says how full the node's queues are: see raft.QueueStatus.
type Queues struct {
	ProposalBytes    int    `json:"proposal_bytes"`
	ProposalBytesMax int    `json:"proposal_bytes_max"`
	WaitingCallers   int    `json:"waiting_callers"`
	MessageBytes     int    `json:"message_bytes"`
	MessagesDropped  uint64 `json:"messages_dropped"`
	WriteBytes       int    `json:"write_bytes"`
}

// State is what /state answers: nodes that have applied the same commands answer the
// same. The names in JSON are part of balsa's interface.
type State struct {
	// AppliedIndex is the index of the last command applied; entries that are none
	// don't count.
	AppliedIndex raft.Index `json:"applied_index"`
	// Keys is the number of keys that have not expired.
	Keys int `json:"keys"`
	// Hash is the SHA-256 of the clock and of all keys, values and expiries.
	Hash string `json:"hash"`
}

// Membership is the replicated configuration. Outgoing and what is about a target are empty
// unless a change is under way: see raft.Membership.
type Membership struct {
	Voters         []raft.NodeID `json:"voters"`
	Outgoing       []raft.NodeID `json:"outgoing"`
	Learners       []raft.NodeID `json:"learners"`
	TargetVoters   []raft.NodeID `json:"target_voters"`
	TargetLearners []raft.NodeID `json:"target_learners"`
	Members        []Member      `json:"members"`
}

// isChanging reports whether another membership is to follow by itself. If none is and a change is refused all the
// same because of one that is under way, it is only that this membership is not committed yet.
func (m *Membership) isChanging() bool { return len(m.Outgoing) > 0 || len(m.TargetVoters) > 0 }

// Member is a node and the address that the others connect to.
type Member struct {
	ID      raft.NodeID `json:"id"`
	Address string      `json:"address"`
}

// Peer is how the leader sees another member.
type Peer struct {
	ID         raft.NodeID `json:"id"`
	State      string      `json:"state"`
	MatchIndex raft.Index  `json:"match_index"`
	// Silence is for how many milliseconds it was not heard from.
	Silence  float64 `json:"silence_ms"`
	LostDisk bool    `json:"lost_disk"`
	CaughtUp bool    `json:"caught_up"`
}

func (c *Config) describe() Status {
	s := c.Status()
	status := Status{
		Version: c.Version, UptimeSeconds: time.Since(c.Started).Seconds(), Keys: c.Keys(),
		Node: s.ID, Group: s.Group, Role: s.Role.String(), Term: s.Term, Leader: s.Leader,
		LastIndex: s.LastIndex, DurableIndex: s.DurableIndex, CommitIndex: s.CommitIndex, AppliedIndex: s.AppliedIndex,
		FirstIndex: s.FirstIndex, SnapshotIndex: s.SnapshotIndex, StateLost: s.StateLost, Snapshots: describeSnapshots(&s.Snapshots),
		MembershipIndex: s.MembershipIndex, CommittedMembershipIndex: s.CommittedMembershipIndex, RemovedAt: s.RemovedAt,
		LostDisk: s.LostDisk, Forming: s.Forming, Drained: s.Drained, Transferring: s.Transferring,
		ElectionTimeout: milliseconds(s.ElectionTimeout), Leaderless: milliseconds(s.Leaderless),
		Disk: Disk{
			Saves: s.Disk.Saves, Last: milliseconds(s.Disk.Last), Slowest: milliseconds(s.Disk.Slowest), Underway: milliseconds(s.Disk.Underway),
		},
		Queues:     Queues(s.Queues),
		Membership: describeMembership(&s.Membership), Peers: []Peer{},
	}
	for _, p := range s.Peers {
		status.Peers = append(status.Peers, Peer{
			ID: p.ID, State: p.State, MatchIndex: p.MatchIndex, Silence: milliseconds(p.Silence), LostDisk: p.LostDisk, CaughtUp: p.CaughtUp,
		})
	}
	if s.Failure != nil {
		status.Failure = s.Failure.Error()
	}
	return status
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func describeMembership(m *raft.Membership) Membership {
	described := Membership{
		Voters: orEmpty(m.Voters), Outgoing: orEmpty(m.Outgoing), Learners: orEmpty(m.Learners),
		TargetVoters: orEmpty(m.TargetVoters), TargetLearners: orEmpty(m.TargetLearners), Members: []Member{},
	}
	for _, member := range m.Members {
		described.Members = append(described.Members, Member{ID: member.ID, Address: member.Address})
	}
	return described
}

// orEmpty makes an absent list an empty one, so that JSON has no null.
func orEmpty(ids []raft.NodeID) []raft.NodeID {
	if ids == nil {
		return []raft.NodeID{}
	}
	return ids
}
