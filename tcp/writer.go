// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/balsa-raft/raft/wire"
)

const (
	// writeBytesMax is how much is written at once, within WriteTimeout. On the bulk lane
	// it is less: a path that is full may be slow without being broken.
	writeBytesMax     = 2 << 20
	bulkWriteBytesMax = 128 << 10
	// bufferBytesKept is the largest write buffer that is kept for the next frame.
	bufferBytesKept = 4 << 20
)

// write writes what is put into the lane until ctx ends, a write fails, or nothing was
// put into the bulk lane for long.
func (l *link) write(ctx context.Context, conn net.Conn) error {
	var idle <-chan time.Time // Nobody sends on it for the main lane.
	for {
		if l.lane.accept() {
			if err := l.writeAll(conn); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		if l.kind == laneBulk {
			idle = time.After(l.transport.options.BulkIdleTimeout)
		}
		select {
		case <-l.lane.ready: // It may be for an earlier connection.
		case <-ctx.Done():
			return ctx.Err()
		case <-idle:
			l.buffer, l.spare = nil, nil
			return errIdle // What is put into the lane from now on makes another connection.
		}
	}
}

// writeAll writes until the lane is empty.
func (l *link) writeAll(conn net.Conn) error {
	if err := l.writeRest(conn); err != nil {
		return err
	}
	for messages := l.lane.take(l.spare); messages != nil; messages = l.lane.take(l.spare) {
		if err := l.writeFrames(conn, messages); err != nil {
			return err
		}
		clear(messages) // So that what was sent can be freed.
		l.spare = messages
	}
	return nil
}

// writeRest writes what a direct write has left over.
func (l *link) writeRest(conn net.Conn) error {
	if len(l.rest) == 0 {
		return nil
	}
	err := l.writeFrame(conn, l.rest)
	l.lane.release(l.frame)
	l.rest, l.frame = nil, 0
	return err
}

// writeFrames writes the messages in as few frames as the bounds allow.
func (l *link) writeFrames(conn net.Conn, messages []wire.Envelope) error {
	for len(messages) > 0 {
		frame, taken, size := l.encode(messages)
		if err := l.writeFrame(conn, frame); err != nil {
			return err
		}
		l.lane.release(size)
		messages = messages[taken:]
	}
	return nil
}

func (l *link) encode(messages []wire.Envelope) (frame []byte, taken, size int) {
	frame, taken, size = appendFrame(l.buffer[:0], messages, l.transport.options.FrameBytesMax)
	l.buffer = frame
	if cap(frame) > bufferBytesKept {
		l.buffer = nil
	}
	return frame, taken, size
}

func (l *link) writeFrame(conn net.Conn, frame []byte) error {
	for len(frame) > 0 {
		n := min(len(frame), l.writeBytesMax)
		if err := conn.SetWriteDeadline(time.Now().Add(l.transport.options.WriteTimeout)); err != nil {
			return err
		}
		if _, err := conn.Write(frame[:n]); err != nil {
			return err
		}
		frame = frame[n:]
	}
	return nil
}
