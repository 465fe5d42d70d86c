// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsa-raft/raft/balsa/internal/admin"
)

func planCommand() *cobra.Command {
	var f adminFlags
	var t targetFlags
	cmd := &cobra.Command{
		Use: "plan --target VOTERS", Short: "Show what balsa change would do, and whether it would be refused",
		Long: "Show what balsa change would do: the memberships on the way, with what decides in each, who\n" +
			"answers, and how many more may fail. The exit status is 1 if the change would be refused.",
		Example: "  balsa plan --target 2,3,4=127.0.0.1:7004",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.plan(cmd, &t) },
	}
	f.register(cmd)
	t.register(cmd)
	f.timeout = 10 * time.Second
	return cmd
}

// errRefused makes the exit status that of a failure. The reasons have been printed.
var errRefused = errors.New("the change would be refused")

func (f *adminFlags) plan(cmd *cobra.Command, t *targetFlags) error {
	request, err := t.request()
	if err != nil {
		return err
	}
	answer, plan, err := f.settledPlan(cmd.Context(), &request)
	if err == nil {
		err = f.print(cmd, answer, &plan, func(w io.Writer) { printPlan(w, &plan) })
	}
	if err == nil && plan.Refusal != "" {
		err = errRefused
	}
	return err
}

// settleInterval is how long settledPlan waits before it asks again.
const settleInterval = 100 * time.Millisecond

// settledPlan asks for a plan, and again for a while if there is nothing against it but that the leader is so new.
func (f *adminFlags) settledPlan(ctx context.Context, request *admin.TargetRequest) (answer admin.Answer, plan admin.Plan, err error) {
	for begun := time.Now(); ; {
		if answer, err = f.lead(ctx, "plan?"+request.Query(), nil); err != nil {
			return answer, plan, err
		}
		plan = admin.Plan{}
		if err := json.Unmarshal(answer.Text, &plan); err != nil {
			return answer, plan, notAnAnswer(&answer, err)
		}
		if !plan.IsTooEarly() || time.Since(begun) >= f.timeout {
			return answer, plan, nil
		}
		select {
		case <-time.After(settleInterval):
		case <-ctx.Done():
			return answer, plan, ctx.Err()
		}
	}
}

func printPlan(w io.Writer, p *admin.Plan) {
	table := newTable(w)
	fmt.Fprintln(table, "STEP\tVOTERS\tLEARNERS\tDECIDES\tANSWER\tMAY FAIL")
	for i := range p.Steps {
		step := &p.Steps[i]
		var voters, decides, answer []string
		for _, q := range step.Quorums {
			voters = append(voters, idsOf(q.Voters))
			decides = append(decides, fmt.Sprintf("%d of %d", q.Needs, len(q.Voters)))
			answer = append(answer, fmt.Sprint(len(q.Answering)))
		}
		fails := fmt.Sprint(step.Tolerates)
		if step.Tolerates < 0 {
			fails = "no quorum"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", step.Name, both(voters), idsOf(step.Membership.Learners), both(decides), both(answer), fails)
	}
	_ = table.Flush() // What it writes to is the caller's.
	for _, n := range p.CatchUp {
		switch {
		case n.CaughtUp:
			fmt.Fprintf(w, "node %d has caught up\n", n.ID)
		default:
			fmt.Fprintf(w, "node %d has to catch up first: it is behind by %d entries\n", n.ID, n.Lag)
		}
	}
	if p.Refusal != "" {
		fmt.Fprintf(w, "refused (%s): %s\n", p.Refusal, strings.Join(p.Reasons, "; "))
		return
	}
	fmt.Fprintf(w, "to do it on the condition that nothing changes meanwhile: --if-index %d\n", p.Index)
}

func both(texts []string) string { return strings.Join(texts, " and ") }
