// SPDX-License-Identifier: Apache-2.0

package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/admin"
	"github.com/balsa-raft/raft/balsa/internal/server"
	"github.com/balsa-raft/raft/snapdir"
	"github.com/balsa-raft/raft/tcp"
	"github.com/balsa-raft/raft/wal"
)

// Node is one node of a balsa cluster. Its methods are called by one goroutine, but
// for Status, Summarize and Failed, which may be called from any.
type Node struct {
	cfg     Config
	opened  time.Time
	log     *wal.Log
	kept    *snapdir.Store
	links   *tcp.Transport
	clients net.Listener
	admins  net.Listener

	// The rest is there from Start on.
	machine engine
	raft    *raft.Node
	group   *raft.Group
	server  *server.Server
	admin   *admin.Server
	failed  chan error
	// shutdown is closed, once, when the admin port was told to end the node.
	shutdown chan struct{}
	once     sync.Once
	// reloading lets one change of settings after the other be made.
	reloading sync.Mutex
}

// Errors that say which of a node's addresses could not be bound. They come with the
// cause.
var (
	// ErrRaftAddress is about Config.RaftAddress.
	ErrRaftAddress = errors.New("node: listen for other nodes")
	// ErrClientAddress is about Config.ClientAddress.
	ErrClientAddress = errors.New("node: listen for clients")
	// ErrAdminAddress is about Config.AdminAddress.
	ErrAdminAddress = errors.New("node: listen for administration")
)

// Listen opens the node's log, which locks its folder, and binds its ports. Nothing is
// served yet. The node must be closed, whether it is started or not.
func Listen(cfg Config) (*Node, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	n := &Node{cfg: cfg, opened: time.Now(), failed: make(chan error, 1), shutdown: make(chan struct{})}
	if err := n.listen(); err != nil {
		return nil, errors.Join(err, n.release())
	}
	return n, nil
}

func (n *Node) listen() (err error) {
	n.log, err = wal.Open(wal.Options{
		Dir: n.cfg.Dir, Cluster: n.cfg.Cluster, Node: n.cfg.ID,
		SegmentBytes: n.cfg.SegmentBytes, Logger: n.cfg.Logger,
	})
	if err != nil {
		return err
	}
	n.kept, err = snapdir.Open(filepath.Join(n.cfg.Dir, snapshotsFolder), snapdir.Options{
		Cluster: n.cfg.Cluster, Node: n.cfg.ID, Logger: n.cfg.Logger,
	})
	if err != nil {
		return err
	}
	if n.machine, err = openEngine(&n.cfg); err != nil {
		return err
	}
	n.links, err = tcp.Listen(tcp.Options{
		Address: n.cfg.RaftAddress, Node: n.cfg.ID, Cluster: n.cfg.Cluster,
		Advertise: n.cfg.Advertise, Incarnation: n.log.Incarnation(), TLS: n.cfg.TLS, Logger: n.cfg.Logger,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRaftAddress, err)
	}
	if n.clients, err = net.Listen("tcp", n.cfg.ClientAddress); err != nil {
		return fmt.Errorf("%w: %w", ErrClientAddress, err)
	}
	if n.cfg.AdminAddress == "" {
		return nil
	}
	if n.admins, err = net.Listen("tcp", n.cfg.AdminAddress); err != nil {
		return fmt.Errorf("%w: %w", ErrAdminAddress, err)
	}
	if n.cfg.AdminTLS != nil {
		n.admins = tls.NewListener(n.admins, admin.ServerTLS(n.cfg.AdminTLS))
	}
	return admin.CheckOpen(n.admins.Addr(), n.cfg.AdminToken != "" || n.cfg.AdminTLS != nil)
}

// Addresses returns where the node listens, with the ports that were chosen where the
// configuration left them open.
func (n *Node) Addresses() Addresses {
	a := Addresses{Raft: n.links.Addr().String(), Client: n.clients.Addr().String()}
	if n.admins != nil {
		a.Admin = n.admins.Addr().String()
	}
	return a
}

// release gives back the folder and the ports.
func (n *Node) release() error {
	var errs []error
	if n.clients != nil {
		errs = append(errs, ignoreClosed(n.clients.Close()))
	}
	if n.admins != nil {
		errs = append(errs, ignoreClosed(n.admins.Close()))
	}
	if n.links != nil {
		errs = append(errs, n.links.Close())
	}
	if n.machine != nil {
		errs = append(errs, n.machine.Close())
	}
	if n.kept != nil {
		errs = append(errs, n.kept.Close())
	}
	if n.log != nil {
		errs = append(errs, n.log.Close())
	}
	return errors.Join(errs...)
}

// ignoreClosed passes over that a server has closed its listener already.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
