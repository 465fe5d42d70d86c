// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

const (
	// lengthBytes stand before every message.
	lengthBytes = 4
	// socketBytes is how much is read, and about how much is written, at once.
	socketBytes = 256 << 10
)

// send writes what is put into the queue until the connection ends.
func send(socket net.Conn, lane *queue[raftpb.Message], stop <-chan struct{}) {
	var batch []raftpb.Message
	var buffer []byte
	for {
		select {
		case <-lane.wake:
		case <-stop:
			return
		}
		batch = lane.take(batch)
		for i := range batch {
			buffer = encode(buffer, &batch[i])
			if len(buffer) < socketBytes && i < len(batch)-1 {
				continue
			}
			if _, err := socket.Write(buffer); err != nil {
				return
			}
			buffer = buffer[:0]
		}
	}
}

func encode(buffer []byte, m *raftpb.Message) []byte {
	size := m.Size()
	start := len(buffer)
	buffer = slices.Grow(buffer, lengthBytes+size)[:start+lengthBytes+size]
	binary.LittleEndian.PutUint32(buffer[start:], uint32(size))
	_, err := m.MarshalToSizedBuffer(buffer[start+lengthBytes:])
	check(err)
	return buffer
}

// receive hands over all messages that are there at once, until the connection ends.
func receive(socket net.Conn, messages *queue[raftpb.Message]) {
	reader := bufio.NewReaderSize(socket, socketBytes)
	var batch []raftpb.Message
	var buffer []byte
	for {
		m, scratch, err := read(reader, buffer)
		if err != nil {
			return
		}
		buffer = scratch
		batch = append(batch, m)
		if !another(reader) {
			messages.put(batch...)
			clear(batch)
			batch = batch[:0]
		}
	}
}

// read reads one message by way of the buffer; the message does not refer to it.
func read(reader *bufio.Reader, buffer []byte) (m raftpb.Message, scratch []byte, err error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(reader, length[:]); err != nil {
		return m, buffer, err
	}
	size := int(binary.LittleEndian.Uint32(length[:]))
	buffer = slices.Grow(buffer[:0], size)[:size]
	if _, err := io.ReadFull(reader, buffer); err != nil {
		return m, buffer, err
	}
	return m, buffer, m.Unmarshal(buffer)
}

// another reports whether a whole message has already been read ahead.
func another(reader *bufio.Reader) bool {
	if reader.Buffered() < lengthBytes {
		return false
	}
	length, err := reader.Peek(lengthBytes)
	return err == nil && reader.Buffered() >= lengthBytes+int(binary.LittleEndian.Uint32(length))
}
