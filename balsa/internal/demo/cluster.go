// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/node"
)

const (
	nodes = 3
	// electionTimeout is short, so that there is less to wait for.
	electionTimeout = 500 * time.Millisecond
	// segmentBytes is small, because files are made at their full size.
	segmentBytes = 16 << 20
	anyPort      = "127.0.0.1:0"
)

// cluster is the three nodes.
type cluster struct {
	members []raft.Member

	mu      sync.Mutex
	configs map[raft.NodeID]node.Config
	// running has the nodes that are up.
	running map[raft.NodeID]*node.Node
}

// startCluster starts the nodes on ports that the operating system chooses, which they
// keep from then on.
func startCluster(ctx context.Context, dir string, cfg Config) (*cluster, error) {
	c := &cluster{configs: make(map[raft.NodeID]node.Config), running: make(map[raft.NodeID]*node.Node)}
	clusterID := raft.NewClusterID(dir)
	for id := raft.NodeID(1); id <= nodes; id++ {
		c.configs[id] = node.Config{
			ID: id, Dir: filepath.Join(dir, fmt.Sprint("node-", id)), Cluster: clusterID,
			RaftAddress: anyPort, ClientAddress: anyPort, AdminAddress: anyPort,
			ElectionTimeout: electionTimeout, SegmentBytes: segmentBytes, Snapshots: cfg.snapshots,
			Version: cfg.Version, Logger: cfg.Logger,
		}
		if err := c.listen(id); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	for _, m := range c.members {
		if err := c.running[m.ID].Start(ctx, c.members); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (c *cluster) listen(id raft.NodeID) error {
	n, err := node.Listen(c.configs[id])
	if err != nil {
		return err
	}
	c.running[id] = n
	a := n.Addresses()
	cfg := c.configs[id]
	cfg.RaftAddress, cfg.ClientAddress, cfg.AdminAddress = a.Raft, a.Client, a.Admin
	c.configs[id] = cfg
	c.members = append(c.members, raft.Member{ID: id, Address: a.Raft})
	return nil
}

// node returns a node, nil if it is down.
func (c *cluster) node(id raft.NodeID) *node.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running[id]
}

// clientAddresses are where the nodes serve clients, whether they are up or not.
func (c *cluster) clientAddresses() []string {
	var addresses []string
	for _, m := range c.members {
		addresses = append(addresses, c.configs[m.ID].ClientAddress)
	}
	return addresses
}

// kill stops a node without warning.
func (c *cluster) kill(id raft.NodeID) error {
	c.mu.Lock()
	n := c.running[id]
	delete(c.running, id)
	c.mu.Unlock()
	return n.Kill()
}

// restart starts a node that was killed, from what is on its disk.
func (c *cluster) restart(ctx context.Context, id raft.NodeID) error {
	n, err := node.Listen(c.configs[id])
	if err != nil {
		return err
	}
	if err := n.Start(ctx, c.members); err != nil {
		return errors.Join(err, n.Kill())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[id] = n
	return nil
}

// leadership is who leads, and since which term; zero if nobody is known to.
type leadership struct {
	id   raft.NodeID
	term raft.Term
}

// leader returns the node that takes itself for the leader in the highest term.
func (c *cluster) leader() (latest leadership) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, n := range c.running {
		if s := n.Status(); s.Role == raft.RoleLeader && s.Term > latest.term {
			latest = leadership{id: id, term: s.Term}
		}
	}
	return latest
}

// all returns the nodes that are up, in order of their IDs.
func (c *cluster) all() (all []*node.Node) {
	for _, m := range c.members {
		if n := c.node(m.ID); n != nil {
			all = append(all, n)
		}
	}
	return all
}

// close stops all nodes. What is on their disks is of no more use, so there is no
// point in doing it gently.
func (c *cluster) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	errs := make([]error, 0, nodes)
	for id, n := range c.running {
		errs = append(errs, n.Kill())
		delete(c.running, id)
	}
	return errors.Join(errs...)
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return port
}
