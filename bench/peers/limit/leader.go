// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/balsa-raft/raft/bench/load"
)

var errClosed = errors.New("limit: closed")

// batch is some commands and those who wait for them.
type batch struct {
	data    []byte
	waiters []*waiter
}

type waiter struct{ result chan uint64 }

var waiters = sync.Pool{New: func() any { return &waiter{result: make(chan uint64, 1)} }}

// leader takes commands in one batch while the batch before is on its way.
type leader struct {
	sockets [load.Replicas - 1]net.Conn
	disk    *disk
	machine *load.Counter

	mu       sync.Mutex
	arrived  *sync.Cond
	inbox    batch
	inflight batch
	// durable is how much of the stream each replica has on disk, the leader first.
	durable [load.Replicas]uint64
	// end is where the batch that is on its way ends in the stream.
	end    uint64
	busy   bool
	closed bool
}

func newLeader(d *disk, machine *load.Counter) *leader {
	l := &leader{disk: d, machine: machine}
	l.arrived = sync.NewCond(&l.mu)
	return l
}

func (l *leader) propose(command []byte) (uint64, error) {
	w := waiters.Get().(*waiter)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return 0, errClosed
	}
	l.inbox.data = appendFrame(l.inbox.data, command)
	l.inbox.waiters = append(l.inbox.waiters, w)
	if len(l.inbox.waiters) == 1 && !l.busy {
		l.arrived.Signal()
	}
	l.mu.Unlock()
	result := <-w.result
	waiters.Put(w)
	return result, nil
}

// run sends and saves batches until the leader is closed or its disk fails.
func (l *leader) run() error {
	for {
		data, ok := l.take()
		if !ok {
			return nil
		}
		if err := l.send(data); err != nil {
			return err
		}
		if err := l.disk.save(data); err != nil {
			return err
		}
		l.saved(0, uint64(len(data)))
	}
}

// take waits until the batch before is complete and another has arrived.
func (l *leader) take() ([]byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && (l.busy || len(l.inbox.waiters) == 0) {
		l.arrived.Wait()
	}
	if l.closed {
		return nil, false
	}
	l.inbox, l.inflight = batch{l.inflight.data[:0], l.inflight.waiters[:0]}, l.inbox
	l.end += uint64(len(l.inflight.data))
	l.busy = true
	return l.inflight.data, true
}

// send writes the batch to both sockets, at once if it is so large that a socket's
// buffer cannot take it.
func (l *leader) send(data []byte) error {
	const socketBufferBytes = 128 << 10
	if len(data) <= socketBufferBytes {
		for _, socket := range l.sockets {
			if _, err := socket.Write(data); err != nil {
				return err
			}
		}
		return nil
	}
	var sending sync.WaitGroup
	var problems [len(l.sockets)]error
	for i, socket := range l.sockets {
		sending.Go(func() { _, problems[i] = socket.Write(data) })
	}
	sending.Wait()
	return errors.Join(problems[:]...)
}

// receive reads one follower's acknowledgements until the connection ends.
func (l *leader) receive(follower int) {
	var ack [8]byte
	for before := uint64(0); ; {
		if _, err := io.ReadFull(l.sockets[follower-1], ack[:]); err != nil {
			return
		}
		offset := binary.LittleEndian.Uint64(ack[:])
		l.saved(follower, offset-before)
		before = offset
	}
}

// saved notes that a replica has more of the stream on disk, and completes the
// batch when it is the second that has all of it.
func (l *leader) saved(replica int, bytes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable[replica] += bytes
	if l.busy && l.replicas() >= 2 {
		l.complete()
		l.busy = false
		l.arrived.Signal()
	}
}

func (l *leader) replicas() int {
	n := 0
	for _, offset := range l.durable {
		if offset >= l.end {
			n++
		}
	}
	return n
}

func (l *leader) complete() {
	l.machine.Lock()
	defer l.machine.Unlock()
	rest := l.inflight.data
	for _, w := range l.inflight.waiters {
		var command []byte
		command, rest = nextFrame(rest)
		w.result <- l.machine.Apply(command)
	}
}

func (l *leader) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.arrived.Signal()
}
