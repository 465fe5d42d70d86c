// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/balsa/internal/offline"
)

// errDryRun means that nothing was done, because nobody said that it is meant.
var errDryRun = errors.New("this was a dry run, and nothing was changed: with --yes it is done")

// exitDryRun is the exit status of a dry run.
const exitDryRun = 3

// offlineCommands are the commands of docs/rescue.md.
// They are given the command line that they are part of, for the audit record.
func offlineCommands(line []string) []*cobra.Command {
	return []*cobra.Command{recoverCommand(line), inspectCommand(), verifyCommand()}
}

// recoverFlags are the flags of recover.
type recoverFlags struct {
	members      string
	yes, json    bool
	segmentBytes int
	options      offline.Options
}

func recoverCommand(line []string) *cobra.Command {
	f := recoverFlags{options: offline.Options{Args: line}}
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
	members, err := parseMembers("--force-members", f.members)
	if err == nil {
		err = checkDir(f.options.Dir)
	}
	if err != nil {
		return err
	}
	o := f.options
	o.Members, o.SegmentBytes = members, f.segmentBytes
	o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	do := offline.Plan
	if f.yes {
		do = offline.Recover
	}
	report, err := do(o)
	if err != nil && report.Refusal == "" {
		return err
	}
	if err := writeAs(cmd.OutOrStdout(), &report, f.json); err != nil {
		return err
	}
	switch {
	case report.Refusal != "":
		return errors.New(report.Refusal)
	case !f.yes && !report.Done:
		return errDryRun
	}
	return nil
}

func inspectCommand() *cobra.Command {
	return folderCommand(&cobra.Command{
		Use:   "inspect",
		Short: "Tell what there is in a node's folder",
		Long: "Tell what there is in a node's folder: whose it is, what its log, its snapshots and its state reach,\n" +
			"and who the members are. Nothing is changed. While the node runs, it tells whose folder it is.",
		Example: "  balsa inspect --dir data/1",
	}, func(dir string) (texted, string, error) {
		i, err := offline.Inspect(dir)
		return &i, i.Problem, err
	})
}

func verifyCommand() *cobra.Command {
	return folderCommand(&cobra.Command{
		Use:   "verify",
		Short: "Read everything in the folder of a node that does not run, and check it",
		Long: "Read everything in the folder of a node that does not run, and compare it with its checksums: the log,\n" +
			"the snapshots, the state of the disk engine. Every damage is printed, with its place, and\n" +
			"the exit status is 1 if there is any. Nothing is changed.",
		Example: "  balsa verify --dir data/1",
	}, func(dir string) (texted, string, error) {
		v, err := offline.Verify(dir)
		if len(v.Damages) == 0 {
			return &v, "", err
		}
		return &v, fmt.Sprintf("the folder is damaged: %d places", len(v.Damages)), err
	})
}

// texted is what can be written for people.
type texted interface {
	WriteText(out io.Writer) error
}

// folderCommand makes of a description a command that looks at a node's folder, prints what it finds, and ends with
// status 1 if there is a problem with it.
func folderCommand(cmd *cobra.Command, look func(dir string) (found texted, problem string, err error)) *cobra.Command {
	var dir string
	var asJSON bool
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkDir(dir); err != nil {
			return err
		}
		found, problem, err := look(dir)
		if err == nil {
			err = writeAs(cmd.OutOrStdout(), found, asJSON)
		}
		if err == nil && problem != "" {
			err = errors.New(problem)
		}
		return err
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of the node")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	_ = cmd.MarkFlagRequired("dir") // It fails only if there is no such flag.
	return cmd
}

// checkDir wants a folder to have a name: a variable that was not set leaves none.
func checkDir(dir string) error {
	if dir == "" {
		return errors.New("--dir: the folder's name is empty")
	}
	return nil
}

// writeAs writes as JSON, or for people.
func writeAs(out io.Writer, found texted, asJSON bool) error {
	if asJSON {
		return writeJSON(out, found)
	}
	return found.WriteText(out)
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// dumpFolder prints the keys in a folder, and on stderr how far they go.
func dumpFolder(cmd *cobra.Command, dir string, certainly bool) error {
	if err := checkDir(dir); err != nil {
		return err
	}
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
