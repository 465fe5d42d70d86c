// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/tcp"
	"github.com/balsa-raft/raft/wal"
)

const (
	group     = raft.GroupID(1)
	closeWait = 10 * time.Second
)

// replica is one node with what it is made of.
type replica struct {
	id        raft.NodeID
	log       *wal.Log
	transport *tcp.Transport
	node      *raft.Node
	group     *raft.Group
}

// openReplica starts a node with one group, which has no members yet.
func openReplica(dir string, id raft.NodeID, m machine) (*replica, error) {
	cluster := raft.NewClusterID("bench")
	quiet := slog.New(slog.DiscardHandler)
	r := &replica{id: id}
	var err error
	if r.log, err = wal.Open(wal.Options{Dir: dir, Cluster: cluster, Node: id, Logger: quiet}); err != nil {
		return nil, fmt.Errorf("raft: open log: %w", err)
	}
	r.transport, err = tcp.Listen(tcp.Options{Address: "127.0.0.1:0", Cluster: cluster, Node: id, Logger: quiet})
	if err != nil {
		return nil, fmt.Errorf("raft: listen: %w", err)
	}
	r.node, err = raft.Open(raft.Config{ID: id, Log: r.log, Transport: r.transport, Logger: quiet})
	if err != nil {
		return nil, fmt.Errorf("raft: open node: %w", err)
	}
	if r.group, err = r.node.StartGroup(raft.GroupConfig{ID: group, StateMachine: m}); err != nil {
		return nil, fmt.Errorf("raft: start group: %w", err)
	}
	return r, nil
}

func (r *replica) member() raft.Member {
	return raft.Member{ID: r.id, Address: r.transport.Addr().String()}
}

func (r *replica) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return errors.Join(r.node.Close(ctx), r.transport.Close(), r.log.Close())
}
