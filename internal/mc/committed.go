// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
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
	// What was there before the step was counted by the membership of before: a commit may lead
	// to the next membership at once.
	before := min(int(applied), len(t.old.log))
	if before > int(t.old.applied) && t.old.status.Role == core.Leader {
		if detail := t.commitsWith(t.is.log[:before], t.m.inEffect(t.old.log)); detail != "" || before == int(applied) {
			return detail
		}
	}
	return t.commitsWith(t.is.log[:applied], t.m.inEffect(t.is.log[:applied]))
}

// commitsWith says what keeps a leader from committing a log in a membership. Who has lost
// its disk may have acknowledged before: it does not vote any more.
func (t *transition) commitsWith(log []slot, of *wire.Membership) string {
	if on := t.durableOn(log) | t.strangersTo(of); !on.isQuorum(of) {
		return fmt.Sprintf("leader %d commits entry %d, which nodes %05b of voters %v %v hold", t.is.id, len(log), on, of.Voters, of.Outgoing)
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
	if t.is.status.Role == core.Leader {
		t.commits(t.is.log[:applied])
	} else if applied > len(committed) {
		return fmt.Sprintf("node %d applies up to %d, which no leader has committed", t.is.id, applied)
	}
	return ""
}

// commits remembers what a leader has committed. That is in its term, though the leader of
// a later one may have done so before: it has it from earlier ones.
func (t *transition) commits(log []slot) {
	term := t.is.status.HardState.Term
	for i, entry := range log {
		switch {
		case i >= len(t.history.committed):
			h := t.remember()
			h.committed, h.terms = append(h.committed, entry), append(h.terms, term)
		case t.history.terms[i] > term:
			t.remember().terms[i] = term
		}
	}
}
