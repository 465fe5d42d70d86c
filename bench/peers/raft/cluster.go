// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/balsa-raft/raft"

	"github.com/balsa-raft/raft/bench/load"
)

const (
	electionWait   = 20 * time.Second
	statusInterval = 10 * time.Millisecond
)

// cluster is three replicas and the group of the one that leads.
type cluster struct {
	replicas [load.Replicas]*replica
	leader   *raft.Group
}

func open(dir string, machines [load.Replicas]*load.Counter) (load.System, error) {
	c := new(cluster)
	var members []raft.Member
	for i := range c.replicas {
		var err error
		folder := filepath.Join(dir, fmt.Sprint(i+1))
		if c.replicas[i], err = openReplica(folder, raft.NodeID(i+1), machine{machines[i]}); err != nil {
			return nil, err
		}
		members = append(members, c.replicas[i].member())
	}
	ctx, cancel := context.WithTimeout(context.Background(), electionWait)
	defer cancel()
	for _, r := range c.replicas {
		if err := r.group.Initialize(ctx, members...); err != nil {
			return nil, fmt.Errorf("raft: initialize: %w", err)
		}
	}
	return c, c.awaitLeader(ctx)
}

// awaitLeader waits until a member leads and the others have answered it.
func (c *cluster) awaitLeader(ctx context.Context) error {
	again := time.NewTicker(statusInterval)
	defer again.Stop()
	for {
		for _, r := range c.replicas {
			if s := r.group.Status(); s.Role == raft.RoleLeader && s.CommitIndex > 0 && replicating(s) {
				c.leader = r.group
				return nil
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.New("raft: no leader was elected")
		}
	}
}

func replicating(s raft.Status) bool {
	for _, peer := range s.Peers {
		if peer.State != "replicate" {
			return false
		}
	}
	return true
}

// Propose implements load.System.
func (c *cluster) Propose(command []byte) (uint64, error) {
	result, err := c.leader.Propose(context.Background(), command)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(result.Value), nil
}

// Stats implements load.System.
func (c *cluster) Stats() load.Stats { return load.Stats{} }

// Close implements load.System.
func (c *cluster) Close() error {
	var problems []error
	for _, r := range c.replicas {
		problems = append(problems, r.close())
	}
	return errors.Join(problems...)
}
