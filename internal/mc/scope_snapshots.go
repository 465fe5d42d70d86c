// SPDX-License-Identifier: Apache-2.0

package mc

import "github.com/balsa-raft/raft/wire"

// mc5 is snapshots and compaction. A log is short, and its beginning is early: in most parts
// the first member, or the first two, have forgotten what a snapshot of theirs covers, and
// the last one lags behind that, with a tail that contradicts it or without. All of them may
// lead.
//
// Covered are: taking snapshots of all states that a member comes through, forgetting as
// much of the log as they allow or less, offers that are late, lost, duplicated, of an
// earlier leader or of a leadership that is over when they are made, fetches that end or do
// not, one after the other or at once, logs that are replaced, that end before the
// snapshot, have its last entry or another in its place, crashes before and after each of: a
// snapshot is durable, the core knows, the log begins anew on the disk, entries follow
// it; snapshots that cannot be restored, or are damaged when their member restarts, older
// ones that are used instead, states that are lost and come back, and all of that while
// leaders change. Not covered: see doc.go.
func mc5() Scope {
	return Scope{
		Name:  "mc5",
		About: "snapshots: taken, forgotten for, offered, fetched, restored, damaged",
		Parts: []Part{
			{"a conflicting log and two elections, instant disks", snapshots(behind(overtaken), Bounds{Timeouts: 2, InstantDisk: true})},
			{"a conflicting log and two crashes", snapshots(behind(overtaken), Bounds{Timeouts: 1, Crashes: 2})},
			{"a conflicting log, a crash and a heartbeat", snapshots(behind(overtaken), Bounds{Timeouts: 1, Crashes: 1, Heartbeats: 1})},
			{"a conflicting log, a lost link and a heartbeat", snapshots(behind(overtaken), Bounds{Timeouts: 1, Heartbeats: 1, Unreachables: 1})},
			{"a conflicting log, a command and a duplicate", snapshots(behind(overtaken), Bounds{Timeouts: 1, Proposals: 1, Duplicates: 1, InstantDisk: true})},
			{"an offer of an earlier leader, and a crash", snapshots(offered(overtaken), Bounds{Timeouts: 1, Crashes: 1})},
			{"an offer of an earlier leader, a command and a duplicate", snapshots(offered(overtaken), Bounds{Timeouts: 1, Proposals: 1, Duplicates: 1, InstantDisk: true})},
			{"a command and a first snapshot", snapshots(Bounds{Logs: lagging, Committed: 2}, Bounds{Timeouts: 1, Proposals: 1, Takes: 1, Compactions: 1})},
			{"two elections and a first snapshot, instant disks", snapshots(Bounds{Logs: lagging, Committed: 2}, Bounds{Timeouts: 2, Takes: 1, Compactions: 1, InstantDisk: true})},
			{"a command and two more snapshots, late offers", snapshots(behind(lagging), Bounds{Timeouts: 1, Proposals: 1, Takes: 2, Compactions: 2, LateOffers: true, InstantDisk: true})},
			{"a lost state, another snapshot and a crash", snapshots(behind(lagging), Bounds{Timeouts: 1, StateLosses: 1, Wants: 1, Crashes: 1, Takes: 1, Compactions: 1})},
			{"two members, a lost state and an offer that is too late", snapshots(twoLagging, Bounds{Nodes: 2, Timeouts: 2, StepDowns: 1, StateLosses: 1, Wants: 1, Takes: 1, LateOffers: true, InstantDisk: true})},
			{"two lost states, instant disks", snapshots(behind(lagging), Bounds{Timeouts: 1, StateLosses: 2, Wants: 2, Takes: 1, InstantDisk: true})},
		},
	}
}

// lagging are logs of which the last is shorter; overtaken those whose last is from a leader
// who reached nobody, and was succeeded by another.
var (
	lagging   = [][]wire.Term{{1, 2}, {1, 2}, {1}}
	overtaken = [][]wire.Term{{1, 3}, {1, 3}, {1, 2, 2}}
)

// twoLagging are two members who have forgotten what their snapshots cover.
var twoLagging = Bounds{Logs: lagging[:2], Committed: 2, Snapshots: []wire.Index{2, 2}, Bases: []wire.Index{2, 2}}

// behind are members the first of whom has forgotten what its snapshot covers. So has the
// second, if the last one's log has something else there.
func behind(logs [][]wire.Term) Bounds {
	points := []wire.Index{2, 0, 0}
	if len(logs[2]) > 1 {
		points[1] = 2
	}
	return Bounds{Logs: logs, Committed: 2, Snapshots: points, Bases: points}
}

// offered is behind when the first member has led, and its offer is under way to the last.
func offered(logs [][]wire.Term) Bounds {
	b := behind(logs)
	b.Offered = true
	return b
}

// snapshots puts a beginning and what may happen together.
func snapshots(beginning, b Bounds) Bounds {
	b.Logs, b.Committed, b.Offered = beginning.Logs, beginning.Committed, beginning.Offered
	b.Snapshots, b.Bases = beginning.Snapshots, beginning.Bases
	for _, log := range b.Logs {
		b.TermMax = max(b.TermMax, log[len(log)-1])
	}
	b.TermMax += wire.Term(b.Timeouts)
	return of(b)
}
