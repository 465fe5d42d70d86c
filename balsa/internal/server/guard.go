// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net"
	"slices"
	"time"

	"github.com/tidwall/redcon"
)

const (
	// readBytes is how much is read from a client at once.
	readBytes = 16 << 10
	// keptBytes is how large a buffer a connection keeps when it has no use for it.
	keptBytes = 64 << 10
	// writeTimeout is how long a client may leave replies unread. Its connection is
	// closed after that, so that it cannot hold memory for ever.
	writeTimeout = 30 * time.Second
)

// guard is a client's connection that lets only whole commands through, of bounded
// size. What a client can make the server allocate is bounded by what it sent and
// by commandBytesMax. Read is called by one goroutine.
type guard struct {
	net.Conn
	framer framer
	// buf holds what was received and not passed on. Its first ready bytes are whole
	// commands.
	buf   []byte
	ready int
	// failure is why nothing more will be received.
	failure error
}

// Read passes on what belongs to whole commands.
func (g *guard) Read(p []byte) (int, error) {
	for g.ready == 0 {
		if g.failure != nil {
			return 0, g.fail()
		}
		g.receive()
	}
	n := copy(p, g.buf[:g.ready])
	g.ready -= n
	g.buf = g.buf[:copy(g.buf, g.buf[n:])]
	if len(g.buf) == 0 && cap(g.buf) > keptBytes {
		g.buf = nil
	}
	return n, nil
}

func (g *guard) receive() {
	held := len(g.buf)
	g.buf = slices.Grow(g.buf, readBytes)
	n, err := g.Conn.Read(g.buf[held:cap(g.buf)])
	g.buf = g.buf[:held+n]
	g.failure = err
	complete, err := g.framer.scan(g.buf[held:])
	if complete > 0 {
		g.ready = held + complete
	}
	if err != nil {
		g.failure = err
	}
}

// fail tells the client what was wrong with what it sent. All commands before it
// have been answered by now, because redcon writes its replies before it reads on.
func (g *guard) fail() error {
	if err, ok := g.failure.(protocolError); ok {
		// The connection is about to be closed: an error in writing changes nothing.
		_, _ = g.Write(redcon.AppendError(nil, err.Error()))
	}
	return g.failure
}

// Write writes replies, within writeTimeout.
func (g *guard) Write(p []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}
