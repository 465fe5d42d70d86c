// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"time"
)

// warnAfterDefault is how long a peer may be away before that is worth a warning. Nodes
// that start one after the other, or restart, take less.
const warnAfterDefault = 5 * time.Second

// outage is a time without a connection that lasts: from the first failure, which may
// be the loss of a connection, on. The zero value is the time before it.
//
// What is wrong is logged once, and again when it becomes something else. It is a
// warning if it doesn't pass by itself, or if there has been no connection for
// warnAfter; when that time is over, it is logged once more.
type outage struct {
	since  time.Time
	reason string     // the last that was logged
	level  slog.Level // at which it was
}

// note takes a failure in, and returns whether it is to be logged, and how.
func (o *outage) note(err error, now time.Time, warnAfter time.Duration) (level slog.Level, due bool) {
	if o.since.IsZero() {
		o.since = now
	}
	level = slog.LevelInfo
	if !passes(err) || now.Sub(o.since) >= warnAfter {
		level = slog.LevelWarn
	}
	what := reason(err)
	if what == o.reason && level <= o.level {
		return level, false
	}
	o.reason, o.level = what, level
	return level, true
}

// logFailure logs what is wrong, if it is news. If the peer is gone altogether, its main
// lane says so.
func (l *link) logFailure(err error) {
	if l.kind == laneBulk && !l.transport.peer(l.peer).main.lane.isOpen() {
		return
	}
	now := time.Now()
	level, due := l.outage.note(err, now, l.transport.warnAfter)
	if due {
		l.transport.log.logger.Log(l.transport.ctx, level, l.kind.noConnection(), "peer", uint64(l.peer),
			"reason", err.Error(), "for", now.Sub(l.outage.since))
	}
}

// passes reports whether an error is one that goes away when the peer is up and can be
// reached, and nobody need do anything. Whatever the peer has said is none.
func passes(err error) bool {
	var operation *net.OpError
	if errors.As(err, &operation) {
		switch operation.Op {
		case "dial", "read":
			return true
		case "write":
			return !errors.Is(operation.Err, os.ErrDeadlineExceeded) // Then it is there, and takes nothing.
		}
		return false // The others are TLS alerts.
	}
	for _, passing := range []error{errDial, errEnded, errHandshakeTimeout, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}
