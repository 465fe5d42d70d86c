// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/balsa/internal/offline"
)

// errDryRun means that nothing was done, because nobody said that it is meant.
var errDryRun = errors.New("this was a dry run, and nothing was changed: with --yes it is done")

// exitDryRun is the exit status of a dry run.
const exitDryRun = 3

// errDamaged means that something in a folder is not as it was written.
var errDamaged = errors.New("the folder is damaged")

// offlineCommands are the commands of docs/rescue.md.
func offlineCommands() []*cobra.Command {
	return []*cobra.Command{recoverCommand(), inspectCommand(), verifyCommand()}
}

// recoverFlags are the flags of recover.
type recoverFlags struct {
	members      string
	yes, json    bool
	segmentBytes int
	options      offline.Options
}

func recoverCommand() *cobra.Command {
	var f recoverFlags
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Give a cluster that has lost its quorum for good other members, from what one node has",
		Long: "Give a cluster that has lost its quorum for good other members: the nodes that are left of it.\n" +
			"It is run on the folder of each of these, with the same --force-members, before any of them is\n" +
			"started. It goes against the rules by which nothing is ever lost, and is for when nothing else\n" +
			"helps; read docs/rescue.md first. Without --yes it says what it would do and what may be lost,\n" +
			"changes nothing, and exits with status 3. The old folder is kept beside the new one.",
		Example: "  balsa recover --dir data/1 --force-members 1=127.0.0.1:7001\n" +
			"  balsa recover --dir data/1 --force-members 1=127.0.0.1:7001 --cluster-name second --yes",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.Dir, "dir", "", "folder of a node that does not run")
	flags.StringVar(&f.members, "force-members", "", "the voters from now on, as ID=HOST:PORT,...: nodes that still have their data, the same on each")
	flags.StringVar(&f.options.ClusterName, "cluster-name", "", "a new name for the cluster, so that the nodes left out and this one refuse each other; then also for balsa serve")
	flags.BoolVar(&f.yes, "yes", false, "do it")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON")
	flags.IntVar(&f.segmentBytes, "segment-bytes", 0, "size of the new log's files (default: that of package wal)")
	_ = flags.MarkHidden("segment-bytes") // For tests, as that of serve.
	for _, name := range []string{"dir", "force-members"} {
		_ = cmd.MarkFlagRequired(name) // It fails only if there is no such flag.
	}
	return cmd
}

func (f *recoverFlags) run(cmd *cobra.Command) error {
	members, err := parseMembers(f.members)
	if err != nil { // It is about another flag of the same form.
		return errors.New(strings.Replace(err.Error(), "--initial-cluster", "--force-members", 1))
	}
	o := f.options
	o.Members, o.SegmentBytes, o.Args = members, f.segmentBytes, os.Args[1:]
	o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	do := offline.Plan
	if f.yes {
		do = offline.Recover
	}
	report, err := do(o)
	if err != nil && report.Refusal == "" {
		return err
	}
	if err := f.print(cmd.OutOrStdout(), &report); err != nil {
		return err
	}
	switch {
	case report.Refusal != "":
		return errors.New(report.Refusal)
	case !f.yes:
		return errDryRun
	}
	return nil
}

func (f *recoverFlags) print(out io.Writer, report *offline.Report) error {
	if f.json {
		return writeJSON(out, report)
	}
	return report.WriteText(out)
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func inspectCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Tell what there is in a node's folder",
		Long: "Tell what there is in a node's folder: whose it is, what its log, its snapshots and its state reach,\n" +
			"and who the members are. Nothing is changed. While the node runs, it tells whose folder it is.",
		Example: "  balsa inspect --dir data/1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := offline.Inspect(dir)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), &i)
			} else {
				err = i.WriteText(cmd.OutOrStdout())
			}
			if err == nil && i.Problem != "" {
				err = errors.New(i.Problem)
			}
			return err
		},
	}
	registerFolder(cmd, &dir, &asJSON)
	return cmd
}

func verifyCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read everything in the folder of a node that does not run, and check it",
		Long: "Read everything in the folder of a node that does not run, and compare it with its checksums: the log,\n" +
			"the snapshots, the state of the disk engine. Every damage is printed, with its place, and\n" +
			"the exit status is 1 if there is any. Nothing is changed.",
		Example: "  balsa verify --dir data/1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := offline.Verify(dir)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), &v)
			} else {
				err = v.WriteText(cmd.OutOrStdout())
			}
			if err == nil && len(v.Damages) > 0 {
				err = fmt.Errorf("%w: %d places", errDamaged, len(v.Damages))
			}
			return err
		},
	}
	registerFolder(cmd, &dir, &asJSON)
	return cmd
}

func registerFolder(cmd *cobra.Command, dir *string, asJSON *bool) {
	cmd.Flags().StringVar(dir, "dir", "", "folder of the node")
	cmd.Flags().BoolVar(asJSON, "json", false, "print the result as JSON")
	_ = cmd.MarkFlagRequired("dir") // It fails only if there is no such flag.
}

// dumpFolder prints the keys in a folder, and on stderr how far they go.
func dumpFolder(cmd *cobra.Command, dir string, certainly bool) error {
	d, err := offline.WriteDump(dir, certainly, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	note := fmt.Sprintf("the state after entry %d", d.Through)
	if d.Through > d.Committed {
		note += fmt.Sprintf("; what is behind entry %d may never have been acknowledged (leave it out with --certain)", d.Committed)
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), note)
	return err
}
