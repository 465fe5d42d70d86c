// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/node"
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
	join           bool
	adminToken     string
	adminTLS       bool
	tls            tlsFlags
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
			if err == nil {
				err = f.checkRanges()
			}
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, members)
		},
	}
	f.register(cmd)
	cmd.MarkFlagsOneRequired("initial-cluster", "join")
	return cmd
}

// registerIdentity registers the flags that say which node of which cluster it is.
func (f *serveFlags) registerIdentity(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Uint64Var(&f.id, "id", 0, "this node's ID, from 1 on")
	flags.StringVar(&f.node.Dir, "dir", "", "folder for this node's data")
	flags.StringVar(&f.initialCluster, "initial-cluster", "", "all nodes that form the cluster, as ID=HOST:PORT,..., the same on each")
	flags.StringVar(&f.clusterName, "cluster-name", "", "name of the cluster; nodes of another name are refused (default: the value of --initial-cluster)")
	flags.IntVar(&f.node.SegmentBytes, "segment-bytes", 0, "size of the log's files (default: that of package wal)")
	_ = flags.MarkHidden("segment-bytes") // For tests: what is written at once must fit a file.
	flags.StringVar(&f.logLevel, "log-level", "info", "least level of what is logged: debug, info, warn or error")
	for _, name := range []string{"id", "dir"} {
		// It fails only if there is no such flag, which a test would show.
		_ = cmd.MarkFlagRequired(name)
	}
}

func (f *serveFlags) register(cmd *cobra.Command) {
	f.registerIdentity(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.join, "join", false, "wait to be added to a cluster that exists; with --cluster-name, and --raft-listen if the node is not in --initial-cluster")
	flags.StringVar(&f.node.Advertise, "advertise", "", "address at which other nodes reach this one (default: this node's in --initial-cluster, or where it listens)")
	flags.StringVar(&f.raftListen, "raft-listen", "", "address to listen on for other nodes (default: this node's in --initial-cluster)")
	flags.StringArrayVar(&f.peerAddresses, "peer-address", nil, "where this node connects to another one, as ID=HOST:PORT, if not at the address in --initial-cluster; repeatable")
	flags.StringVar(&f.node.ClientAddress, "client", "127.0.0.1:6379", "address to serve the Redis protocol on")
	flags.StringVar(&f.node.AdminAddress, "admin", "127.0.0.1:8001", "address to serve administration on over HTTP, empty for none")
	flags.StringVar(&f.adminToken, "admin-token-file", "", "file with the token that the admin port demands; this or --admin-tls is needed unless it is on loopback")
	flags.BoolVar(&f.adminTLS, "admin-tls", false, "make the admin port speak mutual TLS, with the files of --tls-ca, --tls-cert and --tls-key")
	f.tls.register(cmd, "file of the authorities that sign nodes' certificates; makes nodes speak mutual TLS",
		"file of this node's certificate, for the DNS name node-ID", "file of this node's private key")
	flags.DurationVar(&f.node.ElectionTimeout, "election-timeout", time.Second, "how long to go without a leader before an election, the same on all nodes")
	flags.DurationVar(&f.node.RequestTimeout, "request-timeout", 5*time.Second, "how long a client's commands may take")
	flags.IntVar(&f.node.ClientsMax, "max-clients", 1000, "most connections of clients")
	flags.StringVar(&f.node.Engine, "engine", node.EngineMemory, "where the state is kept: memory, with snapshots on disk, or disk")
	f.registerSnapshots(cmd)
}

func (f *serveFlags) registerSnapshots(cmd *cobra.Command) {
	flags, policy := cmd.Flags(), &f.node.Snapshots
	flags.IntVar(&policy.Entries, "snapshot-entries", 100_000, "take a snapshot after so many log entries, 0 for never for this reason")
	flags.Int64Var(&policy.LogBytes, "snapshot-log-bytes", 256<<20, "take a snapshot after so many bytes of log entries, 0 for never for this reason")
	flags.DurationVar(&policy.Interval, "snapshot-interval", time.Hour, "take a snapshot after so much time, 0 for never for this reason")
	flags.IntVar(&policy.TrailingEntries, "snapshot-trailing-entries", 10_000, "log entries to keep behind a snapshot, for nodes that are a little behind")
	flags.Int64Var(&policy.TrailingBytes, "snapshot-trailing-bytes", 64<<20, "the same in bytes; as many are kept as are within both")
	flags.Int64Var(&policy.RetainBytesMax, "snapshot-retain-bytes", 1<<30, "most bytes of log entries to keep for nodes that lag")
	flags.IntVar(&policy.Keep, "snapshot-keep", 2, "snapshots to keep")
	flags.IntVar(&f.node.SnapshotBytesPerSecond, "snapshot-rate", 0, "most bytes of snapshots a second to send to other nodes, 0 for no bound")
}

