// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"time"

	"github.com/balsa-raft/raft/internal/sim/safety"
)

// startFailed deals with a process that could not start.
func (n *node) startFailed(err error) {
	w := n.w
	w.say(n.id, "cannot start: %v", err)
	dead := n.disk.dead
	if dead {
		w.fault(n.disk.crashKind)
	}
	n.end()
	if n.disk.ended(err) {
		n.lost = true
		w.broken++
		return
	}
	if !dead && n.disk.isHealthy() {
		w.check.Report(&safety.Violation{Invariant: livenessL1, Detail: fmt.Sprintf("node %d cannot start on a healthy disk: %v", n.id, err)})
	}
	n.startSoon()
}

// startSoon schedules a start.
func (n *node) startSoon() {
	if n.restarting || n.lost {
		return
	}
	n.restarting = true
	delay := logDuration(n.w.injecting, time.Millisecond, 5*n.w.plan.electionTimeout)
	if n.w.healing {
		delay = time.Millisecond
	}
	n.w.after(delay, n.start)
}

// crash ends the process. If the power fails, the disk is left with what it may hold.
func (n *node) crash(kind Fault, power bool) {
	if !n.up {
		return
	}
	n.w.fault(kind)
	n.w.say(n.id, "%v", kind)
	n.down(power)
	n.startSoon()
}

// down ends the process.
func (n *node) down(power bool) {
	if power {
		n.disk.cutPower()
	}
	n.disk.dead = true
	n.end()
	n.disk.ended(nil)
	n.w.net.hungUp(n.id)
	n.w.work.abandoned(n)
}

// end lets go of what the process had.
func (n *node) end() {
	if n.log == nil {
		return
	}
	if err := n.log.Close(); err != nil {
		n.w.say(n.id, "the log ends with %v", err) // Its files are dead; only the lock matters.
	}
	if n.snapshots != nil {
		if err := n.snapshots.dir.Close(); err != nil {
			n.w.say(n.id, "the snapshots end with %v", err)
		}
	}
	n.count()
	n.up, n.paused = false, false
	n.resume()
	n.log, n.snapshots, n.raft, n.group, n.core, n.driver, n.stages = nil, nil, nil, nil, nil, nil, nil
	n.view = safety.View{}
}

// settle deals with what a step did to the process: the power failed, or it gave up.
func (n *node) settle() {
	switch {
	case n.disk.dead:
		kind := n.disk.crashKind
		n.w.fault(kind)
		n.w.say(n.id, "%v, at operation %d of its disk", kind, n.disk.fs.Ops())
		n.down(true)
		n.startSoon()
	case n.group.Err() != nil:
		n.w.say(n.id, "gives up: %v", n.group.Err())
		n.failed()
	}
}

// failed ends a process that gave up, which only a disk that fails is a reason for.
func (n *node) failed() {
	if n.disk.isHealthy() {
		n.w.check.Report(&safety.Violation{Invariant: "I26 error discipline", Detail: fmt.Sprintf("node %d gives up: %v", n.id, n.group.Err())})
	}
	n.down(n.w.storing.IntN(2) == 0)
	n.startSoon()
}
