// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/sim/safety"
)

// What is demanded after the faults, in election time-outs: how long it may take until
// all nodes agree and are quiet, as long as nothing is committed or applied meanwhile and
// in all, and until new commands have returned on each node.
const (
	idleTimeouts = 15
	// awaitSnapshot is how long a member that waits for a snapshot may have to wait for the next
	// attempt, after some that have failed: the library doubles the time up to a minute.
	awaitSnapshot  = 75 * time.Second
	settleTimeouts = 300
	freshTimeouts  = 10
)

const livenessL1 = "L1 progress"

// recover ends all faults and demands that the cluster comes back to life without new
// commands, and then serves new ones on every node. It returns how long the first took.
func (w *world) recover() time.Duration {
	w.heal()
	began := w.now
	if !w.waitSettled() {
		w.stuck("the nodes do not settle")
		return 0
	}
	took := time.Duration(w.now - began)
	w.say(0, "settled after %v", took)
	w.checkSettled()
	w.repairAll()
	w.work.served = [nodesMax + 1]bool{}
	if !w.waitFor(w.isServing, freshTimeouts) || !w.waitSettled() {
		w.stuck(fmt.Sprintf("new commands are not applied: %v", w.work.served))
		return took
	}
	w.checkSettled()
	w.checkMembership()
	return took
}

// waitSettled waits until all is settled. A slow cluster with much to catch up on may
// take its time, as long as it gets on.
func (w *world) waitSettled() bool {
	done := w.progress()
	for idle, all := 0, 0; idle < w.patience(idleTimeouts) && all < w.patience(settleTimeouts); idle, all = idle+1, all+1 {
		if w.waitFor(w.isSettled, 1) {
			return true
		}
		w.unblockChange()
		if now := w.progress(); now > done {
			done, idle = now, 0
		}
	}
	return false
}

// patience is how many election time-outs something may take: more while somebody has to
// wait for a snapshot.
func (w *world) patience(timeouts int) int {
	for _, n := range w.nodes {
		if n.group == nil || n.snapshots == nil {
			continue
		}
		s := n.group.Status()
		waits := s.StateLost || strings.Contains(raft.RestingDriven(n.driver, n.group), "snapshot")
		for _, p := range s.Peers {
			waits = waits || n.view.Leads && p.State == "snapshot"
		}
		if waits {
			return timeouts + int(awaitSnapshot/w.plan.electionTimeout)
		}
	}
	return timeouts
}

// progress is how much all nodes have written, committed and applied, and fetched of
// snapshots.
func (w *world) progress() (sum uint64) {
	for _, n := range w.nodes {
		sum += uint64(n.view.Durable + n.view.Commit + n.view.Applied)
		if n.group != nil {
			sum += n.group.Status().Snapshots.BytesReceived
		}
	}
	return sum
}

// heal ends all faults: the network and the disks work, the clocks go right, and all
// nodes run but those with damaged disks. If only some nodes had formed the group, all do
// now: a first leader that was lost before anybody heard of the group needs that.
func (w *world) heal() {
	w.say(0, "heal")
	w.healing = true
	w.net.heal()
	for _, n := range w.nodes {
		n.slow, n.far, n.beat, n.stalledUntil, n.applyStalledUntil = 1, 1, 0, 0, 0
		n.setRate(w.now, 0)
		n.suspended, n.held = false, false
		d := n.disk
		d.slow, d.full, d.noFiles, d.openFails, d.readsFail = 1, false, false, 0, faultCount
		d.fails, d.crashAt = diskFailure{}, 0
		n.goOn()
		if !n.up {
			w.after(time.Millisecond, n.start)
			continue
		}
		if n.mayInitialize() {
			raft.InitializeDriven(n.driver, n.group, w.members()...)
		}
		n.again() // What waits for a disk that hung need not any longer.
		n.listen()
	}
}