// config checks the flags and makes a node's configuration and its members of them, none if the
// node is to wait until it is added.
func (f *serveFlags) config(logTo io.Writer) (node.Config, []raft.Member, error) {
	cfg := f.node
	fail := func(err error) (node.Config, []raft.Member, error) { return node.Config{}, nil, err }
	if err := checkDir(cfg.Dir); err != nil {
		return fail(err)
	}
	cfg.ID, cfg.Version = raft.NodeID(f.id), version()
	members, err := f.identify(&cfg)
	if err != nil {
		return fail(err)
	}
	if cfg.PeerAddresses, err = parsePeerAddresses(f.peerAddresses, cfg.ID); err != nil {
		return fail(err)
	}
	cfg.Snapshots = zeroIsNever(cfg.Snapshots)
	if cfg.TLS, err = f.tls.load(); err != nil {
		return fail(err)
	}
	if f.adminTLS && cfg.TLS == nil {
		return fail(errors.New("--admin-tls: needs --tls-ca, --tls-cert and --tls-key"))
	}
	if f.adminTLS {
		cfg.AdminTLS = cfg.TLS
	}
	if cfg.AdminToken, err = readToken(f.adminToken); err != nil {
		return fail(fmt.Errorf("--admin-token-file: %w", err))
	}
	if cfg.Logger, cfg.LogLevel, err = newLogger(logTo, f.logLevel); err != nil {
		return fail(err)
	}
	return cfg, members, nil
}

// identify finds out which node of which cluster this is, and where the others reach it.
func (f *serveFlags) identify(cfg *node.Config) (members []raft.Member, err error) {
	if f.initialCluster != "" {
		if members, err = parseMembers("--initial-cluster", f.initialCluster); err != nil {
			return nil, err
		}
	}
	own, err := addressOf(members, cfg.ID)
	if err != nil && !f.join {
		return nil, err
	}
	cfg.RaftAddress = cmp.Or(f.raftListen, own)
	cfg.Advertise = cmp.Or(cfg.Advertise, own)
	if f.clusterName == "" {
		f.clusterName = nameOf(members)
	}
	switch {
	case f.clusterName == "":
		return nil, errors.New("--join: which cluster to join has to be said with --cluster-name, or --initial-cluster as it was when the cluster was formed")
	case cfg.RaftAddress == "":
		return nil, errors.New("--join: where to listen for other nodes has to be said with --raft-listen")
	}
	cfg.Cluster = raft.NewClusterID(f.clusterName)
	if f.join {
		return nil, nil
	}
	return members, nil
}

// zeroIsNever translates what flags say to what package raft understands, where zero means
// the default.
func zeroIsNever(p raft.SnapshotPolicy) raft.SnapshotPolicy {
	for _, field := range []*int{&p.Entries, &p.TrailingEntries} {
		if *field == 0 {
			*field = -1
		}
	}
	for _, field := range []*int64{&p.LogBytes, &p.TrailingBytes} {
		if *field == 0 {
			*field = -1
		}
	}
	if p.Interval == 0 {
		p.Interval = -1
	}
	return p
}

// newLogger makes a logger, whose level can be changed.
func newLogger(to io.Writer, level string) (*slog.Logger, *slog.LevelVar, error) {
	least := new(slog.LevelVar)
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, nil, fmt.Errorf("--log-level: %w", err)
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: least})), least, nil
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
		case <-n.ShutdownRequested():
			cfg.Logger.Info("node stops, as it was told to over its admin port", "node", cfg.ID)
		case err = <-n.Failed():
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return errors.Join(err, n.Close(closing))
}
