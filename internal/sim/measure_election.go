// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/balsa-raft/raft/wire"

// Failover crashes the leader, which does not come back. Took is how long it takes until
// another has committed the first entry of its term, Other until there is another.
func Failover(s Setting, seed uint64) Trial {
	w := s.begin(seed)
	leader := w.leader()
	if leader == nil {
		return w.ended("there is no leader")
	}
	began, committed := w.now, w.check.Committed()
	leader.down(true)
	return w.awaitSuccessor(leader, began, committed)
}

// Stall lets the leader's disk hang for good. Took is how long it takes until another
// leads, Other until that one has committed the first entry of its term.
func Stall(s Setting, seed uint64) Trial {
	w := s.begin(seed)
	leader := w.leader()
	if leader == nil {
		return w.ended("there is no leader")
	}
	leader.stalledUntil = w.now + 2*trialTimeouts*int64(w.plan.electionTimeout)
	trial := w.awaitSuccessor(leader, w.now, 0)
	trial.Took, trial.Other = trial.Other, trial.Took
	return trial
}

// awaitSuccessor waits for another leader, and for what it commits. If committed is zero,
// the old one may still commit something meanwhile.
func (w *world) awaitSuccessor(old *node, began int64, committed wire.Index) Trial {
	term := w.term()
	isSucceeded := func() bool {
		leader := w.leader()
		return leader != nil && leader != old && uint64(leader.view.Term) > term
	}
	if !w.stepUntil(isSucceeded) {
		return w.ended("there is no other leader")
	}
	elected := w.timeouts(began)
	if committed == 0 {
		committed = w.check.Committed()
	}
	if !w.stepUntil(func() bool { return w.check.Committed() > committed }) {
		return w.ended("the new leader commits nothing")
	}
	return Trial{Took: w.timeouts(began), Other: elected}
}

// Steady lets a cluster run for a while, in election time-outs, with the losses and
// faults of the setting. Count is how many terms passed.
func Steady(s Setting, timeouts float64, seed uint64) Trial {
	w := s.begin(seed)
	w.unleash()
	term := w.term()
	w.runFor(timeouts)
	if w.check.Violation() != nil {
		return w.ended("")
	}
	return Trial{Count: int(w.term() - term)}
}
