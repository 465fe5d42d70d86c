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
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// Config says what is served. All functions are required and may be called from any
// goroutine.
type Config struct {
	// Status returns the member's view of its group.
	Status func() raft.Status
	// Keys returns the number of keys in the node's state.
	Keys func() int
	// Summarize identifies the node's state.
	Summarize func() kv.Summary
	// Snapshot takes a snapshot now, and returns what it is when it is durable.
	Snapshot func(context.Context) (raft.SnapshotMeta, error)
	// Backup writes a backup of the group.
	Backup func(context.Context, io.Writer) (raft.SnapshotMeta, error)
	// Dump writes the node's state for people.
	Dump func(io.Writer) error
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
}

// Start serves requests on ln, which the server owns from now on, until Close.
func Start(ln net.Listener, cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Server{
		listener: ln, served: make(chan struct{}),
		http: http.Server{
			Handler:     Handler(cfg),
			ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: headerBytesMax,
			ErrorLog:       slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
		},
	}
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

// Close lets requests under way finish until ctx ends, then cuts them off.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("admin: close: %w", errors.Join(err, s.http.Close()))
	}
	<-s.served
	return err
}

// Handler serves what the package's documentation lists.
func Handler(cfg Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", cfg.serveStatus)
	mux.HandleFunc("GET /state", cfg.serveState)
	mux.HandleFunc("GET /healthz", cfg.serveHealth)
	mux.HandleFunc("POST /snapshot", cfg.serveSnapshot)
	mux.HandleFunc("GET /backup", cfg.serveBackup)
	mux.HandleFunc("GET /dump", cfg.serveDump)
	return mux
}

func (c *Config) serveStatus(w http.ResponseWriter, _ *http.Request) {
	serveJSON(w, c.describe())
}

// serveState identifies the node's state. Commands wait while it is hashed.
func (c *Config) serveState(w http.ResponseWriter, _ *http.Request) {
	s := c.Summarize()
	serveJSON(w, State{AppliedIndex: s.Applied, Keys: s.Keys, Hash: s.Hash})
}

func serveJSON(w http.ResponseWriter, answer any) {
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // The client may be gone.
}

// serveHealth says that the node can serve if its group runs and it knows a leader.
func (c *Config) serveHealth(w http.ResponseWriter, _ *http.Request) {
	status := c.Status()
	switch {
	case status.Failure != nil:
		http.Error(w, fmt.Sprintf("stopped: %v", status.Failure), http.StatusServiceUnavailable)
	case status.Leader == 0:
		http.Error(w, "no leader known", http.StatusServiceUnavailable)
	default:
		_, _ = fmt.Fprintln(w, "ok") // The client may be gone.
	}
}
