// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/balsa-raft/raft/wire"
)

const (
	// writeBytesMax is how much one write may take, within WriteTimeout.
	writeBytesMax = 2 << 20
	// bufferBytesKept is the largest write buffer that is kept for the next frame.
	bufferBytesKept = 4 << 20
)

// Why a connection to a peer ends.
var (
	errEnded  = errors.New("the peer ended the connection")
	errSpoken = errors.New("the peer sent something on a connection that is for receiving")
)

// connection is a connection that ends at once when closed. With TLS the two parts
// differ: closing the upper one would first try to send a farewell, and wait.
type connection struct {
	net.Conn
	raw  net.Conn
	done chan struct{} // of incoming ones: closed when nothing of it is delivered any more
}

// Close ends the connection without a farewell.
func (c *connection) Close() error { return c.raw.Close() }

// serve writes what is put into the lane until the connection ends. It returns why
// it ended, and never nil.
func (p *peer) serve(ctx context.Context, conn *connection, address string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() { // Ends when the connection does; serve waits for it.
		defer close(ended)
		cancel(awaitEnd(conn))
	}()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	p.setDirect(directWriter(conn))
	p.lane.setOpen(true)
	p.problem = ""
	p.transport.log.logger.Info("connected to peer", "peer", uint64(p.id), "address", address)

	err := because(ctx, p.write(ctx, conn))
	p.lane.setOpen(false)
	p.setDirect(nil)
	stop()
	_ = conn.Close() // Why it ends is known already.
	cancel(nil)
	<-ended
	return err
}

// awaitEnd returns when the connection ends. The peer never sends on it.
func awaitEnd(conn net.Conn) error {
	var one [1]byte
	if n, err := conn.Read(one[:]); n == 0 {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	return errSpoken
}

// write writes what is put into the lane until ctx ends or a write fails.
func (p *peer) write(ctx context.Context, conn net.Conn) error {
	for {
		select {
		case <-p.lane.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !p.lane.accept() {
			continue // It was for an earlier connection.
		}
		if err := p.writeRest(conn); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		for messages := p.lane.take(p.spare); messages != nil; messages = p.lane.take(p.spare) {
			if err := p.writeFrames(conn, messages); err != nil {
				return fmt.Errorf("write: %w", err)
			}
			clear(messages) // So that what was sent can be freed.
			p.spare = messages
		}
	}
}

// writeRest writes what a direct write has left over.
func (p *peer) writeRest(conn net.Conn) error {
	if len(p.rest) == 0 {
		return nil
	}
	err := p.writeFrame(conn, p.rest)
	p.lane.release(p.frame)
	p.rest, p.frame = nil, 0
	return err
}

// writeFrames writes the messages in as few frames as the bounds allow.
func (p *peer) writeFrames(conn net.Conn, messages []wire.Envelope) error {
	for len(messages) > 0 {
		frame, taken, size := p.encode(messages)
		if err := p.writeFrame(conn, frame); err != nil {
			return err
		}
		p.lane.release(size)
		messages = messages[taken:]
	}
	return nil
}

func (p *peer) encode(messages []wire.Envelope) (frame []byte, taken, size int) {
	frame, taken, size = appendFrame(p.buffer[:0], messages, p.transport.options.FrameBytesMax)
	p.buffer = frame
	if cap(frame) > bufferBytesKept {
		p.buffer = nil
	}
	return frame, taken, size
}

func (p *peer) writeFrame(conn net.Conn, frame []byte) error {
	for len(frame) > 0 {
		n := min(len(frame), writeBytesMax)
		if err := conn.SetWriteDeadline(time.Now().Add(p.transport.options.WriteTimeout)); err != nil {
			return err
		}
		if _, err := conn.Write(frame[:n]); err != nil {
			return err
		}
		frame = frame[n:]
	}
	return nil
}
