// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"

	"github.com/balsa-raft/raft"
)

// Group is the part of raft.Group that the server needs.
type Group interface {
	// ProposeBatch proposes commands in order and returns the results of those
	// applied, with the error of the first that was not.
	ProposeBatch(ctx context.Context, commands [][]byte) ([]raft.Result, error)
	// Status tells the member's view, for INFO, and whether it can serve at all.
	Status() raft.Status
}

// Config says what a server serves. Group is required; a zero field means its default.
type Config struct {
	Group Group
	// Keys returns the number of keys for INFO; nil leaves it out.
	Keys func() int
	// Version is balsa's version, for INFO and HELLO.
	Version string
	// RequestTimeout is how long a batch of commands may take. Default 5 s.
	RequestTimeout time.Duration
	// ClientsMax bounds the connections. Default 1000.
	ClientsMax int
	// Logger gets what a person should know; nil means slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 5 * time.Second
	}
	if c.ClientsMax == 0 {
		c.ClientsMax = 1000
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Server serves the clients of one listener.
type Server struct {
	cfg      Config
	listener *listener
	started  time.Time
	// ctx ends when clients are to be served no longer.
	ctx    context.Context
	cancel context.CancelFunc
	served chan struct{}
	// insideUntil is until when the node is believed to be a member, in Unix nanoseconds. Whoever looks writes it.
	insideUntil atomic.Int64

	mu       sync.Mutex
	sessions map[redcon.Conn]*session
	lastID   int64
	draining bool
	// idle is closed when the server drains and the last session has ended.
	idle chan struct{}
}

// Start serves clients of ln, which the server owns from now on, until Close.
func Start(ln net.Listener, cfg Config) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg.withDefaults(), listener: newListener(ln), started: time.Now(),
		ctx: ctx, cancel: cancel, served: make(chan struct{}),
		sessions: make(map[redcon.Conn]*session), idle: make(chan struct{}),
	}
	go s.serve()
	return s
}

// Addr returns the address that clients connect to.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

func (s *Server) serve() {
	defer close(s.served)
	r := redcon.NewServer("", s.handle, s.accept, s.closed)
	r.AcceptError = s.acceptFailed
	if err := r.Serve(s.listener); err != nil {
		s.cfg.Logger.Error("client server failed", "err", err)
	}
}

// acceptRetryDelay is how long the server waits after it could not accept a
// connection, most likely for want of file descriptors.
const acceptRetryDelay = 100 * time.Millisecond

func (s *Server) acceptFailed(err error) {
	s.cfg.Logger.Warn("client not accepted", "err", err)
	select {
	case <-time.After(acceptRetryDelay):
	case <-s.ctx.Done():
	}
}

func (s *Server) accept(conn redcon.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return false
	case len(s.sessions) >= s.cfg.ClientsMax:
		conn.WriteError("ERR max number of clients reached")
		return false
	}
	s.lastID++
	session := &session{server: s, conn: conn, id: s.lastID, since: time.Now()}
	s.sessions[conn] = session
	conn.SetContext(session)
	return true
}

func (s *Server) handle(conn redcon.Conn, first redcon.Command) {
	conn.Context().(*session).serve(first, conn.ReadPipeline())
}

func (s *Server) closed(conn redcon.Conn, err error) {
	var complaint protocolError
	if errors.As(err, &complaint) {
		s.cfg.Logger.Warn("client closed for what it sent", "client", conn.RemoteAddr(), "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, conn)
	s.closeIfIdle()
}

func (s *Server) closeIfIdle() {
	if s.draining && len(s.sessions) == 0 {
		close(s.idle)
	}
}

// Close stops accepting, lets commands under way finish until ctx ends, and closes
// all connections. No goroutine of the server runs when it returns. It is called once.
func (s *Server) Close(ctx context.Context) error {
	err := s.listener.Close()
	s.drain()
	select {
	case <-s.idle:
	case <-ctx.Done():
		err = fmt.Errorf("server: close: commands were cut off: %w", ctx.Err())
	}
	s.cancel()
	s.listener.release()
	<-s.served
	<-s.idle
	return err
}

// Kill closes all connections at once, whatever they are doing.
func (s *Server) Kill() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// That commands were cut off is what is wanted here.
	_ = s.Close(ctx)
}

// drain makes every session end before it reads again.
func (s *Server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for conn := range s.sessions {
		// The deadline ends a read that waits; if it cannot be set, the connection is
		// broken and its session ends by itself.
		_ = conn.NetConn().SetReadDeadline(time.Unix(1, 0))
	}
	s.closeIfIdle()
}
