// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// compactedRig is a member whose log begins behind entry 5 and ends with entry 7.
func compactedRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, now: testElection}
	c, err := New(Config{
		ID: 1, ElectionTimeout: testElection, HeartbeatInterval: testHeartbeat, WriteStallTimeout: testStall, Seed: 1,
	}, wire.LogState{
		HardState: wire.HardState{Term: 3}, Compacted: id(1, 5), Last: 7, Terms: []wire.TermStart{{Term: 2, First: 6}},
	}, r.now)
	if err != nil {
		t.Fatal(err)
	}
	r.core = c
	return r
}

// What is compacted is committed, so that it matches whatever a leader has sent: a late
// request that begins in it neither is refused nor truncates anything, also right
// after a restart, when nothing else is known to be committed.
func TestCompactedEntriesMatch(t *testing.T) {
	for name, c := range map[string]struct {
		request *wire.AppendEntries
		match   wire.Index
	}{
		"before the compacted point":      {appendOf(3, 5, id(1, 1), 1, 1), 3},
		"across the compacted point":      {appendOf(3, 5, id(1, 3), 1, 1, 2), 6},
		"up to the compacted point":       {appendOf(3, 5, id(1, 3), 1, 1), 5},
		"behind the compacted point":      {appendOf(3, 5, id(1, 5), 2, 2), 7},
		"nothing in the compacted":        {appendOf(3, 5, id(1, 2)), 2},
		"nothing at the compacted point":  {appendOf(3, 5, id(1, 5)), 5},
		"another term at compacted index": {appendOf(3, 5, id(1, 4), 2, 2), 6},
	} {
		t.Run(name, func(t *testing.T) {
			r := compactedRig(t)
			effects := r.receive(2, c.request)
			if r.issued != 0 || r.core.log.Last() != 7 {
				t.Errorf("the log ends at %d after %d writes, effects %q", r.core.log.Last(), r.issued, effects)
			}
			if got := r.core.match(); got != c.match {
				t.Errorf("match is %d, want %d; effects %q", got, c.match, effects)
			}
		})
	}
}

// A real conflict right behind the compacted point truncates up to there.
func TestConflictBehindCompacted(t *testing.T) {
	r := compactedRig(t)
	r.receive(2, appendOf(3, 5, id(1, 4), 1, 3))
	if last := r.core.log.LastID(); last != id(3, 6) || r.issued != 1 {
		t.Errorf("the log ends at %v after %d writes, want one, and the end at %v", last, r.issued, id(3, 6))
	}
}
