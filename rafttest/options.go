// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"log/slog"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// Options say what a cluster is made of. The zero value is a good cluster: three
// nodes whose state machines count their commands, on a perfect network.
type Options struct {
	// Nodes is how many members there are; their IDs are 1 to Nodes. Default 3.
	Nodes int
	// ElectionTimeout is every member's, in the bubble's time. Default 1 s.
	ElectionTimeout time.Duration
	// Seed decides elections and what the network does. Default 1.
	Seed uint64
	// Unformed leaves it to the test to form the group: see Cluster.Initialize.
	Unformed bool

	// StateMachine makes a member's state machine, anew each time it starts. The cluster
	// records what it is given and what it returns; see Cluster.Recorder. If nil, the
	// value of a command is how many were applied so far, in decimal.
	StateMachine func(id raft.NodeID) raft.StateMachine
	// Configure changes a member's configuration before each start. The cluster fills
	// in ID, StateMachine and ElectionTimeout, and bounds CommandBytesMax to 256 KiB
	// and PendingBytesMax to 1 MiB; the rest is the library's defaults.
	Configure func(id raft.NodeID, cfg *raft.GroupConfig)
	// Snapshots gives each member a store for snapshots, which are taken as the configuration
	// says. The state machine must then be a raft.Snapshotter, or nil.
	Snapshots bool
	// LogStore puts something between a member and its disk, at each start. The cluster
	// closes it after the node, and so it does what Transport returns.
	LogStore func(id raft.NodeID, log *mem.Log) raft.LogStore
	// Transport puts something between a member and the network, at each start.
	Transport func(id raft.NodeID, transport *mem.Transport) raft.Transport
	// Logger gets what the members log. If nil, the last lines are kept, and shown if
	// the test fails.
	Logger *slog.Logger

	_ struct{}
}

// Limits that the cluster sets in place of the library's, so that CheckAtRest, which
// fills them, costs little.
const (
	commandBytesMax = 256 << 10
	pendingBytesMax = 1 << 20
)

// groupID is the group of every cluster.
const groupID raft.GroupID = 1

func (o Options) withDefaults() Options {
	if o.Nodes == 0 {
		o.Nodes = 3
	}
	if o.ElectionTimeout == 0 {
		o.ElectionTimeout = time.Second
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	return o
}

func (o Options) groupConfig(id raft.NodeID, machine raft.StateMachine) raft.GroupConfig {
	cfg := raft.GroupConfig{
		ID: groupID, StateMachine: machine, ElectionTimeout: o.ElectionTimeout,
		CommandBytesMax: commandBytesMax, PendingBytesMax: pendingBytesMax,
	}
	if o.Configure != nil {
		o.Configure(id, &cfg)
	}
	return cfg
}
