// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wal"
)

const (
	// segmentBytes is the size of the files of the nodes' logs: small, so that there
	// are several, and that it costs little to prepare them.
	segmentBytes = 4 << 20
	// clusterName is what all clusters are called.
	clusterName = "chaos"
	// requestTimeout is how long servers try to carry out a command.
	requestTimeout = 2 * time.Second
	// RecoveryTimeout bounds everything that must happen once nothing is wrong any
	// more. It is far more than it takes, for machines that are busy.
	RecoveryTimeout = 30 * time.Second
	// askTimeout bounds a question to a node, which may be paused.
	askTimeout = 500 * time.Millisecond
)

// Options say what a cluster is made of. All are required.
type Options struct {
	// Program is the path of balsa, Dir an empty folder for everything.
	Program, Dir    string
	Nodes           int
	ElectionTimeout time.Duration
}

// Cluster is processes that form a cluster, and the links between them. It is used by
// one goroutine.
type Cluster struct {
	Options
	Processes []*Process
	Mesh      *Mesh
	asker     http.Client
}

// StartCluster starts all processes and waits until each knows a leader. The cluster
// must be closed.
func StartCluster(o Options) (*Cluster, error) {
	c := &Cluster{Options: o, asker: http.Client{Timeout: askTimeout, Transport: &http.Transport{DisableKeepAlives: true}}}
	addresses, err := freeAddresses(3 * o.Nodes)
	if err != nil {
		return nil, err
	}
	if c.Mesh, err = NewMesh(addresses[:o.Nodes]); err != nil {
		return nil, err
	}
	for id := 1; id <= o.Nodes; id++ {
		c.Processes = append(c.Processes, c.newProcess(id, addresses))
	}
	for _, p := range c.Processes {
		if err := p.Start(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if err := c.AwaitEqual(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) newProcess(id int, addresses []string) *Process {
	n := c.Nodes
	p := &Process{
		ID: id, Client: addresses[n+id-1], Admin: addresses[2*n+id-1],
		Dir: filepath.Join(c.Dir, fmt.Sprintf("node-%d", id)), Log: filepath.Join(c.Dir, fmt.Sprintf("node-%d.log", id)),
	}
	members := make([]string, n)
	for i := range n {
		members[i] = fmt.Sprintf("%d=%s", i+1, addresses[i])
	}
	p.args = []string{
		c.Program, "serve", "--id", fmt.Sprint(id), "--dir", p.Dir, "--cluster-name", clusterName,
		"--initial-cluster", strings.Join(members, ","), "--client", p.Client, "--admin", p.Admin,
		"--election-timeout", c.ElectionTimeout.String(), "--request-timeout", requestTimeout.String(), "--segment-bytes", fmt.Sprint(segmentBytes),
	}
	for peer := 1; peer <= n; peer++ {
		if peer != id {
			p.args = append(p.args, "--peer-address", fmt.Sprintf("%d=%s", peer, c.Mesh.Address(Direction{id, peer})))
		}
	}
	return p
}

// Close kills all processes and closes all links.
func (c *Cluster) Close() error {
	var errs []error
	for _, p := range c.Processes {
		errs = append(errs, p.Kill())
	}
	return errors.Join(append(errs, c.Mesh.Close())...)
}

// Died returns an error for each process that has ended by itself.
func (c *Cluster) Died() error {
	var errs []error
	for _, p := range c.Processes {
		errs = append(errs, p.Died())
	}
	return errors.Join(errs...)
}

// Status is what a node says about itself.
type Status struct {
	Role         string     `json:"role"`
	Term         raft.Term  `json:"term"`
	Leader       int        `json:"leader"`
	AppliedIndex raft.Index `json:"applied_index"`
	Failure      string     `json:"failure"`
}

// State is what a node says about its state machine.
type State struct {
	AppliedIndex raft.Index `json:"applied_index"`
	Keys         int        `json:"keys"`
	Hash         string     `json:"hash"`
}

// ask asks a node's admin port.
func (c *Cluster) ask(p *Process, path string, answer any) error {
	response, err := c.asker.Get("http://" + p.Admin + path)
	if err != nil {
		return fmt.Errorf("chaos: ask node %d: %w", p.ID, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("chaos: ask node %d for %s: %s", p.ID, path, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("chaos: ask node %d for %s: %w", p.ID, path, err)
	}
	return nil
}

// Leader returns who leads in the latest term that any node knows of that is awake; zero
// if nobody says.
func (c *Cluster) Leader() int {
	leader, latest := 0, raft.Term(0)
	for _, p := range c.Processes {
		var s Status
		if p.Awake() && c.ask(p, "/status", &s) == nil && s.Role == "leader" && s.Term > latest {
			leader, latest = p.ID, s.Term
		}
	}
	return leader
}

// Applied returns the index that all nodes have applied and to which they know a leader,
// false if they don't agree.
func (c *Cluster) Applied() (index raft.Index, ok bool) {
	for i, p := range c.Processes {
		var s Status
		if err := c.ask(p, "/status", &s); err != nil || s.Leader == 0 || i > 0 && s.AppliedIndex != index {
			return 0, false
		}
		index = s.AppliedIndex
	}
	return index, true
}

// AwaitEqual waits until all nodes know a leader and have applied the same.
func (c *Cluster) AwaitEqual() error {
	return until(RecoveryTimeout, "all nodes know a leader and have applied the same", func() bool {
		_, ok := c.Applied()
		return ok || c.Died() != nil
	})
}

// AwaitServing waits until a node that is awake answers.
func (c *Cluster) AwaitServing(p *Process) error {
	return until(RecoveryTimeout, fmt.Sprintf("node %d serves", p.ID), func() bool {
		return c.ask(p, "/status", new(Status)) == nil || c.Died() != nil
	})
}

// States returns what all nodes say about their state machines.
func (c *Cluster) States() ([]State, error) {
	states := make([]State, len(c.Processes))
	for i, p := range c.Processes {
		if err := c.ask(p, "/state", &states[i]); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// Heal ends everything that is wrong: it heals links, and resumes or starts processes.
func (c *Cluster) Heal() error {
	c.Mesh.Heal()
	var errs []error
	for _, p := range c.Processes {
		errs = append(errs, p.Died(), p.Resume())
		if !p.Running() {
			errs = append(errs, p.Start())
		}
	}
	return errors.Join(errs...)
}

// ReadLogs reads the logs of all nodes, whose processes must have ended.
func (c *Cluster) ReadLogs(last raft.Index) (logs [][]raft.Entry, err error) {
	for _, p := range c.Processes {
		entries, err := ReadLog(wal.Options{
			Dir: p.Dir, Cluster: raft.NewClusterID(clusterName), Node: raft.NodeID(p.ID), SegmentBytes: segmentBytes,
		}, last)
		if err != nil {
			return nil, fmt.Errorf("chaos: log of node %d: %w", p.ID, err)
		}
		logs = append(logs, entries)
	}
	return logs, nil
}
