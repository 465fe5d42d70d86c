// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/balsa-raft/raft/internal/vfs"
)

// emptyDisk lets a node come back with an empty disk, if a majority of the voters keep theirs:
// see the package comment. Every other time it lies in wait for the moment in which that would
// do most harm if the node voted all the same.
func (w *world) emptyDisk() {
	if w.injecting.IntN(2) == 0 {
		w.lieInWait(ambushes, 0)
		return
	}
	w.emptyDiskOf(w.anyNode())
}

func (w *world) emptyDiskOf(n *node) bool {
	if n.lost || n.disk.rotten || !w.isSpare(n) {
		return false
	}
	if n.up {
		n.down(true)
	}
	w.fault(EmptyDisk)
	w.say(n.id, "%v", EmptyDisk)
	n.empty()
	n.startSoon()
	return true
}

// empty replaces the disk of a node that is down.
func (n *node) empty() {
	n.disk.mem, n.disk.writes = vfs.NewMem(), [4]place{}
	n.disk.snapshotsHarmed, n.disk.lacksSnapshot = false, false
	n.emptied++
	n.w.check.Empties(n.id)
}

// ambushes is how often lieInWait looks.
const ambushes = 200

// lieInWait looks now and then whether some voter has lacked what was committed already at the
// last look. Then one that holds it loses its disk, and the leader its power for a while: if the
// other two of three could elect a leader now, it would be one that lacks it.
func (w *world) lieInWait(looks int, committed uint64) {
	leader := w.leader()
	if w.healing || looks == 0 || leader == nil {
		return
	}
	var lags, holder *node
	for _, n := range w.nodes {
		switch isVoter := leader.core.Membership().IsVoter(n.id); {
		case !isVoter || n == leader || !n.up:
		case uint64(n.view.Durable) < committed:
			lags = n
		case n.view.Durable >= leader.view.Commit:
			holder = n
		}
	}
	if lags != nil && holder != nil && w.emptyDiskOf(holder) {
		w.say(leader.id, "is down, node %d lags", lags.id)
		leader.down(true)
		w.after(time.Duration(w.injecting.Int64N(10*int64(w.plan.electionTimeout))), leader.start)
		return
	}
	committed = uint64(leader.view.Commit)
	w.after(w.plan.electionTimeout/20+2*w.plan.linkDelay, func() { w.lieInWait(looks-1, committed) })
}
