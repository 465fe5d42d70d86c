// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"time"

	"github.com/balsa-raft/raft/internal/sim/safety"
)

// Setting is a cluster to measure: how many nodes, and what lies between them. What it
// leaves open is as in production.
type Setting struct {
	Nodes           int
	ElectionTimeout time.Duration
	// WriteStall is how long a write of a leader may take; zero means the usual.
	WriteStall time.Duration
	// Delay is how long a message takes on average, in one direction: at least half of
	// it, at most half as much again. Zero means half a millisecond.
	Delay time.Duration
	// Loss is the share of the messages that are lost.
	Loss float64
	// Rate is how many commands a second clients propose, with any member.
	Rate float64
	// Faults are kinds that happen meanwhile.
	Faults Faults
}

// Trial is what became of one measurement. Which of the values there are, and what they
// mean, the measurements say; durations are in election time-outs.
type Trial struct {
	Took, Other float64
	Count       int
	// Violation is not nil if a promise was broken, or if what was waited for did not
	// happen within trialTimeouts: then the rest says nothing.
	Violation *safety.Violation
}

// trialTimeouts is after how many election time-outs a measurement gives up.
const trialTimeouts = 100

// lossAtFull is the share of messages that Drop takes at an intensity of one.
const lossAtFull = 0.05

// begin returns a cluster with a leader that all follow, and which has committed
// something. The clients have begun.
func (s *Setting) begin(seed uint64) *world {
	w := newWorld(&Options{Seed: seed, shape: s.shape})
	for _, n := range w.nodes {
		w.after(time.Duration(w.scheduling.Int64N(int64(s.ElectionTimeout))), n.start)
	}
	if !w.stepUntil(func() bool { return w.check.Committed() > 1 && w.isFollowed() }) {
		w.check.Report(&safety.Violation{Invariant: livenessL1, Detail: "the cluster does not begin"})
	}
	if s.Rate > 0 {
		w.work.start()
	}
	w.runFor(w.injecting.Float64() * 3) // Somewhere between two heartbeats, and two commands.
	return w
}

func (s *Setting) shape(p *plan) {
	*p = steadyPlan(s.Nodes, s.ElectionTimeout)
	p.faults = s.Faults
	if s.WriteStall > 0 {
		p.writeStall = s.WriteStall
	}
	if s.Delay > 0 {
		p.linkDelay = s.Delay
	}
	if s.Rate > 0 {
		p.rate = s.Rate
	}
	if s.Loss > 0 {
		p.faults, p.intensity = p.faults.With(Drop), s.Loss/lossAtFull
	}
}

// isFollowed reports whether there is a leader, and everybody follows it.
func (w *world) isFollowed() bool {
	leader := w.leader()
	if leader == nil {
		return false
	}
	for _, n := range w.nodes {
		if !n.up || n.view.Term != leader.view.Term || n.view.Commit < leader.view.Commit {
			return false
		}
	}
	return true
}

// runFor lets a number of election time-outs pass.
func (w *world) runFor(timeouts float64) {
	w.runUntil(w.now + int64(timeouts*float64(w.plan.electionTimeout)))
}

// stepUntil lets everything happen until something is the case, which it looks for after
// each event, and reports whether it is.
func (w *world) stepUntil(isSo func() bool) bool {
	last := w.now + trialTimeouts*int64(w.plan.electionTimeout)
	for !isSo() {
		if w.queue.isEmpty() || w.queue.next() > last || w.check.Violation() != nil {
			return false
		}
		w.advance()
	}
	return w.check.Violation() == nil
}

// timeouts is how many election time-outs have passed since a time.
func (w *world) timeouts(since int64) float64 {
	return float64(w.now-since) / float64(w.plan.electionTimeout)
}

// ended is a trial that did not lead to what it waited for.
func (w *world) ended(what string) Trial {
	if v := w.check.Violation(); v != nil {
		return Trial{Violation: v}
	}
	return Trial{Violation: &safety.Violation{
		Invariant: livenessL1, Detail: fmt.Sprintf("%s within %d election time-outs", what, trialTimeouts),
	}}
}
