// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"encoding/hex"
	"fmt"
)

// Version is the version of the wire format that this package writes. Nodes
// exchange it in the handshake and refuse a peer whose version they don't know.
const Version = 2

// NodeID names a node for ever: it is never reused for another machine or for
// the same machine with an empty disk. Zero means none.
type NodeID uint64

// GroupID names one Raft group; a node hosts many. Zero is not a group.
type GroupID uint64

// Term is a leadership term (§5.1 of the paper). Zero is before the first.
type Term uint64

// Index is the position of an entry in the log. The first entry has index 1.
type Index uint64

// Incarnation tells one life of a node's data folder from another: it is drawn
// at random when the folder is created. Zero means unknown.
type Incarnation uint64

// Epoch counts the replication streams that a leader has begun towards one peer
// in one term. A reply that carries an older epoch is dropped.
type Epoch uint64

// Round counts the heartbeat rounds, or the pre-vote rounds, of one node.
type Round uint64

// ClusterID names a cluster. Nodes with different ones refuse to talk.
type ClusterID [16]byte

// String returns the cluster's ID in hexadecimal.
func (c ClusterID) String() string { return hex.EncodeToString(c[:]) }

// LogID identifies an entry: by the Log Matching property (§5.3) two entries
// with the same LogID are equal, and so are all entries before them.
type LogID struct {
	Term  Term
	Index Index
}

// Compare orders log IDs as elections do (§5.4.1): by term, then by index.
func (l LogID) Compare(other LogID) int {
	if c := cmp.Compare(l.Term, other.Term); c != 0 {
		return c
	}
	return cmp.Compare(l.Index, other.Index)
}

// String returns term and index as "t3/i17".
func (l LogID) String() string { return fmt.Sprintf("t%d/i%d", l.Term, l.Index) }

// HardState is what a node must have made durable before anyone may learn of it
// (§5.1, figure 2): the latest term it has seen and whom it voted for in it.
// Both are always written together, as one atomic record.
type HardState struct {
	Term Term
	// Vote is the candidate that got this node's vote in Term, zero for none.
	Vote NodeID
}

// IsZero reports whether the hard state is the one of a node that has seen nothing.
func (h HardState) IsZero() bool { return h == HardState{} }
