// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// formed is a cluster on a calm day, whose members all know its leader.
func formed(t *testing.T, size int) *world {
	t.Helper()
	w := newCluster(t, 1, calm, size)
	w.form()
	return w
}

// change asks the leader for a target, and waits until all its members have converged.
func (w *world) change(target wire.Membership) {
	w.tb.Helper()
	w.request(target)
	done := func() bool {
		leader := w.leader()
		return leader != nil && phaseOf(leader.core) == steady && sameMembers(leader.core.membership(), &target) && w.converged()
	}
	if !w.run(20*testElection, done) {
		w.failf("the change does not end: %s\n%s", w.unconverged(), w.dump())
	}
}

// request asks the leader for a target, and waits for the answer.
func (w *world) request(target wire.Membership) {
	w.tb.Helper()
	accepted, n := w.changes.answered[ChangeAccepted], w.leader()
	n.take(ChangeRequested{Target: target})
	if w.run(testElection, func() bool { return n.changes == 0 }); w.changes.answered[ChangeAccepted] == accepted {
		w.failf("the change is refused: %v\n%s", w.changes.answered, w.dump())
	}
}
