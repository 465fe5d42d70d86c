// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/sim/safety"
	"github.com/balsa-raft/raft/wire"
)

// recoveredBytes is how much of a log is read at once to be compared.
const recoveredBytes = 16 << 10

// recovered compares what is on the disk with what has to be.
func (n *node) recovered() error {
	state, err := n.log.Load(groupID)
	if err != nil {
		return err
	}
	entries := n.w.found[:0]
	for n.disk.calm(true); state.Compacted.Index+wire.Index(len(entries)) < state.Last; {
		more, err := n.log.Entries(groupID, state.Compacted.Index+wire.Index(len(entries))+1, state.Last, recoveredBytes)
		if err != nil {
			n.disk.calm(false)
			return err
		}
		entries = append(entries, more...)
	}
	n.disk.calm(false)
	n.w.found = entries
	n.w.check.Recovers(n.id, state.HardState, state.Compacted, entries)
	return nil
}

// begins lets the checker see how far the library thinks the node has come.
func (n *node) begins() {
	s := n.group.Status()
	n.observe()
	v := n.view
	v.Applied = s.AppliedIndex
	n.saw(v)
	if s.StateLost {
		n.w.say(n.id, "has lost its state")
	}
	n.w.check.Begins(n.id, v, s.StateLost, n.disk.isHealthy() && !n.disk.snapshotsHarmed)
}

// observe lets the checker see the node after a turn of its loop. What is applied it has
// seen before, when the applier did that.
func (n *node) observe() {
	n.brief = n.core.Brief()
	s := &n.brief
	if s.Role == core.Leader {
		n.w.check.Uses(n.id, n.core.Membership())
	}
	n.watchChange()
	n.saw(safety.View{
		Leads: s.Role == core.Leader, Term: s.HardState.Term,
		Last: s.Last, Durable: s.Durable, Commit: s.Commit, Applied: n.view.Applied,
	})
}

// observeApplied does so after a step of the applier.
func (n *node) observeApplied() {
	v := n.view
	v.Applied = n.group.Status().AppliedIndex
	n.saw(v)
}

func (n *node) saw(v safety.View) {
	if v == n.view {
		return
	}
	if n.w.out != nil && (v.Leads != n.view.Leads || v.Term != n.view.Term) {
		n.w.say(n.id, "%v in term %d, last %d, durable %d, commit %d", n.brief.Role, v.Term, v.Last, v.Durable, v.Commit)
	}
	n.view = v
	n.w.hash = n.w.hash*0x100000001b3 ^ uint64(v.Term)<<32 ^ uint64(v.Commit)<<16 ^ uint64(v.Last)
	n.w.check.Looks(n.id, v)
}
