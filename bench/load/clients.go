// SPDX-License-Identifier: Apache-2.0

package load

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// clientErrorsMax is how many errors a client takes before it gives up.
const clientErrorsMax = 100

type phase int32

const (
	warmingUp phase = iota
	measuring
	stopped
)

// clients is a number of closed-loop clients: each waits for the result of one
// command before it sends the next.
type clients struct {
	propose func([]byte) (uint64, error)
	bytes   int
	fresh   bool
	phase   atomic.Int32
	running sync.WaitGroup
	all     []client
}

// client is one client. Its fields belong to its goroutine until it has ended.
type client struct {
	id           uint64
	acknowledged uint64
	lastResult   uint64
	errors       uint64
	firstError   error
	latency      Histogram
}

func startClients(count, bytes int, peer Peer, system System) *clients {
	c := &clients{propose: system.Propose, bytes: bytes, fresh: peer.KeepsCommands, all: make([]client, count)}
	for i := range c.all {
		c.all[i].id = uint64(i + 1)
		c.running.Go(func() { c.all[i].run(c) })
	}
	return c
}

func (c *clients) enter(p phase) { c.phase.Store(int32(p)) }

func (c *clients) stop() {
	c.enter(stopped)
	c.running.Wait()
}

// run is the closed loop. One look at the clock ends an operation and begins the next.
func (c *client) run(all *clients) {
	command := make([]byte, all.bytes)
	begin := time.Now()
	for sequence := uint64(1); c.errors < clientErrorsMax; sequence++ {
		if all.fresh {
			command = make([]byte, all.bytes)
		}
		binary.LittleEndian.PutUint64(command, c.id)
		binary.LittleEndian.PutUint64(command[8:], sequence)
		result, err := all.propose(command)
		end := time.Now()
		c.take(result, err)
		switch phase(all.phase.Load()) {
		case measuring:
			if err == nil {
				c.latency.Record(end.Sub(begin))
			}
		case stopped:
			return
		}
		begin = end
	}
}

func (c *client) take(result uint64, err error) {
	if err == nil && result <= c.lastResult {
		err = fmt.Errorf("load: result %d after result %d", result, c.lastResult)
	}
	if err == nil {
		c.acknowledged++
		c.lastResult = result
		return
	}
	c.errors++
	if c.firstError == nil {
		c.firstError = err
	}
}

// totals is what all clients together have seen.
type totals struct {
	acknowledged uint64
	errors       uint64
	firstError   error
	latency      Histogram
}

// sum adds the clients up; they have stopped.
func (c *clients) sum() *totals {
	var t totals
	for i := range c.all {
		one := &c.all[i]
		t.acknowledged += one.acknowledged
		t.errors += one.errors
		if t.firstError == nil {
			t.firstError = one.firstError
		}
		t.latency.Merge(&one.latency)
	}
	return &t
}
