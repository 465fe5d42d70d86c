// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// Config says what is served. All functions are required and may be called from any
// goroutine.
type Config struct {
	// Group is the node's replica of the group.
	Group Group
	// Status returns the member's view of its group.
	Status func() raft.Status
	// Keys returns the number of keys in the node's state.
	Keys func() int
	// Summarize identifies the node's state.
	Summarize func() kv.Summary
	// Reload changes what can be changed while the node runs.
	Reload func(ReloadRequest) error
	// Shutdown makes the node end gracefully. It does not wait.
	Shutdown func()
	// Dump writes the node's state for people.
	Dump func(io.Writer) error
	// Token has to be shown by who uses the port, unless it is empty.
	Token string
	// Version is balsa's version.
	Version string
	// Started is when the node started.
	Started time.Time
	// Logger gets what a person should know; nil means slog.Default().
	Logger *slog.Logger
}

// Bounds of what a client of the port may take.
const (
	readTimeout    = 10 * time.Second
	writeTimeout   = 10 * time.Second
	idleTimeout    = time.Minute
	headerBytesMax = 16 << 10
)

// Server is a running admin port.
type Server struct {
	http     http.Server
	listener net.Listener
	served   chan struct{}
	// cancel ends the contexts of all requests: those that wait for a change of the
	// membership would otherwise hold up the node's end.
	cancel context.CancelFunc

	mu sync.Mutex
	// mute are the connections on which nothing was asked yet.
	mute map[net.Conn]bool
	// isClosed says that there are to be none any more.
	isClosed bool
}

// Start serves requests on ln, which the server owns from now on, until Close.
func Start(ln net.Listener, cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		listener: ln, served: make(chan struct{}), cancel: cancel, mute: make(map[net.Conn]bool),
		http: http.Server{
			Handler:     Handler(cfg),
			ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: headerBytesMax,
			BaseContext:    func(net.Listener) context.Context { return ctx },
			ErrorLog:       slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
		},
	}
	s.http.ConnState = s.connected
	go func() {
		defer close(s.served)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			cfg.Logger.Error("admin server failed", "err", err)
		}
	}()
	return s
}

// Addr returns the address that the port is bound to.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// connected is told what becomes of connections.
func (s *Server) connected(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.mute, conn)
	case s.isClosed:
		_ = conn.Close() // Nobody is to be served on it.
	default:
		s.mute[conn] = true
	}
}

// hangUp closes the connections on which nothing was asked: net/http waits some seconds for that.
func (s *Server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isClosed = true
	for conn := range s.mute {
		_ = conn.Close() // Nobody is to be served on it.
	}
}

// Close lets requests under way finish until ctx ends, then cuts them off. Those that wait for
// the group are told at once that nobody waits for it any more.
func (s *Server) Close(ctx context.Context) error {
	s.cancel()
	s.hangUp()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("admin: close: %w", errors.Join(err, s.http.Close()))
	}
	<-s.served
	return err
}

// Handler serves what docs/admin.md lists.
func Handler(cfg Config) http.Handler {
	c := &cfg
	r := &router{mux: http.NewServeMux(), methods: make(map[string]string)}
	get := func(name string, serve http.HandlerFunc) { r.handle(http.MethodGet, name, serve) }
	get("status", func(w http.ResponseWriter, _ *http.Request) { serveJSON(w, http.StatusOK, c.describe()) })
	get("state", c.serveState)
	get("healthz", c.serveHealth)
	get("backup", c.serveBackup)
	get("dump", c.serveDump)
	get("members", c.serveMembers)
	get("plan", c.servePlan)
	get("explain", c.serveExplain)
	c.handleCommands(r)
	r.mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		status, wrong := c.Status(), r.misdirected(w, q)
		wrong.Node, wrong.Leader = status.ID, status.Leader
		c.refuse(w, wrong)
	})
	return c.guarded(r.mux)
}

// serveState identifies the node's state. Commands wait while it is hashed.
func (c *Config) serveState(w http.ResponseWriter, _ *http.Request) {
	s := c.Summarize()
	serveJSON(w, http.StatusOK, State{AppliedIndex: s.Applied, Keys: s.Keys, Hash: s.Hash})
}

func serveJSON(w http.ResponseWriter, status int, answer any) {
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // The client may be gone.
}
