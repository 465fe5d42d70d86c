// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// recovering is what a member may find at its start.
type recovering struct {
	hard      wire.HardState
	log       []slot
	compacted wire.LogID
	found     Recovery
}

func (c recovering) recover() (*Core, error) {
	d := disk{hard: c.hard, log: c.log, compacted: c.compacted}
	cfg := Config{ID: 1, ElectionTimeout: testElection, HeartbeatInterval: testHeartbeat, WriteStallTimeout: testStall, Seed: 1}
	return Recover(cfg, d.state(), c.found, testElection)
}

func metaFrom(log []slot, last wire.Index) wire.SnapshotMeta { return snapshotOf(log, last, 7).meta }

// recovered is what a member makes of what it finds.
type recovered struct {
	given recovering
	want  Status
	// writes is what has to be done at the start, "" if nothing.
	writes string
	at     wire.Index // of the membership in effect
}

// Ways in which a log and a snapshot can stand to each other at a start, when nothing was
// interrupted.
func TestRecover(t *testing.T) {
	term2 := wire.HardState{Term: 2, Vote: 3}
	log := historyOf(1, 1, 1, 2, 2)
	checkRecovered(t, map[string]recovered{
		"nothing at all": {recovering{}, Status{}, "", 0},
		"a log alone":    {recovering{term2, log, wire.LogID{}, Recovery{}}, Status{Last: 5, Durable: 5}, "", 1},
		"a log, all of it applied durably": {recovering{term2, log, wire.LogID{}, Recovery{Applied: 5}},
			Status{Last: 5, Durable: 5, Commit: 5, Applied: 5}, "", 1},
		"a snapshot of the log": {recovering{term2, log, wire.LogID{}, Recovery{Snapshot: metaFrom(log, 3), Applied: 3}},
			Status{Last: 5, Durable: 5, Commit: 3, Applied: 3, Snapshot: id(1, 3)}, "", 1},
		"a snapshot of the log, and more applied": {recovering{term2, log, id(1, 2), Recovery{Snapshot: metaFrom(log, 3), Applied: 4}},
			Status{Last: 5, Durable: 5, Commit: 4, Applied: 4, Compacted: id(1, 2), Snapshot: id(1, 3)}, "", 1},
		"a snapshot at the compacted point": {recovering{term2, log, id(1, 3), Recovery{Snapshot: metaFrom(log, 3), Applied: 3}},
			Status{Last: 5, Durable: 5, Commit: 3, Applied: 3, Compacted: id(1, 3), Snapshot: id(1, 3)}, "", 1},
		"a snapshot at the end": {recovering{term2, log, id(1, 3), Recovery{Snapshot: metaFrom(log, 5), Applied: 5}},
			Status{Last: 5, Durable: 5, Commit: 5, Applied: 5, Compacted: id(1, 3), Snapshot: id(2, 5)}, "", 1},
		"a newer membership in the log": {recovering{term2, withMembership(log, 4, voters(5)), id(1, 2), Recovery{Snapshot: metaFrom(log, 2), Applied: 2}},
			Status{Last: 5, Durable: 5, Commit: 2, Applied: 2, Compacted: id(1, 2), Snapshot: id(1, 2)}, "", 4},
		"a membership that the snapshot has": {recovering{term2, withMembership(log, 3, voters(5)), id(1, 2),
			Recovery{Snapshot: metaFrom(withMembership(log, 3, voters(5)), 4), Applied: 4}},
			Status{Last: 5, Durable: 5, Commit: 4, Applied: 4, Compacted: id(1, 2), Snapshot: id(2, 4)}, "", 3},
		"state lost": {recovering{term2, log, id(1, 3), Recovery{StateLost: true}},
			Status{Last: 5, Durable: 5, Commit: 3, Applied: 3, Compacted: id(1, 3), StateLost: true}, "", 0},
		"state lost, but for an old snapshot": {recovering{term2, log, id(1, 3), Recovery{Snapshot: metaFrom(log, 2), Applied: 2, StateLost: true}},
			Status{Last: 5, Durable: 5, Commit: 3, Applied: 3, Compacted: id(1, 3), StateLost: true}, "", 0},
	})
}

// Ways in which the installation of a snapshot can have been interrupted.
func TestRecoverEndsInstallation(t *testing.T) {
	term2 := wire.HardState{Term: 2, Vote: 3}
	log := historyOf(1, 1, 1, 2, 2)
	other := historyOf(1, 1, 2, 2, 2)
	checkRecovered(t, map[string]recovered{
		"a snapshot of an empty log": {recovering{term2, nil, wire.LogID{}, Recovery{Snapshot: metaFrom(log, 4), Applied: 4}},
			Status{Last: 4, Commit: 4, Applied: 4, Compacted: id(2, 4), Snapshot: id(2, 4)}, "WriteLog #1 reset=t2/i4", 1},
		"a snapshot beyond the log": {recovering{term2, log[:2], wire.LogID{}, Recovery{Snapshot: metaFrom(log, 4), Applied: 4}},
			Status{Last: 4, Commit: 4, Applied: 4, Compacted: id(2, 4), Snapshot: id(2, 4)}, "WriteLog #1 reset=t2/i4", 1},
		"a snapshot that the log conflicts with": {recovering{term2, log, wire.LogID{}, Recovery{Snapshot: metaFrom(other, 3), Applied: 3}},
			Status{Last: 3, Commit: 3, Applied: 3, Compacted: id(2, 3), Snapshot: id(2, 3)}, "WriteLog #1 reset=t2/i3", 1},
		"the membership goes with the log": {recovering{term2, withMembership(log, 4, voters(5)), wire.LogID{},
			Recovery{Snapshot: metaFrom(other, 3), Applied: 3}},
			Status{Last: 3, Commit: 3, Applied: 3, Compacted: id(2, 3), Snapshot: id(2, 3)}, "WriteLog #1 reset=t2/i3", 1},
		"a snapshot of a term that was not durable": {recovering{wire.HardState{Term: 1, Vote: 2}, log[:2], wire.LogID{},
			Recovery{Snapshot: metaFrom(log, 4), Applied: 4}},
			Status{HardState: wire.HardState{Term: 2}, Last: 4, Commit: 4, Applied: 4, Compacted: id(2, 4), Snapshot: id(2, 4)},
			"WriteLog #1 term=2 vote=0 reset=t2/i4", 1},
	})
}

