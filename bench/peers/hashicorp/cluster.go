// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/balsa-raft/raft/bench/load"
)

const electionWait = 20 * time.Second

// cluster is three replicas and the one that leads.
type cluster struct {
	replicas [load.Replicas]*replica
	leader   *raft.Raft
	syncs    atomic.Uint64
}

func open(dir string, machines [load.Replicas]*load.Counter) (load.System, error) {
	c := new(cluster)
	var servers raft.Configuration
	for i := range c.replicas {
		var err error
		if c.replicas[i], err = openReplica(filepath.Join(dir, fmt.Sprint(i))); err != nil {
			return nil, err
		}
		servers.Servers = append(servers.Servers, raft.Server{
			ID: raft.ServerID(fmt.Sprint(i)), Address: c.replicas[i].transport.LocalAddr(),
		})
	}
	for i, r := range c.replicas {
		if err := r.start(i, machine{machines[i]}, servers, store{r.wal, &c.syncs}); err != nil {
			return nil, err
		}
	}
	return c, c.awaitLeader()
}

// awaitLeader waits until one replica says that it leads and has a barrier committed.
func (c *cluster) awaitLeader() error {
	elected := make(chan *raft.Raft, len(c.replicas))
	stop := make(chan struct{})
	defer close(stop)
	for _, r := range c.replicas {
		go func() {
			for {
				select {
				case leads := <-r.raft.LeaderCh():
					if leads {
						elected <- r.raft
						return
					}
				case <-stop:
					return
				}
			}
		}()
	}
	select {
	case c.leader = <-elected:
		return c.leader.Barrier(electionWait).Error()
	case <-time.After(electionWait):
		return errors.New("hashicorp: no leader was elected")
	}
}

// Propose implements load.System. A time-out of zero saves a timer for every command.
func (c *cluster) Propose(command []byte) (uint64, error) {
	future := c.leader.Apply(command, 0)
	if err := future.Error(); err != nil {
		return 0, err
	}
	return future.Response().(uint64), nil
}

// Stats implements load.System.
func (c *cluster) Stats() load.Stats { return load.Stats{Syncs: c.syncs.Load()} }

// Close implements load.System.
func (c *cluster) Close() error {
	var problems []error
	for _, r := range c.replicas {
		problems = append(problems, r.close())
	}
	return errors.Join(problems...)
}
