// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/lni/dragonboat/v4"
	"github.com/lni/dragonboat/v4/client"

	"github.com/balsa-raft/raft/bench/load"
)

const (
	electionWait = 20 * time.Second
	readInterval = 10 * time.Millisecond
	// proposeTimeout is counted in the library's ticks and costs no timer.
	proposeTimeout = 20 * time.Second
	// leaderNewsMax is how many changes of leader are kept for who waits for one.
	leaderNewsMax = 64
)

// cluster is three hosts and the one whose replica leads.
type cluster struct {
	hosts   [load.Replicas]*dragonboat.NodeHost
	leader  *dragonboat.NodeHost
	session *client.Session
	retries atomic.Uint64
}

func open(dir string, machines [load.Replicas]*load.Counter) (load.System, error) {
	members, err := addresses()
	if err != nil {
		return nil, err
	}
	c := new(cluster)
	leaders := make(chan uint64, leaderNewsMax)
	for i := range c.hosts {
		id := uint64(i + 1)
		folder := filepath.Join(dir, fmt.Sprint(id))
		if c.hosts[i], err = startReplica(folder, id, members, machines[i], leaders); err != nil {
			return nil, err
		}
	}
	return c, c.awaitLeader(leaders)
}

// addresses finds a free port for every replica.
func addresses() (map[uint64]string, error) {
	members := make(map[uint64]string)
	for id := uint64(1); id <= load.Replicas; id++ {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("dragonboat: find a port: %w", err)
		}
		defer listener.Close()
		members[id] = listener.Addr().String()
	}
	return members, nil
}

// awaitLeader waits until some replica leads and serves a linearizable read.
func (c *cluster) awaitLeader(leaders <-chan uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), electionWait)
	defer cancel()
	for {
		select {
		case id := <-leaders:
			if id == 0 {
				continue
			}
			c.leader = c.hosts[id-1]
			c.session = c.leader.GetNoOPSession(shard)
			return c.awaitRead(ctx)
		case <-ctx.Done():
			return errors.New("dragonboat: no leader was elected")
		}
	}
}

// awaitRead asks until the leader has committed an entry of its term. The library
// has no event for that: it turns reads away until then.
func (c *cluster) awaitRead(ctx context.Context) error {
	again := time.NewTicker(readInterval)
	defer again.Stop()
	for {
		_, err := c.leader.SyncGetShardMembership(ctx, shard)
		if !errors.Is(err, dragonboat.ErrShardNotReady) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Propose implements load.System. Who is turned away because a queue is full tries
// again.
func (c *cluster) Propose(command []byte) (uint64, error) {
	for {
		request, err := c.leader.Propose(c.session, command, proposeTimeout)
		if errors.Is(err, dragonboat.ErrSystemBusy) {
			c.retries.Add(1)
			runtime.Gosched()
			continue
		}
		if err != nil {
			return 0, err
		}
		result := <-request.ResultC()
		request.Release()
		if !result.Completed() {
			return 0, errors.New("dragonboat: proposal was not completed")
		}
		return result.GetResult().Value, nil
	}
}

// Stats implements load.System.
func (c *cluster) Stats() load.Stats { return load.Stats{Retries: c.retries.Load()} }

// Close implements load.System.
func (c *cluster) Close() error {
	for _, host := range c.hosts {
		host.Close()
	}
	return nil
}
