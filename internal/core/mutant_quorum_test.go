// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// A leader that only learners answer loses its quorum, and that is why it steps down:
// its own disk is in order.
func TestLearnersAreNoQuorum(t *testing.T) {
	m := voters(3)
	for range 4 {
		m = withLearner(m)
	}
	r := newRig(t, diskOf(m, 0, 1))
	r.lead()
	r.sync()
	for begun := r.now; r.now < begun+3*testElection; {
		effects := r.expire()
		if r.core.role != Leader {
			r.wantIn(effects, "Notice QuorumLost")
			return
		}
		for id := wire.NodeID(4); id <= 7; id++ {
			r.receive(id, &wire.HeartbeatReply{Term: 2, Epoch: 1, Match: 2, Accepted: 2})
		}
	}
	t.Fatal("learners keep a leader in office")
}
