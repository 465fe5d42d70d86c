// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"github.com/balsa-raft/raft/bench/load"
)

const (
	electionWait = 20 * time.Second
	syncMetric   = "etcd_disk_wal_fsync_duration_seconds"
)

// cluster is three nodes, connected by one TCP connection for each direction.
type cluster struct {
	nodes    [load.Replicas]*node
	leader   *node
	sockets  []net.Conn
	transfer sync.WaitGroup
}

func open(dir string, machines [load.Replicas]*load.Counter) (load.System, error) {
	c := new(cluster)
	for i := range c.nodes {
		log, err := wal.Create(zap.NewNop(), filepath.Join(dir, fmt.Sprint(i+1)), nil)
		if err != nil {
			return nil, fmt.Errorf("etcd: create log: %w", err)
		}
		if c.nodes[i], err = newNode(uint64(i+1), machines[i], log); err != nil {
			return nil, fmt.Errorf("etcd: create node: %w", err)
		}
	}
	for _, from := range c.nodes {
		for _, to := range c.nodes {
			if from != to {
				if err := c.connect(from, to); err != nil {
					return nil, err
				}
			}
		}
	}
	return c, c.start()
}

// connect makes a connection that carries messages one way.
func (c *cluster) connect(from, to *node) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("etcd: listen: %w", err)
	}
	defer listener.Close()
	out, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return fmt.Errorf("etcd: dial: %w", err)
	}
	in, err := listener.Accept()
	if err != nil {
		return fmt.Errorf("etcd: accept: %w", err)
	}
	lane := newQueue[raftpb.Message](newWake())
	from.peers[to.id] = lane
	c.sockets = append(c.sockets, in, out)
	c.transfer.Go(func() { send(out, lane, from.stop) })
	c.transfer.Go(func() { receive(in, to.messages) })
	return nil
}

// start lets the first node campaign at once and waits until it leads.
func (c *cluster) start() error {
	c.leader = c.nodes[0]
	elected := c.leader.elected
	for _, n := range c.nodes {
		n.start()
	}
	select {
	case <-elected:
		return nil
	case <-time.After(electionWait):
		return errors.New("etcd: no leader was elected")
	}
}

// Propose implements load.System.
func (c *cluster) Propose(command []byte) (uint64, error) {
	w := waiterPool.Get().(*waiter)
	c.leader.proposals.put(proposal{command, w})
	result := <-w.done
	waiterPool.Put(w)
	return result.value, result.err
}

// Stats implements load.System.
func (c *cluster) Stats() load.Stats {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return load.Stats{}
	}
	for _, family := range families {
		if family.GetName() == syncMetric {
			return load.Stats{Syncs: family.GetMetric()[0].GetHistogram().GetSampleCount()}
		}
	}
	return load.Stats{}
}

// Close implements load.System.
func (c *cluster) Close() error {
	for _, n := range c.nodes {
		close(n.stop)
	}
	for _, socket := range c.sockets {
		socket.Close()
	}
	c.transfer.Wait()
	var problems []error
	for _, n := range c.nodes {
		n.running.Wait()
		problems = append(problems, n.wal.Close())
	}
	return errors.Join(problems...)
}
