// SPDX-License-Identifier: Apache-2.0

package sim

func (n *node) pause(f Fault) {
	if !n.isUp() {
		return
	}
	w, life := n.w, n.life
	w.fault(f)
	w.say(n.id, "%v", f)
	n.paused = true
	w.later(func() {
		if n.life == life {
			n.goOn()
		}
	})
}

// goOn ends a pause.
func (n *node) goOn() {
	if n.up && n.paused {
		n.paused = false
		n.resume()
		n.w.say(n.id, "goes on")
		n.again()
	}
}

func (w *world) pauseLeader() {
	if leader := w.leader(); leader != nil {
		leader.pause(PauseLeader)
	}
}

// slowDown makes everything in a node take longer for a while.
func (n *node) slowDown(f Fault) {
	n.w.fault(f)
	n.slow = 1 << (3 + n.w.injecting.IntN(7))
	n.w.later(func() { n.slow = 1 })
}

func (w *world) stallApply() {
	n := w.anyNode()
	w.fault(StallApply)
	n.applyStalledUntil = w.now + w.duration()
}

// suspend stops a machine, and its clock with it.
func (w *world) suspend() {
	n := w.anyNode()
	if n.isUp() {
		n.setRate(w.now, -million)
		n.suspended = true
		n.pause(Suspend)
	}
}

// resume lets the clock go on after a suspension, from where it stood.
func (n *node) resume() {
	if n.suspended {
		n.suspended = false
		n.setRate(n.w.now, 0)
	}
}

// again lets the stages that were due take their steps after all, now that what kept them
// from that has ended.
func (n *node) again() {
	for _, s := range n.stages {
		if s.due {
			s.due = false
			s.poke()
		}
	}
	n.retime()
}
