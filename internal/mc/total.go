// SPDX-License-Identifier: Apache-2.0

package mc

import "math"

// Total sums up the parts of a scope. Depth is that of the deepest, and Closed says that
// all of them are.
type Total struct {
	Scope      string  `json:"scope"`
	Distinct   uint64  `json:"distinct"`
	Generated  uint64  `json:"generated"`
	Depth      int     `json:"depth"`
	Closed     bool    `json:"closed"`
	Violations int     `json:"violations"`
	Seconds    float64 `json:"seconds"`
	// Answers is how often the core was asked: the rest is combination.
	Answers int `json:"answers"`
	// Collision bounds the probability that two states were taken for one anywhere.
	Collision float64  `json:"collision_probability"`
	Parts     []Report `json:"parts"`
}

// Add takes in the report on a part.
func (t *Total) Add(r Report) {
	t.Distinct += r.Distinct
	t.Generated += r.Generated
	t.Depth = max(t.Depth, r.Depth)
	t.Closed = t.Closed && r.Closed
	t.Violations += r.Violations
	t.Seconds += r.Seconds
	t.Answers += r.Answers
	t.Collision += math.Exp2(-129) * float64(r.Distinct) * float64(r.Distinct)
	t.Parts = append(t.Parts, r)
}
