// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"github.com/balsa-raft/raft"
)

// Explanation is what /explain answers: see raft.Status.Explain.
type Explanation struct {
	Node     raft.NodeID `json:"node"`
	Findings []Finding   `json:"findings"`
}

// Finding is something that is so, and what to do about it.
type Finding struct {
	// Severity is "problem", "warning" or "info".
	Severity string `json:"severity"`
	Code     string `json:"code"`
	// Node is whom it is about, zero if it is about the group.
	Node   raft.NodeID `json:"node"`
	What   string      `json:"what"`
	Advice string      `json:"advice,omitempty"`
}

func (c *Config) serveExplain(w http.ResponseWriter, _ *http.Request) {
	s := c.Status()
	answer := Explanation{Node: s.ID, Findings: []Finding{}}
	for _, f := range s.Explain() {
		answer.Findings = append(answer.Findings, Finding{Severity: f.Severity.String(), Code: f.Code, Node: f.Node, What: f.What, Advice: f.Advice})
	}
	serveJSON(w, http.StatusOK, answer)
}
