// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"io"
	"time"

	"github.com/balsa-raft/raft/internal/sim/safety"
)

// Options says what to run. Only Seed is required.
type Options struct {
	// Seed determines everything.
	Seed uint64
	// Duration is that of the phase with faults; zero means what the seed says.
	Duration time.Duration
	// Nodes is the size of the cluster, at most 7; zero means what the seed says.
	Nodes int
	// Without are faults that are left out though the seed has them, With such that
	// happen though it has not.
	Without, With Faults
	// Long makes the phase with faults one of ten minutes, which the seeds say of one in
	// eight.
	Long bool
	// Standard replaces what the seed says of the cluster and its faults by the setting
	// in which the simulator's speed is stated; see Plan.
	Standard bool
	// History makes the result tell what the clients saw; Forgetful plants a fault that
	// only a look at that can find.
	History, Forgetful bool
	// Transcript gets what happens, line by line, if it is not nil.
	Transcript io.Writer

	plant plant
	// shape changes the plan, for measurements.
	shape func(*plan)
}

// Result is what became of a run.
type Result struct {
	Seed  uint64
	Nodes int
	// Plan says in words what the seed drew.
	Plan string
	// Violation is nil if all went well.
	Violation *safety.Violation
	// Simulated is how much time passed in the run, FaultPhase how much of it with faults.
	Simulated, FaultPhase time.Duration
	// Events is how many things happened.
	Events uint64
	// RefinedSteps is how many turns of loops were explained by the specification.
	RefinedSteps uint64
	// Planned are the kinds of faults that might happen, Useful those that did, with
	// commands acknowledged later.
	Planned, Useful Faults
	// Counts says how often each happened.
	Counts Counts
	// Hash is a checksum over the run: two runs of a seed that differ in anything
	// differ in it.
	Hash uint64
	// Acknowledged, Refused, Unknown and Lost are the commands that were applied, were
	// surely not, may have been as far as the client was told, and never returned
	// because the process ended.
	Acknowledged, Refused, Unknown, Lost uint64
	// History is what the clients saw, in the order of their calls, if that was asked for.
	History []Operation
	// Committed is the length of the log, Term the last term.
	Committed, Term uint64
	// Snapshots says how often what happened about snapshots.
	Snapshots SnapshotCounts
	// Changes says how often what happened about changes of membership.
	Changes ChangeCounts
	// Lost disks are those that were damaged, so that their nodes stayed down.
	LostDisks int
	// Healing is how long it took after the faults until all nodes agreed and were
	// quiet; ElectionTimeout is the seed's.
	Healing, ElectionTimeout time.Duration
}

// SnapshotCounts count snapshots: those a member took of its own state, those whose data were
// all sent, those that took the place of a running member's state, transfers that were given
// up and those that went on where an earlier one had ended, and how often a log has forgotten
// entries.
type SnapshotCounts struct {
	Taken       uint64 `json:"taken"`
	Sent        uint64 `json:"sent"`
	Installed   uint64 `json:"installed"`
	Interrupted uint64 `json:"interrupted"`
	Resumed     uint64 `json:"resumed"`
	Compacted   uint64 `json:"compacted"`
}

// Add adds others.
func (c *SnapshotCounts) Add(other *SnapshotCounts) {
	c.Taken += other.Taken
	c.Sent += other.Sent
	c.Installed += other.Installed
	c.Interrupted += other.Interrupted
	c.Resumed += other.Resumed
	c.Compacted += other.Compacted
}

// count adds up what a process has counted, at its end.
func (n *node) count() {
	if n.group == nil {
		return
	}
	s := n.group.Status().Snapshots
	n.w.snapshots.Add(&SnapshotCounts{Taken: s.Taken, Sent: s.Sent, Interrupted: s.Interrupted, Resumed: s.Resumed})
}

// restored is told that a snapshot's state is now the machine's.
func (n *node) restored() {
	if n.up {
		n.w.snapshots.Installed++
	}
}

// Run runs a seed: first with faults, then without.
func Run(o Options) Result {
	w := newWorld(&o)
	w.say(0, "seed %d: %v", o.Seed, &w.plan)
	for _, n := range w.nodes {
		w.after(time.Duration(w.scheduling.Int64N(int64(w.plan.electionTimeout))), n.start)
	}
	w.work.start()
	w.unleash()
	w.runUntil(int64(w.plan.duration))
	faultPhase := time.Duration(w.now)
	var healing time.Duration
	if w.check.Violation() == nil {
		healing = w.recover()
	}
	if v := w.check.Violation(); v != nil {
		w.say(0, "VIOLATION %v", v)
	}
	for _, n := range w.nodes {
		n.count()
	}
	wl := w.work
	return Result{
		Snapshots: w.snapshots, Changes: w.changes.ChangeCounts,

		Seed: o.Seed, Nodes: w.plan.nodes, Plan: w.plan.String(), Violation: w.check.Violation(),
		Simulated: time.Duration(w.now), FaultPhase: faultPhase, Events: w.events, RefinedSteps: w.refine.steps(),
		Planned: w.plan.faults, Useful: w.useful, Counts: w.counts, Hash: w.hash,
		History:      wl.seen.operations,
		Acknowledged: wl.acked, Refused: wl.refused, Unknown: wl.unknown, Lost: wl.lost,
		Committed: uint64(w.check.Committed()), Term: w.term(), LostDisks: w.broken, Healing: healing, ElectionTimeout: w.plan.electionTimeout,
	}
}

func (w *world) term() uint64 {
	term := uint64(0)
	for _, n := range w.nodes {
		term = max(term, uint64(n.view.Term))
	}
	return term
}

// HealingTimeouts is Healing in election time-outs.
func (r *Result) HealingTimeouts() float64 { return r.Healing.Seconds() / r.ElectionTimeout.Seconds() }