func checkRecovered(t *testing.T, cases map[string]recovered) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			member, err := c.given.recover()
			if err != nil {
				t.Fatal(err)
			}
			if c.want.HardState.IsZero() {
				c.want.HardState = c.given.hard
			}
			if got := member.Brief(); got != c.want {
				t.Errorf("the member knows\n\t%+v, want\n\t%+v", got, c.want)
			}
			if at := member.memberships[len(member.memberships)-1].index; at != c.at {
				t.Errorf("the membership in effect is that of entry %d, want %d", at, c.at)
			}
			for i := 1; i < len(member.memberships); i++ {
				if member.memberships[i].index <= member.memberships[i-1].index {
					t.Errorf("the memberships are %+v", member.memberships)
				}
			}
			r := &rig{t: t, core: member, now: testElection}
			if c.writes == "" {
				r.want(r.do())
				return
			}
			if member.Deadline() > r.now {
				t.Error("there is something to be done at once, and the deadline is later")
			}
			r.want(r.do(), c.writes)
			r.want(r.do())
			if member.Quiet() || member.Deadline() <= r.now {
				t.Error("the write is not under way")
			}
		})
	}
}

// What contradicts itself is refused with an error, or, if the runtime has not kept to its
// part, violates an invariant.
func TestRecoverRefuses(t *testing.T) {
	term2 := wire.HardState{Term: 2}
	log := historyOf(1, 1, 1, 2, 2)
	broken := historyOf(1, 1, 1, 2, 2)
	broken[3].Kind, broken[3].Data = wire.EntryMembership, []byte("none")
	for name, c := range map[string]struct {
		given    recovering
		violates bool
	}{
		"a snapshot with another term at the compacted point": {recovering{term2, log, id(1, 3),
			Recovery{Snapshot: metaFrom(historyOf(1, 1, 2), 3), Applied: 3}}, false},
		"more applied than there is": {recovering{term2, log, wire.LogID{}, Recovery{Applied: 6}}, false},
		"more applied than is left behind the snapshot": {recovering{term2, log, wire.LogID{},
			Recovery{Snapshot: metaFrom(historyOf(1, 1, 2), 3), Applied: 4}}, false},
		"a malformed membership":             {recovering{term2, broken, id(1, 2), Recovery{Snapshot: metaFrom(log, 2), Applied: 2}}, false},
		"less applied than compacted":        {recovering{term2, log, id(1, 3), Recovery{Applied: 2}}, true},
		"less applied than in the snapshot":  {recovering{term2, log, wire.LogID{}, Recovery{Snapshot: metaFrom(log, 3), Applied: 2}}, true},
		"an old snapshot, and state is lost": {recovering{term2, log, id(1, 3), Recovery{Snapshot: metaFrom(log, 2), Applied: 2}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				problem := recover()
				if _, isViolation := problem.(*invariant.Violation); problem != nil && !isViolation || isViolation != c.violates {
					t.Errorf("recovered %v, violation wanted: %v", problem, c.violates)
				}
			}()
			_, err := c.given.recover()
			if err == nil && !c.violates {
				t.Error("there is no error")
			}
		})
	}
}

// A malformed membership that goes with the log is not looked at.
func TestRecoverForgetsWhatIsReset(t *testing.T) {
	broken := historyOf(1, 1, 1, 2, 2)
	broken[3].Kind, broken[3].Data = wire.EntryMembership, []byte("none")
	c := recovering{wire.HardState{Term: 2}, broken, wire.LogID{}, Recovery{Snapshot: metaFrom(historyOf(1, 1, 2), 3), Applied: 3}}
	if _, err := c.recover(); err != nil {
		t.Error(err)
	}
}

// A clone of a member that has something to do at its start does it, too, and the original
// all the same; and the two are told from a member that has done it.
func TestCloneBeforeTheStart(t *testing.T) {
	log := historyOf(1, 1, 2)
	c := recovering{wire.HardState{Term: 2}, log[:1], wire.LogID{}, Recovery{Snapshot: metaFrom(log, 3), Applied: 3}}
	member, err := c.recover()
	if err != nil {
		t.Fatal(err)
	}
	clone, before := member.Clone(), string(member.AppendState(nil, sameNames))
	for _, m := range []*Core{member, clone} {
		r := &rig{t: t, core: m, now: testElection}
		r.want(r.do(), "WriteLog #1 reset=t2/i3")
	}
	if string(member.AppendState(nil, sameNames)) == before {
		t.Error("a member that has done what it was to do at its start is encoded like one that has not")
	}
}
