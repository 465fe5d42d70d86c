// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config says what a node is made of. ID, Log and Transport are required.
type Config struct {
	// ID is the node's own ID, which is not zero.
	ID NodeID
	// Log keeps the logs of all the node's groups. Who opened it closes it, after the node.
	Log LogStore
	// Transport carries the messages of all the node's groups. Who opened it closes
	// it, after the node; the node starts it.
	Transport Transport
	// Snapshots keeps the snapshots of all the node's groups. Nil means that none are taken:
	// then logs are never compacted, and members of the node's groups that need a snapshot
	// cannot be sent one, nor can this node receive any. Who opened it closes it, after the node.
	Snapshots SnapshotStore
	// SnapshotTransfersMax bounds the members that are being sent a snapshot at once.
	// Default 2.
	SnapshotTransfersMax int
	// SnapshotBytesPerSecond bounds what they are sent, all together. Zero means no bound.
	SnapshotBytesPerSecond int
	// Logger gets what a person should know; nil means slog.Default().
	Logger *slog.Logger
	// Seed seeds the random numbers that elections use; zero means a random seed.
	Seed uint64

	_ struct{}
}

// GroupConfig says how one group behaves. ID and StateMachine are required; a zero
// field means its default. Members of a group should agree on the time-outs.
type GroupConfig struct {
	// ID names the group; it is not zero.
	ID GroupID
	// StateMachine is what the group replicates.
	StateMachine StateMachine

	// ElectionTimeout is how long a member goes without a leader before it campaigns;
	// the real time-out is drawn between it and a third more (§5.2). A leader that did
	// not hear from a quorum for as long steps down. Default 1 s.
	ElectionTimeout time.Duration
	// HeartbeatInterval is how often an idle leader asserts itself. Default: a tenth
	// of ElectionTimeout.
	HeartbeatInterval time.Duration
	// WriteStallTimeout is how long one write to the leader's own log store may
	// take before it hands leadership over. Default: ElectionTimeout.
	WriteStallTimeout time.Duration

	// DisableForwarding makes a member that does not lead refuse proposals with
	// ErrNotLeader instead of passing them to the leader.
	DisableForwarding bool

	// CommandBytesMax bounds one command. Default 1 MiB, at most 16 MiB.
	CommandBytesMax int
	// PendingBytesMax bounds the commands that this node has taken and not yet
	// answered; who exceeds it waits. Default 64 MiB.
	PendingBytesMax int
	// BatchBytesMax bounds one message of entries, one write and one batch for the
	// state machine. A single larger command is a batch of its own. Default 1 MiB, at
	// most 16 MiB.
	BatchBytesMax int
	// InflightBytesMax bounds the entries that were sent to one peer and not yet
	// acknowledged. Default 16 MiB.
	InflightBytesMax int
	// InflightMessagesMax bounds the same in messages. Default 256.
	InflightMessagesMax int
	// Snapshots says when snapshots are taken; see Config.Snapshots.
	Snapshots SnapshotPolicy
	// StateVersion is the version of what the state machine writes as a snapshot. Snapshots
	// are marked with it, and those with a higher one are refused.
	StateVersion uint32

	// CacheBytes bounds the recent entries held in memory for the streams and the
	// state machine. Entries not yet durable stay beyond it. Default 32 MiB.
	CacheBytes int

	_ struct{}
}

// CommandBytesLimit is the most that GroupConfig.CommandBytesMax may be.
const CommandBytesLimit = 16 << 20

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	setDefault(&c.SnapshotTransfersMax, 2)
	return c
}

func (c Config) validate() error {
	var problems []error
	if c.ID == 0 {
		problems = append(problems, errors.New("raft: Config.ID is missing"))
	}
	if c.Log == nil {
		problems = append(problems, errors.New("raft: Config.Log is missing"))
	}
	if c.Transport == nil {
		problems = append(problems, errors.New("raft: Config.Transport is missing"))
	}
	if c.SnapshotTransfersMax < 0 {
		problems = append(problems, errors.New("raft: Config.SnapshotTransfersMax is negative"))
	}
	if c.SnapshotBytesPerSecond < 0 {
		problems = append(problems, errors.New("raft: Config.SnapshotBytesPerSecond is negative"))
	}
	return errors.Join(problems...)
}

func (c GroupConfig) withDefaults() GroupConfig {
	setDefault(&c.ElectionTimeout, time.Second)
	setDefault(&c.HeartbeatInterval, c.ElectionTimeout/10)
	setDefault(&c.WriteStallTimeout, c.ElectionTimeout)
	setDefault(&c.CommandBytesMax, 1<<20)
	setDefault(&c.PendingBytesMax, 64<<20)
	setDefault(&c.BatchBytesMax, 1<<20)
	setDefault(&c.InflightBytesMax, 16<<20)
	setDefault(&c.InflightMessagesMax, 256)
	setDefault(&c.CacheBytes, 32<<20)
	c.Snapshots = c.Snapshots.withDefaults()
	return c
}

func setDefault[T time.Duration | int | int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (c GroupConfig) validate() error {
	var problems []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("raft: "+format, args...))
		}
	}
	require(c.ID != 0, "GroupConfig.ID is missing")
	require(c.StateMachine != nil, "GroupConfig.StateMachine is missing")
	require(c.ElectionTimeout > 0, "ElectionTimeout is negative")
	require(c.HeartbeatInterval > 0 && c.HeartbeatInterval <= c.ElectionTimeout/2,
		"HeartbeatInterval %v is not between 0 and half of ElectionTimeout %v", c.HeartbeatInterval, c.ElectionTimeout)
	require(c.WriteStallTimeout > 0, "WriteStallTimeout is negative")
	require(c.CommandBytesMax > 0 && c.CommandBytesMax <= CommandBytesLimit,
		"CommandBytesMax %d is not between 1 and %d", c.CommandBytesMax, CommandBytesLimit)
	require(c.PendingBytesMax >= c.CommandBytesMax, "PendingBytesMax is less than CommandBytesMax")
	require(c.BatchBytesMax > 0 && c.BatchBytesMax <= CommandBytesLimit,
		"BatchBytesMax %d is not between 1 and %d", c.BatchBytesMax, CommandBytesLimit)
	require(c.InflightBytesMax > 0, "InflightBytesMax is negative")
	require(c.InflightMessagesMax > 0, "InflightMessagesMax is negative")
	require(c.CacheBytes > 0, "CacheBytes is negative")
	return errors.Join(append(problems, c.Snapshots.validate())...)
}
