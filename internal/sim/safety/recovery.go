// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

const (
	recoveredState  = "I25 recovery"
	errorDiscipline = "I26 error discipline"
)

// recovers is I25, in what it means for a member: after a crash the disk holds all that
// a Save had made durable, and of a Save that was going on a number of updates from
// the first on, each of them whole. It makes the disk what was found.
func (d *disk) recovers(node wire.NodeID, hard wire.HardState, compacted wire.LogID, entries []wire.Entry, committed *Committed) *Violation {
	possible := *d
	for i := 0; ; i++ {
		if possible.hard == hard && possible.holds(compacted, entries) {
			d.hard, d.log, d.compacted, d.saving, d.failed = hard, possible.log, possible.compacted, nil, false
			return nil
		}
		if i == len(d.saving) {
			break
		}
		if i == 0 {
			possible.log = slices.Clone(d.log)
		}
		possible.apply(&d.saving[i], committed)
	}
	return violated(recoveredState, "node %d finds %+v and %d entries behind %v on its disk, durable were %+v and entries %d to %d, %d updates were being saved",
		node, hard, len(entries), compacted, d.hard, d.compacted+1, d.last(), len(d.saving))
}

// holds reports whether the disk has just these entries behind this one.
func (d *disk) holds(compacted wire.LogID, entries []wire.Entry) bool {
	s := d.at(compacted.Index)
	if d.compacted != compacted.Index || s.term != compacted.Term || d.last() != compacted.Index+wire.Index(len(entries)) {
		return false
	}
	for i := range entries {
		s = s.before(&entries[i])
		if d.at(compacted.Index+wire.Index(i)+1) != s {
			return false
		}
	}
	return true
}

// apply does what an update says.
func (d *disk) apply(u *wire.Update, committed *Committed) {
	if !u.HardState.IsZero() {
		d.hard = u.HardState
	}
	if u.Reset.Index > 0 {
		d.reset(u.Reset.Index, committed)
	}
	if len(u.Entries) > 0 {
		d.log = d.log[:u.Entries[0].Index-1]
		for i := range u.Entries {
			d.log = append(d.log, d.at(d.last()).before(&u.Entries[i]))
		}
	}
	d.compacted = max(d.compacted, u.Compact)
}

// succeeds is I26: after a Save has failed, no later one succeeds in the same life.
func (d *disk) succeeds(node wire.NodeID) *Violation {
	if d.failed {
		return violated(errorDiscipline, "node %d saves after a Save has failed", node)
	}
	return nil
}
