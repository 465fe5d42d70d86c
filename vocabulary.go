// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"crypto/sha256"

	"github.com/balsa-raft/raft/wire"
)

// The words of package wire that users of this package need; see there.
type (
	// NodeID names a node for ever.
	NodeID = wire.NodeID
	// GroupID names one Raft group; a node hosts many.
	GroupID = wire.GroupID
	// ClusterID names a cluster; nodes with different ones refuse to talk.
	ClusterID = wire.ClusterID
	// Term is a leadership term.
	Term = wire.Term
	// Index is a position in the log.
	Index = wire.Index
	// LogID identifies a log entry by term and index.
	LogID = wire.LogID
	// Entry is one slot of the log.
	Entry = wire.Entry
	// Incarnation tells one life of a node's data folder from another.
	Incarnation = wire.Incarnation
	// Member is a node and its address.
	Member = wire.Member
	// Membership is the replicated configuration of a group.
	Membership = wire.Membership
)

// NewClusterID derives a cluster's ID from its name: the same name gives the same
// ID on every node.
func NewClusterID(name string) ClusterID {
	sum := sha256.Sum256([]byte(name))
	return ClusterID(sum[:16])
}
