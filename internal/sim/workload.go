// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/balsa-raft/raft"
)

// opBytes is the size of the smallest command: the number of the operation.
const opBytes = 8

// workload is the clients. They propose at times of their own, whether or not earlier
// commands have returned.
type workload struct {
	w       *world
	ended   context.Context // it has ended, so that nothing waits
	lastOp  uint64
	pending [nodesMax + 1]int // commands that have not returned, by node
	// pendingBytes are the bytes of those.
	pendingBytes [nodesMax + 1]int

	acked, refused, unknown, lost uint64
	seen                          history
	// served says which nodes have had a command applied since it was cleared.
	served [nodesMax + 1]bool
}

func newWorkload(w *world) *workload {
	ended, end := context.WithCancel(context.Background())
	end()
	return &workload{w: w, ended: ended}
}

// start starts the clients.
func (wl *workload) start() {
	for range wl.w.plan.clients {
		wl.next()
	}
}

func (wl *workload) next() {
	w := wl.w
	each := w.plan.rate / float64(w.plan.clients*w.plan.batch)
	wl.w.after(time.Duration(w.working.ExpFloat64()/each*float64(time.Second)), func() {
		if w.healing {
			return
		}
		n := w.nodes[w.working.IntN(len(w.nodes))]
		for range 1 + w.working.IntN(2*w.plan.batch) {
			wl.propose(n, opBytes+w.working.IntN(w.plan.commandBytes-opBytes+1))
		}
		wl.next()
	})
}

// propose proposes a command on a node. A paused process takes it when it goes on.
func (wl *workload) propose(n *node, size int) {
	if !n.up {
		return
	}
	wl.lastOp++
	op, life := wl.lastOp, n.life
	command := make([]byte, size)
	binary.LittleEndian.PutUint64(command, op)
	w := wl.w
	w.check.Invokes(op)
	wl.seen.invokes(op, int(n.id))
	wl.pending[n.id]++
	wl.pendingBytes[n.id] += size
	err := n.group.ProposeAsync(wl.ended, command, func(result raft.Result, err error) {
		if n.life == life {
			wl.returned(n, op, size, result, err)
		}
	})
	if err != nil {
		wl.returned(n, op, size, raft.Result{}, err)
		return
	}
	w.check.Pending(n.id, wl.pending[n.id], wl.pendingBytes[n.id])
	n.listen()
}

// returned is called with what became of a command.
func (wl *workload) returned(n *node, op uint64, size int, result raft.Result, err error) {
	w := wl.w
	wl.pending[n.id]--
	wl.pendingBytes[n.id] -= size
	err = w.plant.outcome(op, err)
	if w.out != nil {
		w.say(n.id, "command %d: %v %v", op, result.LogID, err)
	}
	switch {
	case err == nil:
		wl.acked++
		wl.served[n.id] = true
		w.progressed()
		w.check.Returns(op, result.LogID, binary.LittleEndian.Uint64(result.Value))
		wl.seen.returns(op, Applied, binary.LittleEndian.Uint64(result.Value[valueBytes/2:]))
	case errors.Is(err, raft.ErrNotApplied), errors.Is(err, raft.ErrStopped):
		wl.refused++
		w.check.Fails(op)
		wl.seen.returns(op, NotApplied, 0)
	default:
		wl.unknown++
		w.check.StaysUnknown(op)
		wl.seen.returns(op, Unknown, 0)
	}
}

// abandoned is told that a process ended: what was proposed there does not return.
func (wl *workload) abandoned(n *node) {
	wl.lost += uint64(wl.pending[n.id])
	wl.pending[n.id], wl.pendingBytes[n.id] = 0, 0
}
