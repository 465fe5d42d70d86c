// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/client"
)

const (
	testTimeout = 20 * time.Second
	anyPort     = "127.0.0.1:0"
)

// trio is three nodes over TCP and with logs on disk.
type trio struct {
	t       *testing.T
	nodes   map[raft.NodeID]*Node
	members []raft.Member
}

func startTrio(t *testing.T) *trio {
	c := &trio{t: t, nodes: make(map[raft.NodeID]*Node)}
	t.Cleanup(c.stop)
	dir := t.TempDir()
	for id := raft.NodeID(1); id <= 3; id++ {
		c.listen(Config{
			ID: id, Dir: filepath.Join(dir, fmt.Sprint(id)), Cluster: raft.NewClusterID(t.Name()),
			RaftAddress: anyPort, ClientAddress: anyPort, AdminAddress: anyPort,
			ElectionTimeout: 300 * time.Millisecond, SegmentBytes: 1 << 20, Logger: slog.New(slog.DiscardHandler),
		})
		c.members = append(c.members, raft.Member{ID: id, Address: c.nodes[id].Addresses().Raft})
	}
	for _, n := range c.nodes {
		c.start(n)
	}
	return c
}

func (c *trio) listen(cfg Config) {
	c.t.Helper()
	n, err := Listen(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[cfg.ID] = n
}

func (c *trio) start(n *Node) {
	c.t.Helper()
	if err := n.Start(c.t.Context(), c.members); err != nil {
		c.t.Fatal(err)
	}
}

func (c *trio) stop() {
	for _, n := range c.nodes {
		if err := n.Kill(); err != nil {
			c.t.Errorf("kill: %v", err)
		}
	}
}

// kill kills a node and returns what it takes to start it again.
func (c *trio) kill(id raft.NodeID) Config {
	c.t.Helper()
	n := c.nodes[id]
	cfg, a := n.cfg, n.Addresses()
	cfg.RaftAddress, cfg.ClientAddress, cfg.AdminAddress = a.Raft, a.Client, a.Admin
	delete(c.nodes, id)
	if err := n.Kill(); err != nil {
		c.t.Fatalf("kill node %d: %v", id, err)
	}
	return cfg
}

// do sends a command to a node and wants a certain answer. A node without a leader
// makes the client wait, and while leadership changes it may ask to be asked again;
// only commands that may be repeated can be sent this way.
func (c *trio) do(id raft.NodeID, want string, args ...string) {
	c.t.Helper()
	conn, err := client.Dial(c.nodes[id].Addresses().Client, testTimeout)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	for begun := time.Now(); time.Since(begun) < testTimeout; {
		reply, err := conn.Do(args...)
		switch {
		case err != nil:
			c.t.Fatalf("%q on node %d: %v", args, id, err)
		case strings.HasPrefix(reply.Text, "TRYAGAIN"), strings.HasPrefix(reply.Text, "UNKNOWN"):
			continue
		case reply.String() != want:
			c.t.Fatalf("%q on node %d: %q, want %q", args, id, reply, want)
		}
		return
	}
	c.t.Fatalf("%q on node %d: no answer in %v", args, id, testTimeout)
}

// leader returns who leads, to be asked after a command was carried out.
func (c *trio) leader() raft.NodeID {
	c.t.Helper()
	for _, n := range c.nodes {
		if leader := n.Status().Leader; c.nodes[leader] != nil {
			return leader
		}
	}
	c.t.Fatal("nobody knows a leader")
	return 0
}

func TestEveryNodeTakesEveryCommand(t *testing.T) {
	c := startTrio(t)
	for id := range c.nodes {
		key := fmt.Sprint("key", id)
		c.do(id, "+OK", "SET", key, "value")
		for other := range c.nodes {
			c.do(other, "value", "GET", key)
		}
	}
}

func TestTheLeaderIsKilledAndComesBack(t *testing.T) {
	c := startTrio(t)
	c.do(1, "+OK", "SET", "before", "1")
	old := c.leader()
	cfg := c.kill(old)
	for id := range c.nodes {
		c.do(id, "1", "GET", "before")
		c.do(id, "+OK", "SET", "after", "2")
	}
	c.listen(cfg)
	c.start(c.nodes[old])
	c.do(old, "[1 2]", "MGET", "before", "after")
}

func TestAllAreKilledAndComeBack(t *testing.T) {
	c := startTrio(t)
	for i := range 50 {
		c.do(raft.NodeID(1+i%3), "+OK", "SET", fmt.Sprint("key", i), "value")
	}
	var configs []Config
	for id := raft.NodeID(1); id <= 3; id++ {
		configs = append(configs, c.kill(id))
	}
	for _, cfg := range configs {
		c.listen(cfg)
	}
	for _, n := range c.nodes {
		c.start(n)
	}
	for id := range c.nodes {
		c.do(id, ":50", "DBSIZE")
	}
}

func TestCloseOfTheLeaderMakesNoPause(t *testing.T) {
	c := startTrio(t)
	c.do(1, "+OK", "SET", "a", "1")
	old := c.leader()
	n := c.nodes[old]
	delete(c.nodes, old)
	if err := n.Close(t.Context()); err != nil {
		t.Fatalf("close: %v", err)
	}
	for id := range c.nodes {
		c.do(id, "1", "GET", "a")
	}
}

func TestListenGivesBackWhatItTook(t *testing.T) {
	cfg := Config{
		ID: 1, Dir: t.TempDir(), Cluster: raft.NewClusterID("x"), SegmentBytes: 1 << 20,
		RaftAddress: anyPort, ClientAddress: anyPort, AdminAddress: "no address", Logger: slog.New(slog.DiscardHandler),
	}
	if _, err := Listen(cfg); !errors.Is(err, ErrAdminAddress) {
		t.Fatalf("Listen: %v, want ErrAdminAddress", err)
	}
	cfg.AdminAddress = ""
	n, err := Listen(cfg)
	if err != nil {
		t.Fatalf("Listen after a failure: %v", err)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Errorf("Close without Start: %v", err)
	}
}
