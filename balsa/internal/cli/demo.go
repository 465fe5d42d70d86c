// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/balsa/internal/demo"
)

func demoCommand() *cobra.Command {
	cfg := demo.Config{Version: version()}
	level := ""
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a cluster of three nodes that loses its leader",
		Long: "demo runs three nodes in this process, over TCP and with logs on disk in a temporary\n" +
			"folder. Clients write while the leader is killed and comes back. Then everything that\n" +
			"was acknowledged is looked for, and the nodes' states and logs are compared.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Logger = slog.New(slog.DiscardHandler)
			if level != "" {
				var err error
				if cfg.Logger, _, err = newLogger(cmd.ErrOrStderr(), level); err != nil {
					return err
				}
			}
			cfg.Out = cmd.OutOrStdout()
			return demo.Run(cmd.Context(), cfg)
		},
	}
	cmd.Flags().BoolVar(&cfg.Exit, "exit", false, "end after the tour, do not wait for Ctrl-C")
	cmd.Flags().BoolVar(&cfg.JSON, "json", false, "print the result as JSON on the last line")
	cmd.Flags().StringVar(&level, "log-level", "", "log what the nodes have to say from this level on, to stderr (default: nothing)")
	return cmd
}
