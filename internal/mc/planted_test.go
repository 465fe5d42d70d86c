// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// handleAsIs is the core's own Handle. Its effects are a copy.
func handleAsIs(l *local, events ...core.Event) []core.Effect {
	return slices.Clone(l.core.Handle(l.clock, events))
}

// withMessage hands on events, with what arrives changed.
func withMessage(change func(l *local, m wire.Message) wire.Message) tamper {
	return tamper{handle: func(l *local, events []core.Event) []core.Effect {
		events = slices.Clone(events)
		for i, event := range events {
			if arrived, ok := event.(core.MessageArrived); ok {
				arrived.Message = change(l, arrived.Message)
				events[i] = arrived
			}
		}
		return handleAsIs(l, events...)
	}}
}

// acknowledgeBeforeSync takes every write for durable as soon as it is issued.
func acknowledgeBeforeSync(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	for i := 0; i < len(effects); i++ {
		if w, ok := effects[i].(core.WriteLog); ok {
			effects = append(effects, handleAsIs(l, core.LogSynced{Seq: w.Seq})...)
		}
	}
	return effects
}

// grantEverybody never refuses a vote.
func grantEverybody(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	for i, effect := range effects {
		if send, ok := effect.(core.Send); ok {
			if reply, ok := send.Message.(*wire.VoteReply); ok {
				effects[i] = core.Send{To: send.To, Message: &wire.VoteReply{Term: reply.Term, Granted: true}}
			}
		}
	}
	return effects
}

// commitByCounting commits what a quorum has, of whatever term (§5.4.2 forbids it).
func commitByCounting(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	matches := []wire.Index{l.core.Brief().Durable}
	l.core.VisitPeers(func(p *progress.Progress) { matches = append(matches, p.Match) })
	slices.Sort(matches)
	if reached := matches[(len(matches)-1)/2]; len(matches) > 1 && reached > l.applied && reached > l.core.Brief().Commit {
		effects = append(effects, core.Apply{Through: reached})
	}
	return effects
}

// applyAll applies all that the log holds when a leader speaks of something committed.
func applyAll(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	if arrived, ok := events[0].(core.MessageArrived); ok {
		if m, ok := arrived.Message.(*wire.AppendEntries); ok && m.Commit > l.applied && l.core.Brief().Role == core.Follower {
			effects = append(effects, core.Apply{Through: min(m.Commit, l.core.Brief().Last)})
		}
	}
	return effects
}

// tellEverybody puts the leader's commit index into heartbeats, whatever the peer is
// known to hold.
func tellEverybody(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	for i, effect := range effects {
		if send, ok := effect.(core.Send); ok {
			if m, ok := send.Message.(*wire.Heartbeat); ok {
				effects[i] = core.Send{To: send.To, Message: &wire.Heartbeat{Term: m.Term, Round: m.Round, Commit: l.core.Brief().Commit}}
			}
		}
	}
	return effects
}

// believeHeartbeat lets leaders tell everybody, and followers commit what they hold, though
// it may not be the leader's (§5.3).
func believeHeartbeat(l *local, events []core.Event) []core.Effect {
	effects := tellEverybody(l, events)
	if arrived, ok := events[0].(core.MessageArrived); ok {
		if m, ok := arrived.Message.(*wire.Heartbeat); ok && l.core.Brief().Role == core.Follower && min(m.Commit, l.core.Brief().Last) > l.applied {
			effects = append(effects, core.Apply{Through: min(m.Commit, l.core.Brief().Last)})
		}
	}
	return effects
}

// believeLongLog lets every candidate seem up to date (§5.4.1).
func believeLongLog(_ *local, m wire.Message) wire.Message {
	last := wire.LogID{Term: 1 << 20, Index: 1 << 20}
	switch m := m.(type) {
	case *wire.RequestVote:
		return &wire.RequestVote{Term: m.Term, Last: last}
	case *wire.RequestPreVote:
		return &wire.RequestPreVote{Term: m.Term, Round: m.Round, Last: last}
	}
	return m
}

