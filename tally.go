// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// tally says who of the voters answers.
type tally struct {
	// parts say it for each of the sets of voters that decide.
	parts   []string
	missing []NodeID
	// spare is how many more may fail, -1 if too few answer.
	spare int
}

func (e *explainer) tally(answers func(NodeID) bool) tally {
	m := &e.s.Membership
	if m.IsJoint() {
		return tallyOf(answers, m.Voters, m.Outgoing)
	}
	return tallyOf(answers, m.Voters)
}

// tallyOf counts in each of the sets of voters.
func tallyOf(answers func(NodeID) bool, sets ...[]NodeID) tally {
	t := tally{spare: math.MaxInt}
	for _, voters := range sets {
		q := PlanQuorum{Voters: voters, Needs: len(voters)/2 + 1}
		for _, id := range voters {
			if answers(id) {
				q.Answering = append(q.Answering, id)
			} else if !slices.Contains(t.missing, id) {
				t.missing = append(t.missing, id)
			}
		}
		t.spare = min(t.spare, q.spare())
		t.parts = append(t.parts, sentenceOf(&q))
	}
	return t
}

// sentenceOf says who of a set of voters answers.
func sentenceOf(q *PlanQuorum) string {
	if len(q.Voters) == 1 && len(q.Answering) == 1 {
		return fmt.Sprintf("Node %d is the only voter, so that none may fail.", q.Voters[0])
	}
	if len(q.Voters) == 1 {
		return fmt.Sprintf("Node %d is the only voter, and does not answer.", q.Voters[0])
	}
	verb := "answer"
	if len(q.Answering) <= 1 {
		verb = "answers"
	}
	text := fmt.Sprintf("Of the voters %s, %s %s", idList(q.Voters), nodeList(q.Answering), verb)
	switch spare := len(q.Answering) - q.Needs; {
	case spare < 0:
		return fmt.Sprintf("%s; %d are needed.", text, q.Needs)
	case spare == 0:
		return fmt.Sprintf("%s; %d are needed, so that none may fail.", text, q.Needs)
	default:
		return fmt.Sprintf("%s; %d are needed, so that %d may fail.", text, q.Needs, spare)
	}
}

// sentence says it for all sets that decide.
func (t *tally) sentence() string { return strings.Join(t.parts, " ") }
