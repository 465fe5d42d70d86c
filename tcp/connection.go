// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
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
func (l *link) serve(ctx context.Context, conn *connection, address string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() { // Ends when the connection does; serve waits for it.
		defer close(ended)
		cancel(awaitEnd(conn))
	}()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	l.connected(conn, address)
	err := because(ctx, l.write(ctx, conn))
	l.setDirect(nil)
	stop()
	_ = conn.Close() // Why it ends is known already.
	cancel(nil)
	<-ended
	return err
}

// connected gets the link ready to write. The bulk lane is open already.
func (l *link) connected(conn *connection, address string) {
	level := slog.LevelInfo
	if l.kind == laneMain {
		l.setDirect(directWriter(conn))
		l.lane.setOpen(true)
	} else {
		level = slog.LevelDebug // It comes and goes.
		if raw, ok := conn.raw.(interface{ SetWriteBuffer(bytes int) error }); ok {
			_ = raw.SetWriteBuffer(l.transport.options.BulkSocketBytes) // Without it, bulk is less considerate.
		}
	}
	l.transport.log.logger.Log(l.transport.ctx, level, l.kind.connected(), "peer", uint64(l.peer), "address", address)
}

// awaitEnd returns when the connection ends. The peer never sends on it.
func awaitEnd(conn net.Conn) error {
	var one [1]byte
	if n, err := conn.Read(one[:]); n == 0 {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	return errSpoken
}