// believePrevious skips the consistency check (§5.3).
func believePrevious(l *local, m wire.Message) wire.Message {
	if request, ok := m.(*wire.AppendEntries); ok && int(request.Prev.Index) <= len(l.log) && idAt(l.log, request.Prev.Index).Term <= request.Prev.Term {
		changed := *request
		changed.Prev = idAt(l.log, request.Prev.Index)
		return &changed
	}
	return m
}

// voteAgain and fallBack write a hard state with the entries that is not the core's.
func voteAgain(w write) write {
	if w.first > 0 {
		w.hard = wire.HardState{Term: w.slots[0].term, Vote: 3}
	}
	return w
}

func fallBack(w write) write {
	if w.first > 0 {
		w.hard = wire.HardState{Term: 1}
	}
	return w
}

// replaceEntry lets a leader write a command over the entry before.
func replaceEntry(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	if _, proposed := events[0].(core.ProposalsArrived); proposed {
		over := wire.Entry{Index: 2, Term: l.core.Brief().HardState.Term, Kind: wire.EntryCommand, Data: []byte{9}}
		effects = append(effects, core.WriteLog{Entries: []wire.Entry{over}})
	}
	return effects
}

// forget puts a new core in the place of one that has committed something.
func forget(l *local, events []core.Event) []core.Effect {
	effects := handleAsIs(l, events...)
	if _, arrived := events[0].(core.MessageArrived); arrived && l.applied > 0 {
		l.core = newModel(Bounds{Nodes: 3}).boot(l.id, l.disk, l.incarnation).core
	}
	return effects
}

// tellNonsense says that what is not committed has been applied, which the core does
// not take.
func tellNonsense(l *local, events []core.Event) []core.Effect {
	return handleAsIs(l, append(slices.Clone(events), core.EntriesApplied{Through: 100})...)
}

// everythingBut are the invariants that are ignored when only some are watched.
func everythingBut(watched ...Invariant) (ignored [invariants]bool) {
	for i := range ignored {
		ignored[i] = !slices.Contains(watched, Invariant(i))
	}
	return ignored
}

// plant is a bug, and what finds it.
type plant struct {
	name    string
	bounds  Bounds
	tamper  tamper
	ignored [invariants]bool
	want    Invariant
}

