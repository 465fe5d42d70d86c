// SPDX-License-Identifier: Apache-2.0

package sim

// drift makes a clock run faster or slower, by up to a fifth.
func (w *world) drift() {
	n := w.anyNode()
	if n.suspended {
		return
	}
	w.fault(Drift)
	n.setRate(w.now, w.injecting.Int64N(400_000)-200_000)
	if n.isUp() {
		n.retime()
	}
}

func (w *world) burstTimers() {
	n := w.anyNode()
	n.beat = int64(logDuration(w.injecting, w.plan.electionTimeout/50, w.plan.electionTimeout))
	w.later(func() { n.beat = 0 })
}
