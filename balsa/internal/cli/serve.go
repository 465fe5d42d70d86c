// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/node"
	"github.com/balsa-raft/raft/tcp"
)

// startTimeout bounds the forming of the cluster, which waits for the disk only, and
// closeTimeout the graceful end.
const (
	startTimeout = time.Minute
	closeTimeout = 15 * time.Second
)

// serveFlags are the flags of serve.
type serveFlags struct {
	id             uint64
	initialCluster string
	clusterName    string
	raftListen     string
	peerAddresses  []string
	tlsAuthorities string
	tlsCertificate string
	tlsKey         string
	logLevel       string
	node           node.Config
}

func serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run one node of a cluster",
		Example: "  balsa serve --id 1 --dir data/1 \\\n" +
			"    --initial-cluster 1=127.0.0.1:7001,2=127.0.0.1:7002,3=127.0.0.1:7003 \\\n" +
			"    --client 127.0.0.1:6379 --admin 127.0.0.1:8001",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, members, err := f.config(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, members)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *serveFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Uint64Var(&f.id, "id", 0, "this node's ID, from 1 on")
	flags.StringVar(&f.node.Dir, "dir", "", "folder for this node's data")
	flags.StringVar(&f.initialCluster, "initial-cluster", "", "all nodes that form the cluster, as ID=HOST:PORT,..., the same on each")
	flags.StringVar(&f.clusterName, "cluster-name", "", "name of the cluster; nodes of another name are refused (default: the value of --initial-cluster)")
	flags.StringVar(&f.raftListen, "raft-listen", "", "address to listen on for other nodes (default: this node's in --initial-cluster)")
	flags.StringArrayVar(&f.peerAddresses, "peer-address", nil, "where this node connects to another one, as ID=HOST:PORT, if not at the address in --initial-cluster; repeatable")
	flags.StringVar(&f.node.ClientAddress, "client", "127.0.0.1:6379", "address to serve the Redis protocol on")
	flags.StringVar(&f.node.AdminAddress, "admin", "127.0.0.1:8001", "address to serve /status, /state and /healthz on over HTTP, empty for none")
	flags.StringVar(&f.tlsAuthorities, "tls-ca", "", "file of the authorities that sign nodes' certificates; makes nodes speak mutual TLS")
	flags.StringVar(&f.tlsCertificate, "tls-cert", "", "file of this node's certificate, for the DNS name node-ID")
	flags.StringVar(&f.tlsKey, "tls-key", "", "file of this node's private key")
	flags.DurationVar(&f.node.ElectionTimeout, "election-timeout", time.Second, "how long to go without a leader before an election, the same on all nodes")
	flags.DurationVar(&f.node.RequestTimeout, "request-timeout", 5*time.Second, "how long a client's commands may take")
	flags.IntVar(&f.node.ClientsMax, "max-clients", 1000, "most connections of clients")
	flags.IntVar(&f.node.SegmentBytes, "segment-bytes", 0, "size of the log's files (default: that of package wal)")
	flags.StringVar(&f.logLevel, "log-level", "info", "least level of what is logged: debug, info, warn or error")
	for _, name := range []string{"id", "dir", "initial-cluster"} {
		// It fails only if there is no such flag, which a test would show.
		_ = cmd.MarkFlagRequired(name)
	}
	_ = flags.MarkHidden("segment-bytes") // For tests: what is written at once must fit a file.
}

// config checks the flags and makes a node's configuration and its members of them.
func (f *serveFlags) config(logTo io.Writer) (node.Config, []raft.Member, error) {
	cfg := f.node
	fail := func(err error) (node.Config, []raft.Member, error) { return node.Config{}, nil, err }
	members, err := parseMembers(f.initialCluster)
	if err != nil {
		return fail(err)
	}
	cfg.ID, cfg.RaftAddress, cfg.Version = raft.NodeID(f.id), f.raftListen, version()
	own, err := addressOf(members, cfg.ID)
	if err != nil {
		return fail(err)
	}
	if cfg.RaftAddress == "" {
		cfg.RaftAddress = own
	}
	if cfg.PeerAddresses, err = parsePeerAddresses(f.peerAddresses, cfg.ID); err != nil {
		return fail(err)
	}
	if f.clusterName == "" {
		f.clusterName = nameOf(members)
	}
	cfg.Cluster = raft.NewClusterID(f.clusterName)
	if cfg.TLS, err = f.loadTLS(); err != nil {
		return fail(err)
	}
	if cfg.Logger, err = newLogger(logTo, f.logLevel); err != nil {
		return fail(err)
	}
	return cfg, members, f.checkRanges()
}

func (f *serveFlags) checkRanges() error {
	switch {
	case f.node.Dir == "":
		return errors.New("--dir: the folder's name is empty")
	case f.node.ClientAddress == "":
		return errors.New("--client: the address is empty")
	case f.node.ElectionTimeout <= 0:
		return errors.New("--election-timeout: must be more than zero")
	case f.node.RequestTimeout <= 0:
		return errors.New("--request-timeout: must be more than zero")
	case f.node.ClientsMax <= 0:
		return errors.New("--max-clients: must be more than zero")
	}
	return nil
}

func (f *serveFlags) loadTLS() (*tcp.TLSOptions, error) {
	given := 0
	for _, file := range []string{f.tlsAuthorities, f.tlsCertificate, f.tlsKey} {
		if file != "" {
			given++
		}
	}
	switch given {
	case 0:
		return nil, nil
	case 3:
		return tcp.LoadTLS(f.tlsCertificate, f.tlsKey, f.tlsAuthorities)
	}
	return nil, errors.New("--tls-ca, --tls-cert and --tls-key: give all three or none")
}

func newLogger(to io.Writer, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: least})), nil
}

// serve runs a node until ctx ends or the node fails.
func serve(ctx context.Context, cfg node.Config, members []raft.Member) error {
	n, err := node.Listen(cfg)
	if err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err = n.Start(starting, members); err == nil {
		a := n.Addresses()
		cfg.Logger.Info("node serves", "node", cfg.ID, "clients", a.Client, "admin", a.Admin, "raft", a.Raft, "cluster", cfg.Cluster)
		select {
		case <-ctx.Done():
			cfg.Logger.Info("node stops", "node", cfg.ID)
		case err = <-n.Failed():
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return errors.Join(err, n.Close(closing))
}
