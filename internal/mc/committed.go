// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"

	"github.com/balsa-raft/raft/internal/core"
)

// commitRule (I8): a leader commits up to an entry of its own term, which a quorum has
// on disk with all before it (§5.4.2).
func (t *transition) commitRule() string {
	status, applied := t.is.status, t.is.applied
	if status.Role != core.Leader || applied <= t.old.applied || int(applied) > len(t.is.log) {
		return ""
	}
	if term := t.is.log[applied-1].term; term != status.HardState.Term {
		return fmt.Sprintf("leader %d of term %d commits entry %d of term %d by counting", t.is.id, status.HardState.Term, applied, term)
	}
	if n := t.durableOn(t.is.log[:applied]); !t.hasQuorum(n) {
		return fmt.Sprintf("leader %d commits entry %d, which %d of %d disks hold", t.is.id, applied, n, len(t.after.nodes))
	}
	return ""
}

// stateMachineSafety (I7, I11): what a member applies is what was committed, and if
// nothing was yet, a leader commits it.
func (t *transition) stateMachineSafety() string {
	applied := int(t.is.applied)
	if applied > len(t.is.log) {
		return fmt.Sprintf("node %d applies up to %d of %s", t.is.id, applied, renderLog(t.is.log))
	}
	committed := t.history.committed
	if n := min(applied, len(committed)); !isPrefix(committed[:n], t.is.log) {
		return fmt.Sprintf("node %d applies %s, committed is %s", t.is.id, renderLog(t.is.log[:applied]), renderLog(committed))
	}
	if applied <= len(committed) {
		return ""
	}
	if t.is.status.Role != core.Leader {
		return fmt.Sprintf("node %d applies up to %d, which no leader has committed", t.is.id, applied)
	}
	h := t.remember()
	for _, entry := range t.is.log[len(committed):applied] {
		h.committed = append(h.committed, entry)
		h.terms = append(h.terms, t.is.status.HardState.Term)
	}
	return ""
}

// committedDurable (I9): a quorum holds all that is committed on disk.
func (t *transition) committedDurable() string {
	if n := t.durableOn(t.history.committed); !t.hasQuorum(n) {
		return fmt.Sprintf("%d of %d disks hold what is committed: %s", n, len(t.after.nodes), renderLog(t.history.committed))
	}
	return ""
}
