// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/balsa/internal/admin"
)

// nodeCommands are the commands about leadership, and about single nodes.
func nodeCommands() []*cobra.Command {
	return []*cobra.Command{
		transferCommand(), stepDownCommand(), initializeCommand(), reloadCommand(),
		nodeCommand("drain", "Tell a node not to lead, until undrain or its next start", ""),
		nodeCommand("undrain", "Let a node lead again", ""),
		nodeCommand("trigger-election", "Have a node try to become leader, which fails while another one leads", ""),
		nodeCommand("shutdown", "End a node gracefully, as SIGTERM does", "The node at %s is to end."),
		snapshotCommand("snapshot", "Have a node take a snapshot now"),
		snapshotCommand("compact", "Have a node take a snapshot now, and forget all of the log that it covers"),
	}
}

// nodeCommand makes a command that a node is told nothing more with.
func nodeCommand(name, short, question string) *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if question != "" {
				if err := f.confirm(cmd, fmt.Sprintf(question, f.addresses)+" Is that meant?"); err != nil {
					return err
				}
			}
			return f.simple(cmd, name, admin.NoRequest{})
		},
	}
	f.registerOne(cmd)
	f.registerTimeout(cmd)
	if question != "" {
		f.registerYes(cmd)
	}
	return cmd
}

// simple has the only node carry out a command that answers nothing but that it is done.
func (f *adminFlags) simple(cmd *cobra.Command, name string, request any) error {
	answer, err := f.command(cmd.Context(), name, request)
	if err != nil {
		return err
	}
	var done admin.Done
	return f.print(cmd, answer, &done, func(w io.Writer) { fmt.Fprintln(w, done.State) })
}

func transferCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: "transfer-leader [ID]", Short: "Hand leadership over, to the voter that is most caught up or to the one given",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var request admin.NodeRequest
			var err error
			if len(args) > 0 {
				if request.ID, err = parseID(args[0]); err != nil {
					return err
				}
			}
			return f.handOver(cmd, "transfer-leader", request)
		},
	}
	f.register(cmd)
	f.registerTimeout(cmd)
	return cmd
}

func stepDownCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: "step-down", Short: "Have the leader hand over to the voter that is most caught up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.handOver(cmd, "step-down", admin.NoRequest{}) },
	}
	f.register(cmd)
	f.registerTimeout(cmd)
	return cmd
}

func (f *adminFlags) handOver(cmd *cobra.Command, name string, request any) error {
	answer, err := f.lead(cmd.Context(), name, request)
	if err != nil {
		return err
	}
	var done admin.HandedOver
	return f.print(cmd, answer, &done, func(w io.Writer) {
		if done.Leader == 0 {
			fmt.Fprintf(w, "handed over; who leads in term %d was not known yet after %.1f ms\n", done.Term, done.Milliseconds)
			return
		}
		fmt.Fprintf(w, "node %d leads in term %d; it took %.1f ms\n", done.Leader, done.Term, done.Milliseconds)
	})
}

func initializeCommand() *cobra.Command {
	var f adminFlags
	var members string
	cmd := &cobra.Command{
		Use: "initialize --members MEMBERS", Short: "Form a new cluster of nodes that were started with --join",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given, err := parseMembers("--members", members)
			if err != nil {
				return err
			}
			var request admin.InitializeRequest
			for _, m := range given {
				request.Members = append(request.Members, admin.Member{ID: m.ID, Address: m.Address})
			}
			return f.simple(cmd, "initialize", request)
		},
	}
	f.registerOne(cmd)
	f.registerTimeout(cmd)
	cmd.Flags().StringVar(&members, "members", "", "all nodes that form the cluster, as ID=HOST:PORT,...: it is enough to tell one of them; if several are told, the same")
	_ = cmd.MarkFlagRequired("members")
	return cmd
}

func reloadCommand() *cobra.Command {
	var f adminFlags
	var level string
	var rate, trailing, pending int
	var trailingBytes, retained int64
	cmd := &cobra.Command{
		Use: "reload", Short: "Change settings of a node while it runs, until its next start", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.simple(cmd, "reload", admin.ReloadRequest{
				LogLevel: given(cmd, "log-level", &level), SnapshotRate: given(cmd, "snapshot-rate", &rate),
				TrailingEntries: given(cmd, "snapshot-trailing-entries", &trailing), TrailingBytes: given(cmd, "snapshot-trailing-bytes", &trailingBytes),
				RetainBytesMax: given(cmd, "snapshot-retain-bytes", &retained), PendingBytesMax: given(cmd, "pending-bytes", &pending),
			})
		},
	}
	f.registerOne(cmd)
	f.registerTimeout(cmd)
	flags := cmd.Flags()
	flags.StringVar(&level, "log-level", "", "least level of what is logged: debug, info, warn or error")
	flags.IntVar(&rate, "snapshot-rate", 0, "most bytes of snapshots a second to send to other nodes, 0 for no bound")
	flags.IntVar(&trailing, "snapshot-trailing-entries", 0, "log entries to keep behind a snapshot, from the next one on")
	flags.Int64Var(&trailingBytes, "snapshot-trailing-bytes", 0, "the same in bytes; as many are kept as are within both")
	flags.Int64Var(&retained, "snapshot-retain-bytes", 0, "most bytes of log entries to keep for nodes that lag")
	flags.IntVar(&pending, "pending-bytes", 0, "most bytes of commands that the node takes and has not answered yet (at its start: 64 MiB)")
	cmd.MarkFlagsOneRequired("log-level", "snapshot-rate", "snapshot-trailing-entries", "snapshot-trailing-bytes", "snapshot-retain-bytes", "pending-bytes")
	return cmd
}

// given returns the value of a flag, nil if it was not given.
func given[T any](cmd *cobra.Command, name string, value *T) *T {
	if !cmd.Flags().Changed(name) {
		return nil
	}
	return value
}

func snapshotCommand(name, short string) *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			answer, err := f.command(cmd.Context(), name, admin.NoRequest{})
			if err != nil {
				return err
			}
			var taken admin.Snapshot
			return f.print(cmd, answer, &taken, func(w io.Writer) {
				fmt.Fprintf(w, "snapshot %s: %d bytes, the state after entry %d of term %d\n", taken.ID, taken.Bytes, taken.Index, taken.Term)
			})
		},
	}
	f.registerOne(cmd)
	return cmd
}
