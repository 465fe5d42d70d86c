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
		nodeCommand("shutdown", "End a node gracefully, as SIGTERM does", "The node is to end."),
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
				if err := f.confirm(cmd, question+" Is that meant?"); err != nil {
					return err
				}
			}
			return f.simple(cmd, name, admin.NoRequest{})
		},
	}
	f.register(cmd)
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
			given, err := parseMembers(members)
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
	f.register(cmd)
	f.registerTimeout(cmd)
	cmd.Flags().StringVar(&members, "members", "", "all nodes that form the cluster, as ID=HOST:PORT,...; if it is sent to several, the same to each")
	_ = cmd.MarkFlagRequired("members")
	return cmd
}

func reloadCommand() *cobra.Command {
	var f adminFlags
	var level string
	var rate int
	cmd := &cobra.Command{
		Use: "reload", Short: "Change settings of a node while it runs, until its next start", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var request admin.ReloadRequest
			if cmd.Flags().Changed("log-level") {
				request.LogLevel = &level
			}
			if cmd.Flags().Changed("snapshot-rate") {
				request.SnapshotRate = &rate
			}
			return f.simple(cmd, "reload", request)
		},
	}
	f.register(cmd)
	f.registerTimeout(cmd)
	cmd.Flags().StringVar(&level, "log-level", "", "least level of what is logged: debug, info, warn or error")
	cmd.Flags().IntVar(&rate, "snapshot-rate", 0, "most bytes of snapshots a second to send to other nodes, 0 for no bound")
	cmd.MarkFlagsOneRequired("log-level", "snapshot-rate")
	return cmd
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
	f.register(cmd)
	return cmd
}
