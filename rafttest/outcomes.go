// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// verifyOutcomes returns what is untrue in what callers were told.
func verifyOutcomes(outcomes []Outcome, applied []Applied) []string {
	v := verifier{places: map[string][]int{}, applied: applied}
	for i := range applied {
		v.places[applied[i].Command] = append(v.places[applied[i].Command], i)
	}
	proposed := map[string]bool{}
	for i := range outcomes {
		v.outcome(&outcomes[i])
		proposed[outcomes[i].Command] = true
	}
	for command := range v.places {
		if !proposed[command] {
			v.problem("%.100q was applied, and nobody proposed it", command)
		}
	}
	v.order()
	return v.problems
}

type verifier struct {
	places       map[string][]int // where a command was applied
	applied      []Applied
	acknowledged []acknowledged
	problems     []string
}

// acknowledged is an outcome with the place where its command was applied.
type acknowledged struct {
	*Outcome
	place int
}

func (v *verifier) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func (v *verifier) outcome(o *Outcome) {
	at := v.places[o.Command]
	if len(at) > 1 {
		v.problem("%.100q was applied %d times", o.Command, len(at))
	}
	switch family := Family(o.Err); family {
	case "applied":
		if len(at) == 0 {
			v.problem("%.100q was acknowledged on member %d, and was not applied", o.Command, o.Node)
			return
		}
		v.acknowledged = append(v.acknowledged, acknowledged{o, at[0]})
		if a := &v.applied[at[0]]; a.LogID != o.Result.LogID || !bytes.Equal(a.Value, o.Result.Value) {
			v.problem("%.100q was applied at %v with value %.100q, and its caller was told %v, %.100q",
				o.Command, a.LogID, a.Value, o.Result.LogID, o.Result.Value)
		}
	case "not applied", "stopped":
		if len(at) > 0 {
			v.problem("%.100q was applied, and its caller was told %v", o.Command, o.Err)
		}
	case "wrong":
		v.problem("%.100q ended with an error of no family, or of several: %v", o.Command, o.Err)
	}
}

// order finds commands that stand before others that had ended when they began. It
// goes through the log once: whatever stands later must not have ended before the
// latest beginning so far.
func (v *verifier) order() {
	slices.SortStableFunc(v.acknowledged, func(a, b acknowledged) int { return a.place - b.place })
	var latest time.Time
	var of string
	last := map[string]time.Time{}
	for _, a := range v.acknowledged {
		if a.Ended.Before(latest) {
			v.problem("%.100q had been acknowledged when %.100q was proposed, and stands behind it", a.Command, of)
		}
		if a.Began.After(latest) {
			latest, of = a.Began, a.Command
		}
		if a.Client != "" {
			if a.Began.Before(last[a.Client]) {
				v.problem("%.100q stands behind a later command of the same client", a.Command)
			}
			last[a.Client] = a.Began
		}
	}
}
