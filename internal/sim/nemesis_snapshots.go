// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/balsa-raft/raft/wire"
)

// transferFaults are those that happen in the middle of a transfer, with the odds for each
// chunk, between who sends and who fetches.
var transferFaults = []struct {
	fault Fault
	odds  float64
	do    func(w *world, sender, receiver *node)
}{
	{CrashReceiver, 0.1, func(_ *world, _, receiver *node) { receiver.crash(CrashReceiver, true) }},
	{CrashSender, 0.1, func(_ *world, sender, _ *node) { sender.crash(CrashSender, true) }},
	{CutTransfer, 0.1, (*world).cutTransfer},
	{DeposeSender, 0.1, (*world).deposeSender},
	{SlowSender, 0.1, func(_ *world, sender, _ *node) { sender.slowDown(SlowSender) }},
}

// sendsChunk is told that a part of a snapshot is sent. What happens to the transfer happens
// soon after.
func (w *world) sendsChunk(from, to wire.NodeID) {
	for i := range transferFaults {
		f := &transferFaults[i]
		if w.chance(w.injecting, f.fault, f.odds) {
			w.after(time.Duration(w.injecting.Int64N(4*int64(w.plan.linkDelay))), func() { f.do(w, w.nodes[from-1], w.nodes[to-1]) })
		}
	}
}

func (w *world) cutTransfer(sender, receiver *node) {
	w.cutLinks(CutTransfer, func(from, to wire.NodeID) bool {
		return from == sender.id && to == receiver.id || from == receiver.id && to == sender.id
	})
}

// deposeSender lets the others elect another leader, while the transfer goes on.
func (w *world) deposeSender(sender, receiver *node) {
	w.cutLinks(DeposeSender, func(from, to wire.NodeID) bool {
		return from == sender.id && to != receiver.id || to == sender.id && from != receiver.id
	})
}

// rotSnapshot damages a snapshot of a node, which is down for that. At most a minority is
// without a good one at a time, so that there is always somebody to fetch one from.
func (w *world) rotSnapshot(f Fault) {
	suffix := publishedSuffix
	if f == RotUnfinished {
		suffix = unfinishedSuffix
	}
	n := w.anyNode()
	for i := 0; i < len(w.nodes) && len(n.disk.files(snapshotDir, suffix)) == 0; i++ {
		n = w.nodes[int(n.id)%len(w.nodes)]
	}
	if n.lost || len(n.disk.files(snapshotDir, suffix)) == 0 || f != RotUnfinished && !w.isSpare(n) {
		return
	}
	if n.up {
		n.down(w.injecting.IntN(2) == 0)
	}
	n.disk.damageSnapshot(f)
	n.startSoon()
}

// strand cuts a node off for so long that the others' logs have forgotten what it needs.
func (w *world) strand(f Fault, n *node) {
	var links [][2]wire.NodeID
	for _, other := range w.nodes {
		if other != n {
			links = append(links, [2]wire.NodeID{n.id, other.id}, [2]wire.NodeID{other.id, n.id})
		}
	}
	if len(links) == 0 {
		return
	}
	w.cut(links, true)
	w.fault(f)
	w.say(n.id, "%v", f)
	w.after(logDuration(w.injecting, 4*w.plan.electionTimeout, 60*w.plan.electionTimeout), func() { w.cut(links, false) })
}

// strandLeader leaves a leader alone with commands which will never be committed, and which
// what the others do meanwhile contradicts.
func (w *world) strandLeader() {
	leader := w.leader()
	if leader == nil {
		return
	}
	w.strand(StrandLeader, leader)
	for range 1 + w.injecting.IntN(20) {
		w.work.propose(leader, opBytes)
	}
}
