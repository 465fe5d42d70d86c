// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/balsa-raft/raft"
)

// Plan is what /plan answers: see raft.MembershipPlan. Its parameters are voters and learners, as
// ParseMembers reads them, if_index and force.
type Plan struct {
	Index raft.Index `json:"index"`
	Steps []PlanStep `json:"steps"`
	// CatchUp are those who have to before they vote.
	CatchUp []PlanCatchUp `json:"catch_up"`
	// Refusal is the code of the error that change would end with, empty if it would not.
	Refusal string   `json:"refusal"`
	Reasons []string `json:"reasons"`
}

// IsTooEarly reports whether the change would be refused only because the leader, or the membership, is so new:
// that passes by itself in a moment.
func (p *Plan) IsTooEarly() bool {
	return p.Refusal == CodeTooEarly || p.Refusal == CodeUnderWay && len(p.Steps) > 0 && !p.Steps[0].Membership.isChanging()
}

// PlanStep is one step of a plan.
type PlanStep struct {
	Name       string       `json:"name"`
	Membership Membership   `json:"membership"`
	Quorums    []PlanQuorum `json:"quorums"`
	Tolerates  int          `json:"tolerates"`
}

// PlanQuorum is a set of voters of which a majority decides.
type PlanQuorum struct {
	Voters    []raft.NodeID `json:"voters"`
	Answering []raft.NodeID `json:"answering"`
	Needs     int           `json:"needs"`
}

// PlanCatchUp is a node that has to catch up.
type PlanCatchUp struct {
	ID       raft.NodeID `json:"id"`
	Lag      raft.Index  `json:"lag"`
	CaughtUp bool        `json:"caught_up"`
}

func (c *Config) servePlan(w http.ResponseWriter, r *http.Request) {
	request, err := planRequest(r.URL.Query())
	if err != nil {
		c.refuse(w, err)
		return
	}
	target, err := c.target(&request)
	if err != nil {
		c.refuse(w, err)
		return
	}
	plan, err := c.Group.PlanMembership(target)
	if err != nil {
		c.refuse(w, err)
		return
	}
	serveJSON(w, http.StatusOK, c.describePlan(&plan))
}

func planRequest(query url.Values) (TargetRequest, error) {
	var r TargetRequest
	if err := checkQuery(query, "voters", "learners", "if_index", "force"); err != nil {
		return r, err
	}
	var err error
	if text := query.Get("force"); text != "" {
		r.Force, err = strconv.ParseBool(text)
	}
	if err != nil {
		return r, fmt.Errorf("%w: force: %w", errMalformed, err)
	}
	if r.Voters, err = ParseMembers(query.Get("voters")); err == nil {
		r.Learners, err = ParseMembers(query.Get("learners"))
	}
	if text := query.Get("if_index"); err == nil && text != "" {
		var index uint64
		index, err = strconv.ParseUint(text, 10, 64)
		r.IfIndex = raft.Index(index)
	}
	if err != nil {
		return r, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return r, nil
}

// Query writes what /plan is asked.
func (r *TargetRequest) Query() string {
	values := url.Values{"voters": {FormatMembers(r.Voters)}, "learners": {FormatMembers(r.Learners)}}
	if r.IfIndex != 0 {
		values.Set("if_index", fmt.Sprint(r.IfIndex))
	}
	if r.Force {
		values.Set("force", "true")
	}
	return values.Encode()
}

func (c *Config) describePlan(p *raft.MembershipPlan) Plan {
	plan := Plan{Index: p.Index, Steps: []PlanStep{}, CatchUp: []PlanCatchUp{}, Reasons: append([]string{}, p.Reasons...)}
	for i := range p.Steps {
		step := &p.Steps[i]
		described := PlanStep{Name: step.Name, Membership: describeMembership(&step.Membership), Tolerates: step.Tolerates}
		for _, q := range step.Quorums {
			described.Quorums = append(described.Quorums, PlanQuorum{Voters: orEmpty(q.Voters), Answering: orEmpty(q.Answering), Needs: q.Needs})
		}
		plan.Steps = append(plan.Steps, described)
	}
	for _, n := range p.CatchUp {
		plan.CatchUp = append(plan.CatchUp, PlanCatchUp(n))
	}
	if p.Refusal != nil {
		plan.Refusal = c.failure(p.Refusal).Code
	}
	return plan
}
