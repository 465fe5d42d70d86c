// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/admin"
)

// lookCommands are the commands that change nothing.
func lookCommands() []*cobra.Command {
	return []*cobra.Command{statusCommand(), membersCommand(), planCommand(), explainCommand()}
}

func statusCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: "status", Short: "Show what a node knows of itself and its group", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			answer, err := f.first(cmd.Context(), "status")
			if err != nil {
				return err
			}
			var s admin.Status
			return f.print(cmd, answer, &s, func(w io.Writer) { printStatus(w, &s) })
		},
	}
	f.register(cmd)
	return cmd
}

// first asks the nodes in turn until one answers.
func (f *adminFlags) first(ctx context.Context, path string) (admin.Answer, error) {
	client, err := f.client()
	if err != nil {
		return admin.Answer{}, err
	}
	var problems []error
	for _, address := range client.Addresses {
		answer, err := client.Look(ctx, address, path)
		if err == nil {
			return answer, nil
		}
		problems = append(problems, fmt.Errorf("%s: %w", address, err))
	}
	return admin.Answer{}, errors.Join(problems...)
}

func printStatus(w io.Writer, s *admin.Status) {
	table := newTable(w)
	defer table.Flush()
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("node", "%d, balsa %s, up for %v", s.Node, s.Version, (time.Duration(s.UptimeSeconds) * time.Second))
	row("role", "%s in term %d", s.Role, s.Term)
	row("leader", "%s", known(s.Leader))
	row("voters", "%s", idsOf(s.Membership.Voters))
	row("learners", "%s", idsOf(s.Membership.Learners))
	row("log", "from %d to %d, durable through %d", s.FirstIndex, s.LastIndex, s.DurableIndex)
	row("committed", "through %d", s.CommitIndex)
	row("applied", "through %d", s.AppliedIndex)
	row("snapshot", "through %d", s.SnapshotIndex)
	row("keys", "%d", s.Keys)
	row("disk", "the last write took %.1f ms, the slowest of late %.1f ms", s.Disk.Last, max(s.Disk.Slowest, s.Disk.Underway))
	row("queues", "%d of %d bytes of commands, %d bytes of messages, %d bytes for the disk",
		s.Queues.ProposalBytes, s.Queues.ProposalBytesMax, s.Queues.MessageBytes, s.Queues.WriteBytes)
	for _, note := range []struct {
		isSo       bool
		name, text string
	}{
		{s.RemovedAt != 0, "removed", fmt.Sprintf("from the group, by the entry at index %d", s.RemovedAt)},
		{s.LostDisk, "lost disk", "it does not vote, see balsa explain"},
		{s.StateLost, "lost state", "it waits for a snapshot from the leader"},
		{s.Forming, "forming", "all of the first members have to answer before there is a leader"},
		{s.Drained, "drained", "it is not to lead, until balsa undrain"},
		{s.Transferring != 0, "handing over", fmt.Sprintf("to node %d", s.Transferring)},
		{s.Failure != "", "failure", s.Failure},
	} {
		if note.isSo {
			row(note.name, "%s", note.text)
		}
	}
}

func known(id raft.NodeID) string {
	if id == 0 {
		return "unknown"
	}
	return fmt.Sprint("node ", id)
}

// newTable aligns columns that have tabs between them.
func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

func idsOf(ids []raft.NodeID) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = fmt.Sprint(id)
	}
	return cmp.Or(strings.Join(parts, ","), "-")
}

func membersCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: "members", Short: "Show the members, and on the leader how far each has come", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			answer, members, err := f.members(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd, answer, &members, func(w io.Writer) { printMembers(w, &members) })
		},
	}
	f.register(cmd)
	return cmd
}

// members asks all nodes, and returns what the leader says or, if none of them leads, what the
// first says that answers.
func (f *adminFlags) members(ctx context.Context) (best admin.Answer, members admin.Members, err error) {
	client, err := f.client()
	if err != nil {
		return best, members, err
	}
	var problems []error
	for _, address := range client.Addresses {
		answer, err := client.Look(ctx, address, "members")
		var m admin.Members
		if err == nil {
			err = json.Unmarshal(answer.Text, &m)
		}
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", address, err))
		case m.Leader == m.Node && m.Node != 0:
			return answer, m, nil
		case best.Text == nil:
			best, members = answer, m
		}
	}
	if best.Text == nil {
		return best, members, errors.Join(problems...)
	}
	return best, members, nil
}

func printMembers(w io.Writer, m *admin.Members) {
	table := newTable(w)
	fmt.Fprintln(table, "ID\tADDRESS\tROLE\tPRIORITY\tSTATE\tMATCH\tLAG\tSILENT\tCAUGHT UP\tDISK")
	for i := range m.Members {
		member := &m.Members[i]
		state := "-"
		switch {
		case member.State != nil:
			state = *member.State
		case member.Leads:
			state = "leader"
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", member.ID, member.Address, member.Role, member.Priority, state,
			orDash(member.Match, "%d"), orDash(member.Lag, "%d"), orDash(member.Silence, "%.0f ms"),
			yesOrNo(member.CaughtUp, "yes", "no"), yesOrNo(member.LostDisk, "lost", "ok"))
	}
	_ = table.Flush() // What it writes to is the caller's.
	fmt.Fprintf(w, "index %d", m.Index)
	if !m.Committed {
		fmt.Fprint(w, ", not committed yet")
	}
	if m.Changing {
		fmt.Fprint(w, ", a change is under way")
	}
	if m.Leader != m.Node {
		fmt.Fprintf(w, "; this is what node %d knows, leader: %s", m.Node, known(m.Leader))
	}
	fmt.Fprintln(w)
}

func orDash[T any](value *T, format string) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprintf(format, *value)
}

func yesOrNo(value *bool, yes, no string) string {
	switch {
	case value == nil:
		return "-"
	case *value:
		return yes
	}
	return no
}
