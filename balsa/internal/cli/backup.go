// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/kv"
	"github.com/balsa-raft/raft/balsa/internal/node"
)

func backupCommand() *cobra.Command {
	var f adminFlags
	var out string
	cmd := &cobra.Command{
		Use:     "backup",
		Short:   "Write a backup of a running cluster to a file",
		Long:    "Write a backup of a running cluster to a file: the state of one node at one moment, whole\nand consistent, while the node goes on. See also balsa restore.",
		Example: "  balsa backup --admin 127.0.0.1:8001 --out cluster.backup",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			meta, err := backup(cmd.Context(), &f, out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes, the state after entry %d of term %d\n", out, meta.Size, meta.Last.Index, meta.Last.Term)
			return err
		},
	}
	f.registerAddress(cmd)
	cmd.Flags().StringVar(&out, "out", "", "file to write; there must be none of this name")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// backup fetches a backup into a file, which is there only if it is whole.
func backup(ctx context.Context, f *adminFlags, out string) (raft.SnapshotMeta, error) {
	if _, err := os.Lstat(out); err == nil {
		return raft.SnapshotMeta{}, fmt.Errorf("--out: %s is there already", out)
	}
	file, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".unfinished-*")
	if err != nil {
		return raft.SnapshotMeta{}, err
	}
	defer os.Remove(file.Name()) // It has another name by then, or is of no use.
	meta, err := fetchBackup(ctx, f, file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return raft.SnapshotMeta{}, err
	}
	return meta, os.Rename(file.Name(), out)
}

// fetchBackup writes what the node answers, and verifies it on the way.
func fetchBackup(ctx context.Context, f *adminFlags, file io.Writer) (raft.SnapshotMeta, error) {
	body, err := f.open(ctx, "backup")
	if err != nil {
		return raft.SnapshotMeta{}, err
	}
	defer body.Close() // It has been read to its end.
	b, err := raft.OpenBackup(io.TeeReader(body, file))
	if err != nil {
		return raft.SnapshotMeta{}, err
	}
	_, err = io.Copy(io.Discard, b)
	return b.Meta(), err
}

func restoreCommand() *cobra.Command {
	var f serveFlags
	var from string
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Make a node of a new cluster from a backup",
		Long: "Make a node of a new cluster from a backup. It is run for each of the nodes, with the same\n" +
			"backup, the same --initial-cluster and the same --cluster-name, which are then those for\n" +
			"balsa serve, too. Give the cluster a name that the old one did not have, if nodes of that are left.",
		Example: "  balsa restore --from cluster.backup --id 1 --dir new/1 --cluster-name second \\\n" +
			"    --initial-cluster 1=127.0.0.1:7001,2=127.0.0.1:7002,3=127.0.0.1:7003",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, members, err := f.config(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			meta, err := restore(cfg, members, from)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: node %d of a new cluster, %d bytes of state, log begins behind entry %d of term %d\n",
				cfg.Dir, cfg.ID, meta.Size, meta.Last.Index, meta.Last.Term)
			return err
		},
	}
	f.registerIdentity(cmd)
	cmd.Flags().StringVar(&from, "from", "", "file that balsa backup has written")
	_ = cmd.MarkFlagRequired("from")
	_ = cmd.MarkFlagRequired("initial-cluster")
	return cmd
}

func restore(cfg node.Config, members []raft.Member, from string) (raft.SnapshotMeta, error) {
	file, err := os.Open(from)
	if err != nil {
		return raft.SnapshotMeta{}, fmt.Errorf("--from: %w", err)
	}
	defer file.Close() // It is only read.
	return node.Restore(cfg, members, bufio.NewReaderSize(file, 1<<20))
}

func dumpCommand() *cobra.Command {
	var f adminFlags
	var from, dir string
	var certainly bool
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Print all keys of a running node, of a backup, or in a node's folder",
		Long:  "Print all keys, one a line, sorted: key, value and expiry, quoted. Equal states print equally.",
		Example: "  balsa dump --admin 127.0.0.1:8001\n" +
			"  balsa dump --from cluster.backup\n" +
			"  balsa dump --dir data/1",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch given := cmd.Flags().Changed; {
			case certainly && !given("dir"):
				return errors.New("--certain: is about a folder, and --dir names none")
			case given("from"):
				return dumpBackup(cmd.OutOrStdout(), from)
			case given("dir"):
				return dumpFolder(cmd, dir, certainly)
			}
			body, err := f.open(cmd.Context(), "dump")
			if err != nil {
				return err
			}
			defer body.Close() // It has been read to its end.
			_, err = io.Copy(cmd.OutOrStdout(), body)
			return err
		},
	}
	f.registerAddress(cmd)
	cmd.Flags().StringVar(&from, "from", "", "a file that balsa backup has written, instead of a node")
	cmd.Flags().StringVar(&dir, "dir", "", "the folder of a node that does not run, instead of a node: the state with all of its log")
	cmd.Flags().BoolVar(&certainly, "certain", false, "with --dir: only up to what is known there to be committed")
	cmd.MarkFlagsMutuallyExclusive("admin", "from", "dir")
	return cmd
}

func dumpBackup(out io.Writer, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer file.Close() // It is only read.
	b, err := raft.OpenBackup(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return err
	}
	machine := kv.NewMachine()
	if err := machine.Restore(b); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, b); err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	return errors.Join(machine.WriteDump(buffered), buffered.Flush())
}
