// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

const (
	// cachedLogs keeps what the replicators read from being read from the disk.
	cachedLogs = 16 << 10
	// appendEntriesMax is the largest value that the library allows.
	appendEntriesMax = 1024
	// rpcsInFlight is the library's default.
	rpcsInFlight = 2
	ioTimeout    = 10 * time.Second
)

// replica is one member with what it is made of.
type replica struct {
	raft      *raft.Raft
	wal       *wal.WAL
	transport *raft.NetworkTransport
}

func config(id int) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(fmt.Sprint(id))
	c.Logger = hclog.NewNullLogger()
	c.MaxAppendEntries = appendEntriesMax
	c.BatchApplyCh = true
	c.NoLegacyTelemetry = true
	c.SnapshotThreshold = 1 << 62
	c.SnapshotInterval = time.Hour
	return c
}

// openReplica opens the log and the transport of a replica and does not start it.
func openReplica(dir string) (*replica, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("hashicorp: create folder: %w", err)
	}
	log, err := wal.Open(dir, wal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return nil, fmt.Errorf("hashicorp: open log: %w", err)
	}
	transport, err := raft.NewTCPTransportWithConfig("127.0.0.1:0", nil, &raft.NetworkTransportConfig{
		Logger: hclog.NewNullLogger(), MaxPool: 3, MaxRPCsInFlight: rpcsInFlight, Timeout: ioTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("hashicorp: listen: %w", err)
	}
	return &replica{wal: log, transport: transport}, nil
}

// start bootstraps and starts the replica.
func (r *replica) start(id int, machine raft.FSM, servers raft.Configuration, logs raft.LogStore) error {
	cache, err := raft.NewLogCache(cachedLogs, logs)
	if err != nil {
		return fmt.Errorf("hashicorp: create cache: %w", err)
	}
	snapshots := raft.NewDiscardSnapshotStore()
	cfg := config(id)
	if err := raft.BootstrapCluster(cfg, cache, r.wal, snapshots, r.transport, servers); err != nil {
		return fmt.Errorf("hashicorp: bootstrap: %w", err)
	}
	if r.raft, err = raft.NewRaft(cfg, machine, cache, r.wal, snapshots, r.transport); err != nil {
		return fmt.Errorf("hashicorp: start: %w", err)
	}
	return nil
}

func (r *replica) close() error {
	if err := r.raft.Shutdown().Error(); err != nil {
		return fmt.Errorf("hashicorp: shut down: %w", err)
	}
	if err := r.transport.Close(); err != nil {
		return fmt.Errorf("hashicorp: close transport: %w", err)
	}
	return r.wal.Close()
}
