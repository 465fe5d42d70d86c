// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"net"

	"github.com/balsa-raft/raft/bench/load"
)

// receiveBytes is the most that a follower saves at once.
const receiveBytes = 1 << 20

// follower saves what its socket brings and acknowledges it by its offset in the
// stream: everything that has come while one sync ran is in the next.
type follower struct {
	socket  net.Conn
	disk    *disk
	machine *load.Counter
}

// run ends when the leader closes the connection.
func (f *follower) run() error {
	buffer := make([]byte, receiveBytes)
	var offset uint64
	var partial []byte
	for {
		n, err := f.socket.Read(buffer)
		if err != nil {
			return nil
		}
		if err := f.disk.save(buffer[:n]); err != nil {
			return err
		}
		offset += uint64(n)
		var ack [8]byte
		binary.LittleEndian.PutUint64(ack[:], offset)
		if _, err := f.socket.Write(ack[:]); err != nil {
			return nil
		}
		partial = f.apply(append(partial, buffer[:n]...))
	}
}

// apply applies the whole commands in the data and moves the rest to its front.
func (f *follower) apply(data []byte) []byte {
	rest := data
	f.machine.Lock()
	defer f.machine.Unlock()
	for {
		command, after := nextFrame(rest)
		if command == nil {
			return append(data[:0], rest...)
		}
		f.machine.Apply(command)
		rest = after
	}
}
