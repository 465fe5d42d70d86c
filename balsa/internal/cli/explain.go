// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/balsa/internal/admin"
)

// explained is what one node says, or why it says nothing.
type explained struct {
	Address string `json:"address"`
	admin.Explanation
	Error string `json:"error,omitempty"`
}

func explainCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use: "explain", Short: "Say in words what is the matter, the gravest first, and what to do",
		Long: "Say in words what is the matter, the gravest first, and what to do: why there is no leader, why\n" +
			"a member is behind, what a change waits for. Give the admin addresses of all nodes, and each is\n" +
			"asked: only the leader knows about the others, and without one each knows only what it hears.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.explain(cmd) },
	}
	f.register(cmd)
	return cmd
}

func (f *adminFlags) explain(cmd *cobra.Command) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	var all []explained
	answered := false
	for _, address := range client.Addresses {
		e := explained{Address: address}
		answer, err := client.Look(cmd.Context(), address, "explain")
		if err == nil {
			err = json.Unmarshal(answer.Text, &e.Explanation)
		}
		if err != nil {
			e.Error = err.Error()
		}
		answered = answered || err == nil
		all = append(all, e)
	}
	if f.json {
		err = writeJSON(cmd.OutOrStdout(), all)
	} else {
		buffered := bufio.NewWriter(cmd.OutOrStdout())
		for i := range all {
			printExplained(buffered, &all[i])
		}
		err = buffered.Flush()
	}
	if err == nil && !answered {
		err = errors.New("no node answers: see that they run, and --admin")
	}
	return err
}

func printExplained(w io.Writer, e *explained) {
	if e.Error != "" {
		fmt.Fprintf(w, "%s does not answer: %s\n", e.Address, e.Error)
		return
	}
	fmt.Fprintf(w, "node %d (%s):\n", e.Node, e.Address)
	for _, f := range e.Findings {
		fmt.Fprintf(w, "  %s: %s\n", f.Severity, f.What)
		if f.Advice != "" {
			fmt.Fprintf(w, "    -> %s\n", f.Advice)
		}
	}
}
