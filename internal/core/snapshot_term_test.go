// SPDX-License-Identifier: Apache-2.0

package core

import (
	"strings"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// What a member knows to be committed it knows from the leader of a term. A snapshot
// makes that knowledge durable, in another place than the log. If the term were not
// durable by then, a crash would lead back to an older term, whose leader, cut off, may
// hold other entries there. The member could not tell them from those of the snapshot,
// because its log has them no more; it would acknowledge them, and they could be
// committed a second time, differently.
//
// So nothing durable may come of a commit index before the term in which it was learned
// is durable.

// lostTerm is a member of five in term 5, whose log is of term 1; the leader of term 5 has
// entries of that term from 2 on, that of term 6 has others, and has committed them.
func lostTerm(t *testing.T) *rig {
	return newRig(t, diskOf(voters(5), 5, 1))
}

// checkStaleLeader crashes the member and lets the leader of term 5 replicate to it.
func checkStaleLeader(t *testing.T, r *rig) {
	t.Helper()
	if held := r.disk.newest().meta.Last; held.Term > r.disk.hard.Term {
		t.Fatalf("a snapshot with last entry %v is durable, and term %d: the member cannot start", held, r.disk.hard.Term)
	}
	r.restart()
	before := r.core.Brief()
	effects := append(r.do(), r.append(2, 5, 1, id(1, 1), 5, 5, 5)...)
	effects = append(effects, r.sync()...)
	if r.core.Term() > 5 {
		return
	}
	for _, line := range effects {
		if strings.Contains(line, "AppendReply") && before.Commit > 1 {
			t.Errorf("in term 5, with %v committed, the member answers entries of term 5 with %s", before.Snapshot, line)
		}
	}
}

// A snapshot is fetched when the term in which it was offered is durable.
func TestFetchWaitsForTerm(t *testing.T) {
	for _, last := range []wire.LogID{id(3, 3), id(6, 3)} {
		r := lostTerm(t)
		s := snapshotOf(diskOf(voters(5), 6, 1, 3, last.Term).log, 3, 7)
		effects := r.offer(3, 6, 1, s)
		if strings.Contains(strings.Join(effects, "\n"), "FetchSnapshot") {
			r.fetch(s)
			checkStaleLeader(t, r)
		}
		r = lostTerm(t)
		r.wantNone(r.offer(3, 6, 1, s), "FetchSnapshot")
		r.wantIn(r.sync(), "FetchSnapshot from 3: snapshot #7")
		r.fetch(s)
		checkStaleLeader(t, r)
	}
}

// Entries are applied, and so come into snapshots, when the term in which they turned
// out to be committed is durable.
func TestApplyWaitsForTerm(t *testing.T) {
	for _, last := range []wire.LogID{id(3, 3), id(6, 3)} {
		r := lostTerm(t)
		effects := r.append(3, 6, 3, id(1, 1), 3, last.Term)
		if strings.Contains(strings.Join(effects, "\n"), "Apply{Through:3}") {
			r.do(EntriesApplied{Through: 3})
			s := snapshotOf(diskOf(voters(5), 6, 1, 3, last.Term).log, 3, 7)
			r.disk.keep(s)
			r.do(SnapshotTaken{Last: s.meta.Last})
			checkStaleLeader(t, r)
			t.Error("entries are applied before the term is durable")
		}
		r.wantIn(append(effects, r.sync()...), "Apply{Through:3}")
	}
}