// stuck reports that there is no progress.
func (w *world) stuck(what string) {
	if w.check.Violation() != nil {
		return
	}
	for _, n := range w.nodes {
		what += fmt.Sprintf("; node %d: %+v", n.id, n.view)
		if n.up {
			what += " " + raft.RestingDriven(n.driver, n.group)
		} else {
			what += " down"
		}
	}
	w.check.Report(&safety.Violation{Invariant: livenessL1, Detail: what})
}

// isSettled reports whether all nodes that can run do, one of them leads and has
// committed something, all have the same log and have applied it, and nothing is under way.
func (w *world) isSettled() bool {
	leader := w.leader()
	if leader == nil || !w.isUnchanging(leader) {
		return false
	}
	for _, n := range w.nodes {
		if n.lost || n.up && !leader.hasMember(n.id) {
			continue
		}
		v, l := n.view, leader.view
		if !n.up || v.Term != l.Term || v.Last != l.Last || v.Durable != l.Last || v.Commit != l.Last || v.Applied != l.Last {
			return false
		}
		if w.work.pending[n.id] > 0 || raft.RestingDriven(n.driver, n.group) != "" {
			return false
		}
	}
	return isReplicating(leader)
}

// isReplicating reports whether the leader knows that all who run hold its log.
func isReplicating(leader *node) bool {
	for _, p := range leader.group.Status().Peers {
		if !leader.w.nodes[p.ID-1].lost && leader.hasMember(p.ID) && (p.State != "replicate" || p.MatchIndex != leader.view.Last) {
			return false
		}
	}
	return true
}

// checkSettled lets the checker compare.
func (w *world) checkSettled() {
	var first *node
	for _, n := range w.nodes {
		if n.lost || w.leader() == nil || !w.leader().hasMember(n.id) {
			continue
		}
		w.check.Settled(n.id, n.view)
		if first == nil {
			first = n
		}
		if n.machine.seen() != first.machine.seen() {
			w.check.Report(&safety.Violation{
				Invariant: "I23 final durability",
				Detail:    fmt.Sprintf("the state of node %d is %+v, that of node %d is %+v", n.id, n.machine.seen(), first.id, first.machine.seen()),
			})
		}
		n.checkFiles()
	}
}

// checkFiles demands that no files of snapshots are left but those that are meant to stay:
// those that are kept, and those that others have fetched lately, one that is not
// finished, and one that was damaged. More of the last two may be left by crashes; the next
// snapshot that is begun, or is found to be damaged, removes them.
func (n *node) checkFiles() {
	if n.snapshots == nil {
		return
	}
	names, err := n.disk.mem.ReadDir(snapshotDir)
	count := map[string]int{}
	for _, name := range names {
		count[path.Ext(name)]++
	}
	unfinished, damaged, published := count[unfinishedSuffix], count[damagedSuffix], n.w.plan.snapshots.policy.Keep+aheadKept+n.w.plan.nodes
	if err == nil && count[publishedSuffix] <= published && (damaged <= 1 || !n.snapshots.hasDamaged) && (unfinished <= 1 || !n.snapshots.hasBegun) &&
		max(unfinished, damaged) <= leftoversMax && count[publishedSuffix]+unfinished+damaged == len(names) {
		return
	}
	n.w.check.Report(&safety.Violation{Invariant: "I28 bounded resources", Detail: fmt.Sprintf("node %d keeps %v of snapshots: %v", n.id, names, err)})
}

// leftoversMax is how many files crashes may leave.
const leftoversMax = 6

// aheadKept is how many snapshots may be left that were received and not needed any more.
const aheadKept = 2

// isServing reports whether every node that takes commands has had one applied since it
// was first asked. Nodes that have none under way get one: a client tries again.
func (w *world) isServing() bool {
	all := true
	for _, n := range w.nodes {
		if n.lost || w.leader() != nil && !w.leader().hasMember(n.id) || w.work.served[n.id] || w.plan.disableForwarding && n != w.leader() {
			continue
		}
		all = false
		if w.work.pending[n.id] == 0 {
			w.work.propose(n, opBytes)
		}
	}
	return all && w.leader() != nil
}