func TestPlantedBugsAreFound(t *testing.T) {
	slow := Bounds{Nodes: 3, TermMax: 2, Timeouts: 1, EntriesPerMessage: 2}
	crash := Bounds{Nodes: 3, TermMax: 3, Timeouts: 2, Crashes: 1, EntriesPerMessage: 2}
	two := Bounds{Nodes: 3, TermMax: 3, Timeouts: 2, EntriesPerMessage: 1, InstantDisk: true}
	contradiction := Bounds{Nodes: 3, Logs: contradicting, TermMax: 4, Timeouts: 1, Heartbeats: 1, EntriesPerMessage: 1, InstantDisk: true}
	command := Bounds{Nodes: 3, TermMax: 2, Timeouts: 1, Proposals: 1, EntriesPerMessage: 1, InstantDisk: true}
	loseVote := tamper{save: func(w write) write { w.hard.Vote = 0; return w }}
	for _, test := range []plant{
		{"acknowledge before sync", slow, tamper{handle: acknowledgeBeforeSync}, [invariants]bool{}, DurableBeforeAck},
		{"acknowledge before sync, seen by what it leads to", crash, tamper{handle: acknowledgeBeforeSync},
			everythingBut(CommittedDurable, LeaderCompleteness), CommittedDurable},
		{"acknowledge before sync, seen by two leaders", crash, tamper{handle: acknowledgeBeforeSync}, everythingBut(ElectionSafety), ElectionSafety},
		{"grant every vote", two, tamper{handle: grantEverybody}, [invariants]bool{}, DurableBeforeAck},
		{"grant every vote, seen by two leaders", two, tamper{handle: grantEverybody}, everythingBut(ElectionSafety), ElectionSafety},
		{"the vote does not reach the disk", slow, loseVote, [invariants]bool{}, DurableBeforeAck},
		{"the vote does not reach the disk, seen by two votes", crash, loseVote, everythingBut(ElectionSafety), ElectionSafety},
		{"commit earlier terms by counting", two, tamper{handle: commitByCounting}, [invariants]bool{}, CommitRule},
		{"take any candidate for up to date", two, withMessage(believeLongLog), [invariants]bool{}, LeaderCompleteness},
		{"take any previous entry for the leader's", contradiction, withMessage(believePrevious), [invariants]bool{}, LogMatching},
		{"take any previous entry for the leader's, seen when acknowledged", contradiction, withMessage(believePrevious),
			everythingBut(AckedIsLeaders), AckedIsLeaders},
		{"take any previous entry for the leader's, seen when applied", contradiction, withMessage(believePrevious),
			everythingBut(StateMachineSafety), StateMachineSafety},
		{"apply what was not compared", contradiction, tamper{handle: applyAll}, [invariants]bool{}, StateMachineSafety},
		{"a heartbeat commits what was not compared", contradiction, tamper{handle: believeHeartbeat}, [invariants]bool{}, StateMachineSafety},
		{"the vote on the disk changes", slow, tamper{save: voteAgain}, [invariants]bool{}, SingleVote},
		{"the term on the disk falls", slow, tamper{save: fallBack}, [invariants]bool{}, TermMonotonic},
		{"a leader replaces an entry", command, tamper{handle: replaceEntry}, [invariants]bool{}, AppendOnly},
		{"the core forgets what is committed", slow, tamper{handle: forget}, everythingBut(CommitMonotonic), CommitMonotonic},
		{"the core is told nonsense", slow, tamper{handle: tellNonsense}, [invariants]bool{}, CoreChecks},
	} {
		t.Run(test.name, test.isFound)
	}
}

// isFound searches for the bug, and replays what was found.
func (p plant) isFound(t *testing.T) {
	t.Parallel()
	m := newModel(p.bounds)
	m.tamper, m.ignored = p.tamper, p.ignored
	report := m.search("planted", Options{Workers: 1, StatesMax: 2_000_000})
	if report.Violation == nil {
		t.Fatalf("not found in %d states, closed %v", report.Distinct, report.Closed)
	}
	if report.Violation.Invariant != p.want.String() {
		t.Errorf("found: %s: %s, want %v\n%s", report.Violation.Invariant, report.Violation.Detail, p.want, report.Violation.Transcript)
	}
	t.Logf("%s: depth %d, %d states, %.2f s", report.Violation.Detail, report.Depth, report.Distinct, report.Seconds)
	replayed := newModel(p.bounds)
	replayed.tamper, replayed.ignored = p.tamper, p.ignored
	var transcript strings.Builder
	if err := replayed.replay(report.Violation.Script, &transcript); err != nil {
		t.Fatal(err)
	}
	if transcript.String() != report.Violation.Transcript || !strings.Contains(transcript.String(), "VIOLATED: "+p.want.String()) {
		t.Errorf("the replay differs:\n%s\nfirst:\n%s", transcript.String(), report.Violation.Transcript)
	}
}

// TestFollowerComparesFirst says that a follower with a conflicting tail commits none of it,
// even if a leader's heartbeat told of more than the follower is known to hold.
func TestFollowerComparesFirst(t *testing.T) {
	m := newModel(Bounds{Nodes: 3, Logs: contradicting, TermMax: 4, Timeouts: 1, Heartbeats: 1, EntriesPerMessage: 2, InstantDisk: true})
	m.tamper.handle = tellEverybody
	if report := m.search("heartbeat", Options{Workers: 1}); report.Violation != nil || !report.Closed || report.Distinct < 1000 {
		t.Errorf("%d states, closed %v: %+v", report.Distinct, report.Closed, report.Violation)
	}
}
