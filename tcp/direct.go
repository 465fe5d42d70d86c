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
func (p *peer) setDirect(raw syscall.RawConn) {
	p.direct.Lock()
	defer p.direct.Unlock()
	p.raw, p.rest, p.frame = raw, nil, 0
}

// writeNow writes what is in the lane, for the caller that became its writer, or has
// it written if that would have to wait.
func (p *peer) writeNow(claim uint64) {
	done := false
	if p.direct.TryLock() { // Else the connection is just beginning or ending.
		done = p.raw != nil && p.lane.isWriter(claim) && p.writeDirectly()
		p.direct.Unlock()
	}
	if !done {
		p.lane.handOver(claim)
	}
}

// directFramesMax bounds how many frames one sender writes for others who send meanwhile.
const directFramesMax = 2

// writeDirectly reports whether all was written, and the caller is no writer any more.
// What is not written is left for the connection's goroutine.
func (p *peer) writeDirectly() bool {
	for range directFramesMax {
		messages := p.lane.take(p.spare)
		if messages == nil {
			return true
		}
		frame, taken, size := p.encode(messages)
		fits := taken == len(messages) && len(frame) <= directBytesMax
		n := 0
		if fits {
			n = writeWithoutWaiting(p.raw, frame)
		}
		if !fits || n < len(frame) {
			p.rest, p.frame = frame[n:], size
			p.lane.putBack(messages[taken:])
			p.spare = nil
			return false
		}
		p.lane.release(size)
		clear(messages)
		p.spare = messages
	}
	return false
}
