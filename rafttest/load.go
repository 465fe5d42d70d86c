// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/balsa-raft/raft"
)

// Load is clients that propose all the time.
type Load struct {
	quit    chan struct{} // closed when the clients are to leave
	once    sync.Once
	clients sync.WaitGroup
}

// LoadOptions say what a load does. A zero field means its default.
type LoadOptions struct {
	// Name distinguishes the commands of this load from those of others. Default "load".
	Name string
	// Clients is how many there are on each member. Default 3.
	Clients int
	// PauseMax bounds how long a client pauses between two commands. Default 100 ms.
	PauseMax time.Duration
	// Patience is how long a client waits for an outcome. Default: three election
	// time-outs.
	Patience time.Duration
	// Stay keeps a client on its member. Otherwise it goes to the next one
	// whenever a command fails.
	Stay bool

	_ struct{}
}

// StartLoad starts clients on all members. Each proposes one command after another,
// all of them different, and never one twice: a command that failed is followed by a
// new one. What they are told is among Outcomes. Run ends a load that was not stopped.
func (c *Cluster) StartLoad(options LoadOptions) *Load {
	if options.Name == "" {
		options.Name = "load"
	}
	if options.Clients == 0 {
		options.Clients = 3
	}
	if options.PauseMax == 0 {
		options.PauseMax = 100 * time.Millisecond
	}
	if options.Patience == 0 {
		options.Patience = 3 * c.options.ElectionTimeout
	}
	l := &Load{quit: make(chan struct{})}
	for _, m := range c.members {
		for n := range options.Clients {
			l.clients.Go(func() { c.client(l, options, m.id, n) })
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loads = append(c.loads, l)
	return l
}

// client is what one client does.
func (c *Cluster) client(l *Load, options LoadOptions, id raft.NodeID, number int) {
	random := rand.New(rand.NewPCG(c.options.Seed, uint64(id)<<32+uint64(number)))
	name := fmt.Sprintf("%s.%d.%d", options.Name, id, number)
	for n := 1; ; n++ {
		select {
		case <-l.quit:
			return
		case <-time.After(1 + time.Duration(random.Int64N(int64(options.PauseMax)))):
		}
		_, err := c.propose(name, id, fmt.Sprintf("%s.%d", name, n), options.Patience)
		if err != nil && !options.Stay {
			id = id%raft.NodeID(len(c.members)) + 1
		}
	}
}

func (l *Load) leave() { l.once.Do(func() { close(l.quit) }) }

// Stop lets every client await the outcome of its last command, and ends them all.
func (l *Load) Stop() {
	l.leave()
	l.clients.Wait()
}
