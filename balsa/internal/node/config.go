// SPDX-License-Identifier: Apache-2.0

package node

import (
	"log/slog"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/tcp"
)

// groupID is the one group there is.
const groupID raft.GroupID = 1

// Config says what a node is. ID, Dir, Cluster and RaftAddress are required; a zero
// field otherwise means its default.
type Config struct {
	// ID is the node's own ID.
	ID raft.NodeID
	// Dir is the folder of the node's log. It is made if missing.
	Dir string
	// Cluster is the ID of the cluster that the node belongs to.
	Cluster raft.ClusterID
	// RaftAddress is where the node listens for the others.
	RaftAddress string
	// PeerAddresses says where this node, and no other, connects to a peer in place of
	// the address that the membership has: through a proxy, or from behind a NAT.
	PeerAddresses map[raft.NodeID]string
	// ClientAddress is where it serves the Redis protocol.
	ClientAddress string
	// AdminAddress is where it serves HTTP; empty means nowhere. If that is not on loopback,
	// AdminToken or AdminTLS must be set.
	AdminAddress string
	// AdminToken is what the clients of the admin port have to show; empty means nothing.
	AdminToken string
	// AdminTLS makes the admin port speak TLS, and demand a certificate of its clients; nil leaves
	// it in plain.
	AdminTLS *tcp.TLSOptions
	// Advertise is where the others reach this node, for those that do not know it from the
	// membership yet. Default: where it listens.
	Advertise string
	// TLS makes the connections between nodes mutually authenticated; nil leaves them
	// in plain.
	TLS *tcp.TLSOptions
	// ElectionTimeout is the group's. Default 1 s.
	ElectionTimeout time.Duration
	// RequestTimeout is how long a batch of a client's commands may take. Default 5 s.
	RequestTimeout time.Duration
	// ClientsMax bounds the clients' connections. Default 1000.
	ClientsMax int
	// SegmentBytes is the size of the log's files. Default: that of package wal.
	SegmentBytes int
	// Engine is where the state is kept: EngineMemory, the default, or EngineDisk.
	Engine string
	// Snapshots says when snapshots are taken; a zero field means raft's default.
	Snapshots raft.SnapshotPolicy
	// SnapshotBytesPerSecond bounds what other nodes are sent of snapshots; zero means no bound.
	SnapshotBytesPerSecond int
	// Version is balsa's version, to be told to who asks.
	Version string
	// Logger gets what a person should know; nil means slog.Default().
	Logger *slog.Logger
	// LogLevel is the least level of what Logger passes on, and is changed when the node is told
	// to; nil means that it cannot be.
	LogLevel *slog.LevelVar
}

// The engines.
const (
	// EngineMemory keeps the state in memory, and snapshots of it on disk.
	EngineMemory = "memory"
	// EngineDisk keeps the state on disk, and some of it in memory.
	EngineDisk = "disk"
)

// snapshotsFolder is where in a node's folder the snapshots are, and stateFolder where the state
// is if the engine keeps it on disk.
const (
	snapshotsFolder = "snapshots"
	stateFolder     = "state"
)

// Addresses are where a node listens.
type Addresses struct {
	Raft, Client string
	// Admin is empty if there is no admin port.
	Admin string
}
