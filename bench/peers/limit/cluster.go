// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/balsa-raft/raft/bench/load"
)

// cluster is a leader and two followers with a connection to each.
type cluster struct {
	leader    *leader
	followers [load.Replicas - 1]*follower
	syncs     atomic.Uint64
	running   sync.WaitGroup
	problems  [load.Replicas]error
}

func open(dir string, machines [load.Replicas]*load.Counter) (load.System, error) {
	c := new(cluster)
	d, err := openDisk(filepath.Join(dir, "leader"), &c.syncs)
	if err != nil {
		return nil, err
	}
	c.leader = newLeader(d, machines[0])
	for i := range c.followers {
		if err := c.connect(i, dir, machines[i+1]); err != nil {
			return nil, err
		}
	}
	c.start()
	return c, nil
}

func (c *cluster) connect(i int, dir string, machine *load.Counter) error {
	d, err := openDisk(filepath.Join(dir, fmt.Sprintf("follower-%d", i)), &c.syncs)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("limit: listen: %w", err)
	}
	defer listener.Close()
	if c.leader.sockets[i], err = net.Dial("tcp", listener.Addr().String()); err != nil {
		return fmt.Errorf("limit: dial: %w", err)
	}
	socket, err := listener.Accept()
	if err != nil {
		return fmt.Errorf("limit: accept: %w", err)
	}
	c.followers[i] = &follower{socket: socket, disk: d, machine: machine}
	return nil
}

func (c *cluster) start() {
	c.running.Go(func() { c.problems[0] = c.leader.run() })
	for i, f := range c.followers {
		c.running.Go(func() { c.problems[i+1] = f.run() })
		c.running.Go(func() { c.leader.receive(i + 1) })
	}
}

// Propose implements load.System.
func (c *cluster) Propose(command []byte) (uint64, error) { return c.leader.propose(command) }

// Stats implements load.System.
func (c *cluster) Stats() load.Stats { return load.Stats{Syncs: c.syncs.Load()} }

// Close implements load.System.
func (c *cluster) Close() error {
	c.leader.close()
	for i, f := range c.followers {
		c.leader.sockets[i].Close()
		f.socket.Close()
	}
	c.running.Wait()
	return errors.Join(c.problems[:]...)
}
