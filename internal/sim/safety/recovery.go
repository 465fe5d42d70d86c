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
// the first on, each of them whole. It makes the disk what was found, which is log.
func (d *disk) recovers(node wire.NodeID, hard wire.HardState, log []slot) *Violation {
	possible := *d
	for i := 0; ; i++ {
		if possible.hard == hard && slices.Equal(possible.log, log) {
			d.hard, d.log, d.saving, d.failed = hard, possible.log, nil, false
			return nil
		}
		if i == len(d.saving) {
			break
		}
		if i == 0 {
			possible.log = slices.Clone(d.log)
		}
		possible.apply(&d.saving[i])
	}
	return violated(recoveredState, "node %d finds %+v and %d entries on its disk, durable were %+v and %d, %d updates were being saved",
		node, hard, len(log), d.hard, len(d.log), len(d.saving))
}

// chained appends the slots of a whole log to one that is empty.
func chained(log []slot, entries []wire.Entry) []slot {
	chain := uint64(0)
	for i := range entries {
		chain = chainAfter(chain, &entries[i])
		log = append(log, slot{term: entries[i].Term, chain: chain})
	}
	return log
}

// apply does what an update says.
func (d *disk) apply(u *wire.Update) {
	if !u.HardState.IsZero() {
		d.hard = u.HardState
	}
	if len(u.Entries) == 0 {
		return
	}
	first := u.Entries[0].Index
	d.log = d.log[:first-1]
	chain := d.at(first - 1).chain
	for i := range u.Entries {
		chain = chainAfter(chain, &u.Entries[i])
		d.log = append(d.log, slot{term: u.Entries[i].Term, chain: chain})
	}
}

// succeeds is I26: after a Save has failed, no later one succeeds in the same life.
func (d *disk) succeeds(node wire.NodeID) *Violation {
	if d.failed {
		return violated(errorDiscipline, "node %d saves after a Save has failed", node)
	}
	return nil
}
