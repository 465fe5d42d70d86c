// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/balsa/internal/admin"
)

// memberCommands are the commands that change the membership. They are the leader's.
func memberCommands() []*cobra.Command {
	return []*cobra.Command{
		changeCommand(),
		memberCommand("add-learner ID=HOST:PORT", "Add a node that receives everything and does not vote", ""),
		memberCommand("add-voter ID=HOST:PORT", "Add a node that votes, as soon as it has caught up", ""),
		memberCommand("promote ID", "Make a learner vote, as soon as it has caught up", ""),
		memberCommand("demote ID", "Make a voter a learner", "Node %s is to vote no more."),
		memberCommand("remove ID", "Remove a member, or give up adding one", "Node %s is to be a member no more."),
		replaceCommand(),
		memberCommand("update-address ID=HOST:PORT", "Say where a member is from now on", ""),
		priorityCommand(),
	}
}

// memberCommand makes a command about one member, which is named by its ID, with its address or
// without. It asks the question, if there is one.
func memberCommand(use, short, question string) *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	name := cmd.Name()
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request, err := memberRequest(name, args[0])
		if err == nil && question != "" {
			err = f.confirm(cmd, fmt.Sprintf(question, args[0])+" Is that meant?")
		}
		if err != nil {
			return err
		}
		return f.change(cmd, name, request)
	}
	f.register(cmd)
	f.registerTimeout(cmd)
	if question != "" {
		f.registerYes(cmd)
	}
	return cmd
}

// memberRequest makes what a command is sent of its argument.
func memberRequest(name, text string) (any, error) {
	switch name {
	case "promote", "demote", "remove":
		id, err := parseID(text)
		return admin.NodeRequest{ID: id}, err
	}
	member, err := parseMember(text)
	return admin.Member{ID: member.ID, Address: member.Address}, err
}

func parseID(text string) (raft.NodeID, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("%q is not the ID of a node, from 1 on", text)
	}
	return raft.NodeID(id), nil
}

// change has the leader change the membership, and says what it is then.
func (f *adminFlags) change(cmd *cobra.Command, name string, request any) error {
	answer, err := f.lead(cmd.Context(), name, request)
	if err != nil {
		return err
	}
	var changed admin.Changed
	return f.print(cmd, answer, &changed, func(w io.Writer) {
		if len(changed.Membership.Voters) == 0 { // The leader that has done it is not there any more.
			fmt.Fprintln(w, "done")
			return
		}
		fmt.Fprintf(w, "done: voters %s", idsOf(changed.Membership.Voters))
		if learners := changed.Membership.Learners; len(learners) > 0 {
			fmt.Fprintf(w, ", learners %s", idsOf(learners))
		}
		fmt.Fprintln(w)
	})
}

func replaceCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: "replace ID ID=HOST:PORT", Short: "Put another node in the place of a member, in one step",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			by, err := parseMember(args[1])
			if err == nil {
				err = f.confirm(cmd, fmt.Sprintf("Node %d is to be a member no more, and node %d in its place. Is that meant?", id, by.ID))
			}
			if err != nil {
				return err
			}
			return f.change(cmd, "replace", admin.ReplaceRequest{ID: id, By: admin.Member{ID: by.ID, Address: by.Address}})
		},
	}
	f.register(cmd)
	f.registerTimeout(cmd)
	f.registerYes(cmd)
	return cmd
}

func priorityCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: "set-priority ID PRIORITY", Short: "Say how much rather than others a member is to lead, from 0, as they begin, to 255",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			priority, err := strconv.ParseUint(args[1], 10, 8)
			if err != nil {
				return fmt.Errorf("%q is not a priority, from 0 to 255", args[1])
			}
			return f.change(cmd, "set-priority", admin.PriorityRequest{ID: id, Priority: uint8(priority)})
		},
	}
	f.register(cmd)
	f.registerTimeout(cmd)
	return cmd
}

// targetFlags name the members that there are to be.
type targetFlags struct {
	voters, learners string
	ifIndex          uint64
	force            bool
}

func (t *targetFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&t.voters, "target", "", "the voters that there are to be, as ID or, if it is no member yet, ID=HOST:PORT, with commas between")
	flags.StringVar(&t.learners, "learners", "", "the learners that there are to be, in the same way")
	flags.Uint64Var(&t.ifIndex, "if-index", 0, "refuse if the index of the membership is another one than balsa members has shown")
	flags.BoolVar(&t.force, "force", false, "do it even if too few of the voters answer now")
	_ = cmd.MarkFlagRequired("target")
}

func (t *targetFlags) request() (admin.TargetRequest, error) {
	voters, err := admin.ParseMembers(t.voters)
	if err != nil {
		return admin.TargetRequest{}, fmt.Errorf("--target: %w", err)
	}
	learners, err := admin.ParseMembers(t.learners)
	if err != nil {
		return admin.TargetRequest{}, fmt.Errorf("--learners: %w", err)
	}
	return admin.TargetRequest{Voters: voters, Learners: learners, IfIndex: raft.Index(t.ifIndex), Force: t.force}, nil
}

func changeCommand() *cobra.Command {
	var f adminFlags
	var t targetFlags
	cmd := &cobra.Command{
		Use: "change --target VOTERS", Short: "Make the members those given, in one step; see balsa plan",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := t.request()
			if err == nil {
				err = f.confirm(cmd, fmt.Sprintf("The voters are to be %s, the learners %q. Is that meant?", t.voters, t.learners))
			}
			if err != nil {
				return err
			}
			return f.change(cmd, "change", request)
		},
	}
	f.register(cmd)
	f.registerTimeout(cmd)
	f.registerYes(cmd)
	t.register(cmd)
	return cmd
}
