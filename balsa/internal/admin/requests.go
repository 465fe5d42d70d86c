// SPDX-License-Identifier: Apache-2.0

package admin

import "github.com/balsa-raft/raft"

// What the commands are sent. The names in JSON are part of balsa's interface.
type (
	// NoRequest is of the commands that need to be told nothing.
	NoRequest struct{}
	// InitializeRequest is that of initialize.
	InitializeRequest struct {
		Members []Member `json:"members"`
	}
	// NodeRequest names a node: for promote, demote and remove; and for transfer-leader, where
	// zero leaves the choice to the leader.
	NodeRequest struct {
		ID raft.NodeID `json:"id"`
	}
	// ReplaceRequest is that of replace.
	ReplaceRequest struct {
		ID raft.NodeID `json:"id"`
		By Member      `json:"by"`
	}
	// PriorityRequest is that of set-priority.
	PriorityRequest struct {
		ID       raft.NodeID `json:"id"`
		Priority uint8       `json:"priority"`
	}
	// TargetRequest is that of change. Members that the group has may be named without their
	// addresses.
	TargetRequest struct {
		Voters   []Member `json:"voters"`
		Learners []Member `json:"learners"`
		// IfIndex makes it conditional: see the index of /members. Zero means no condition.
		IfIndex raft.Index `json:"if_index"`
		Force   bool       `json:"force"`
	}
	// ReloadRequest is that of reload. What is absent stays as it is.
	ReloadRequest struct {
		LogLevel     *string `json:"log_level,omitempty"`
		SnapshotRate *int    `json:"snapshot_rate,omitempty"`
		// These are the flags of serve of the same names, where zero is none.
		TrailingEntries *int   `json:"snapshot_trailing_entries,omitempty"`
		TrailingBytes   *int64 `json:"snapshot_trailing_bytes,omitempty"`
		RetainBytesMax  *int64 `json:"snapshot_retain_bytes,omitempty"`
		// PendingBytesMax is what the node takes of commands that it has not answered yet.
		PendingBytesMax *int `json:"pending_bytes,omitempty"`
	}
)

// Done is what a command answers that has nothing more to say.
type Done struct {
	// State is "done", or "under_way" if a change of the membership goes on without anybody
	// waiting for it.
	State string `json:"state"`
}

// Changed is what a change of the membership answers.
type Changed struct {
	Done
	Membership Membership `json:"membership"`
}

// HandedOver is what transfer-leader and step-down answer.
type HandedOver struct {
	Done
	// Leader is who leads now, zero if this node does not know yet.
	Leader raft.NodeID `json:"leader"`
	Term   raft.Term   `json:"term"`
	// Milliseconds is how long it took until this node knew the next leader. Commands of
	// clients waited meanwhile.
	Milliseconds float64 `json:"milliseconds"`
}

// The states of Done.
const (
	StateDone     = "done"
	StateUnderWay = "under_way"
)
