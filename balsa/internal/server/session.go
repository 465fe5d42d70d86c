// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"sync"
	"time"

	"github.com/tidwall/redcon"

	"github.com/balsa-raft/raft/balsa/internal/command"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// session is one client's connection. Its goroutine is redcon's.
type session struct {
	server *Server
	conn   redcon.Conn
	id     int64
	since  time.Time

	// command is working space.
	command kv.Command
	// unflushed counts the bytes of replies since the last flush of large ones.
	unflushed int
	// quit says that the client asked to be disconnected.
	quit bool

	// mu guards what CLIENT LIST of other sessions reads.
	mu   sync.Mutex
	name string
	last string
}

// serve answers all commands that the client has sent.
func (s *session) serve(first redcon.Command, rest []redcon.Command) {
	commands := append([]redcon.Command{first}, rest...)
	for len(commands) > 0 && !s.quit {
		taken := s.serveBatch(commands)
		commands = commands[taken:]
	}
	if s.quit {
		// The client wanted the connection closed, one way or the other.
		_ = s.conn.Close()
	}
}

// serveBatch answers as many commands as make one batch, and returns how many.
func (s *session) serveBatch(commands []redcon.Command) (taken int) {
	b := newBatch(commands)
	for taken < len(commands) && !b.isFull() && !s.quit {
		s.add(b, commands[taken].Args)
		taken++
	}
	s.server.propose(b)
	for _, reply := range b.replies {
		s.conn.WriteRaw(reply)
		s.flushIfLarge(len(reply))
	}
	return taken
}

// flushBytes is how many bytes of replies are written at once.
const flushBytes = 1 << 20

// flushIfLarge keeps a pipeline of large replies from standing in memory twice.
func (s *session) flushIfLarge(written int) {
	if s.unflushed += written; s.unflushed < flushBytes {
		return
	}
	s.unflushed = 0
	// The writer keeps its error, and redcon meets it when it writes on.
	_ = redcon.BaseWriter(s.conn).Flush()
}

// add puts one command into the batch, with its reply if that is known already.
func (s *session) add(b *batch, args [][]byte) {
	spec, err := command.Find(args)
	switch {
	case err != nil && isHTTP(args[0]):
		s.quit = true
		b.answer(redcon.AppendError(nil, protocolError("this is not an HTTP server").Error()))
	case err != nil:
		b.answer(redcon.AppendError(nil, err.Error()))
	case !spec.IsReplicated():
		s.setLast(spec.Name)
		b.answer(s.local(spec, args))
	default:
		s.setLast(spec.Name)
		if err := spec.Parse(args, b.now, &s.command); err != nil {
			b.answer(redcon.AppendError(nil, err.Error()))
			return
		}
		b.propose(&s.command)
	}
}

// isHTTP recognises what a web browser can be made to send here. Its other lines
// could hold commands, so the connection must not be read on.
func isHTTP(name []byte) bool {
	return bytes.EqualFold(name, []byte("post")) || bytes.EqualFold(name, []byte("host:"))
}

func (s *session) setLast(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = name
}
