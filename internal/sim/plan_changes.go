// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"math/rand/v2"
)

// changePlan is what a seed says of changes of membership.
type changePlan struct {
	isOn bool
	// spares are how many of the nodes, the last ones, are not members when the group is formed.
	spares int
	// every is how often changes are asked for, in election time-outs.
	every float64
}

// sparesMax is how many nodes may be spare.
const sparesMax = 3

// changeFaults are the kinds that only a run with changes has.
func changeFaults() (set Faults) {
	for f := AddMember; f <= Repair; f++ {
		set = set.With(f)
	}
	return set
}

// drawChanges draws whether the members change, in every other seed, and how many nodes there
// are beside those that form the group.
func (p *plan) drawChanges(r *rand.Rand) {
	p.changes = changePlan{isOn: r.IntN(2) == 0, every: logBetween(r, 2, 20)}
	spares := min(r.IntN(sparesMax+1), nodesMax-p.nodes)
	if !p.changes.isOn {
		p.faults = p.faults.Minus(changeFaults())
		return
	}
	p.changes.spares = spares
	p.nodes += spares
}

func (p *changePlan) String() string {
	if !p.isOn {
		return "off"
	}
	return fmt.Sprintf("every %.0f time-outs, %d spare", p.every, p.spares)
}
