// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"net"
	"syscall"
)

// directBytesMax is how large a frame may be to be written by whoever sends it.
const directBytesMax = 32 << 10

// directWriter returns the connection for direct writes: writes that never wait, made
// by the sender of a message itself when nobody else is writing. They save waking
// the connection's goroutine, which on an idle connection takes longer than the
// write. It returns nil where that can't be done, as with TLS.
func directWriter(conn *connection) syscall.RawConn {
	plain, ok := conn.Conn.(*net.TCPConn)
	if !ok || !canWriteDirectly {
		return nil
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// setDirect begins or ends direct writes for a connection. When it returns, nobody
// writes directly to the one before.
func (l *link) setDirect(raw syscall.RawConn) {
	l.direct.Lock()
	defer l.direct.Unlock()
	l.raw, l.rest, l.frame = raw, nil, 0
}

// writeNow writes what is in the lane, for the caller that became its writer, or has
// it written if that would have to wait.
func (l *link) writeNow(claim uint64) {
	done := false
	if l.direct.TryLock() { // Else the connection is just beginning or ending.
		done = l.raw != nil && l.lane.isWriter(claim) && l.writeDirectly()
		l.direct.Unlock()
	}
	if !done {
		l.lane.handOver(claim)
	}
}

// directFramesMax bounds how many frames one sender writes for others who send meanwhile.
const directFramesMax = 2

// writeDirectly reports whether all was written, and the caller is no writer any more.
// What is not written is left for the connection's goroutine.
func (l *link) writeDirectly() bool {
	for range directFramesMax {
		messages := l.lane.take(l.spare)
		if messages == nil {
			return true
		}
		frame, taken, size := l.encode(messages)
		fits := taken == len(messages) && len(frame) <= directBytesMax
		n := 0
		if fits {
			n = writeWithoutWaiting(l.raw, frame)
		}
		if !fits || n < len(frame) {
			l.rest, l.frame = frame[n:], size
			l.lane.putBack(messages[taken:])
			l.spare = nil
			return false
		}
		l.lane.release(size)
		clear(messages)
		l.spare = messages
	}
	return false
}
