// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// still is a world in which messages and disks take their time, always the same.
var still = faults{messageDelay: 1, syncDelay: 1, applyDelay: 1, batchBytes: 256, windowMessages: 64}

// figure7 has the logs of figure 7: of the leader of term 8, and of followers (a) to (f).
var figure7 = [][]wire.Term{
	{1, 1, 1, 4, 4, 5, 5, 6, 6, 6},
	{1, 1, 1, 4, 4, 5, 5, 6, 6},
	{1, 1, 1, 4},
	{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
	{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},
	{1, 1, 1, 4, 4, 4, 4},
	{1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3},
}

// onlyCampaigner makes a node the one that campaigns, after a while.
func (w *world) onlyCampaigner(campaigner wire.NodeID, after Instant) {
	for _, n := range w.nodes {
		n.core.electionAt = w.now + 10*testElection
	}
	w.node(campaigner).core.electionAt = w.now + after
}

// Figure 7: whatever the leader finds when it comes to power, all logs end up equal to
// its own, which it never changes (§5.3), after one round trip for each term that
// conflicts, at most.
func TestFigure7(t *testing.T) {
	w := newWorld(t, 7, still)
	for _, terms := range figure7 {
		w.add(diskOf(voters(len(figure7)), 7, terms...))
	}
	before := w.nodes[0].chain(10)
	w.onlyCampaigner(1, 0)
	w.converge(testElection)
	leader := w.nodes[0]
	if w.leader() != leader || leader.core.Term() != 8 || len(leader.log) != 11 || leader.chain(10) != before {
		t.Fatalf("node 1 has not become the leader of term 8, or its log has changed\n%s", w.dump())
	}
	for i, want := range []int{0, 1, 1, 0, 0, 1, 1} {
		if got := w.history.rejections[wire.NodeID(i+1)]; got != want {
			t.Errorf("follower %c has rejected %d requests, want %d", 'a'+i-1, got, want)
		}
	}
}

// Figure 7 with who must not lead: (b) and (f) find no majority (§5.4.1), and c and d,
// whose logs are longer, may.
func TestFigure7Elections(t *testing.T) {
	for i, canWin := range []bool{true, true, false, true, true, false, false} {
		w := newWorld(t, 7, still)
		for _, terms := range figure7 {
			w.add(diskOf(voters(len(figure7)), 7, terms...))
		}
		w.onlyCampaigner(wire.NodeID(i+1), 0)
		w.pass(testElection)
		if won := w.leader() != nil; won != canWin {
			t.Errorf("node %d is elected: %v, want %v", i+1, won, canWin)
		}
	}
}

// §5.3: the back-up takes one round trip a term, however long the terms are and however
// they interleave (L22: a bound in entries would never get there).
func TestBackUpTakesOneRoundTripPerTerm(t *testing.T) {
	const conflicting = 20
	for _, perTerm := range []int{1, 7, 100} {
		ours, theirs := []wire.Term{1, 1}, []wire.Term{1, 1}
		for term := wire.Term(2); term < 2+2*conflicting; term += 2 {
			for range perTerm {
				theirs, ours = append(theirs, term), append(ours, term+1)
			}
		}
		w := newWorld(t, 1, still)
		w.add(diskOf(voters(3), 0, ours...))
		w.add(diskOf(voters(3), 0, ours...))
		w.add(diskOf(voters(3), 0, theirs...))
		w.onlyCampaigner(1, 0)
		w.converge(5 * testElection)
		if got := w.history.rejections[3]; got > conflicting {
			t.Errorf("%d entries a term: %d round trips for %d conflicting terms", perTerm, got, conflicting)
		}
	}
}

// Figure 8: (a) to (e). S1 replicates an entry of an earlier term to a majority and is
// deposed; S5 overwrites it. So it must not have been committed.
func TestFigure8(t *testing.T) {
	w := newWorld(t, 8, still)
	for _, terms := range [][]wire.Term{{1, 2}, {1, 2}, {1}, {1}, {1, 3}} {
		w.add(diskOf(voters(5), 3, terms...))
	}
	// (c): S1 leads term 4 and replicates entry 2 to S3, but not its own blank entry.
	s1, s5 := w.nodes[0], w.nodes[4]
	w.seen = func(_, _ wire.NodeID, m wire.Message) bool {
		appending, ok := m.(*wire.AppendEntries)
		if ok && appending.Term == 4 {
			for i, e := range appending.Entries {
				if e.Term == 4 {
					appending.Entries = appending.Entries[:i]
					break
				}
			}
		}
		return true
	}
	w.isolate(5)
	w.isolate(4)
	w.cut[link{1, 4}], w.cut[link{4, 1}] = false, false // Its vote is needed.
	w.onlyCampaigner(1, 0)
	w.run(testElection/2, func() bool { return len(w.nodes[2].disk.log) == 2 && s1.core.leader.peer(3).Match == 2 })
	if s1.core.role != Leader || s1.core.Term() != 4 || s1.core.leader.peer(2).Match != 2 || s1.core.leader.peer(3).Match != 2 {
		t.Fatalf("the stage of (c) is not set\n%s", w.dump())
	}
	if s1.core.commit != 0 {
		t.Fatalf("S1 commits %d, which is of an earlier term", s1.core.commit)
	}
	// (d): S5 is elected by S3, S4 and itself, and overwrites entry 2 everywhere.
	w.seen = nil
	w.rejoin()
	w.isolate(1)
	w.onlyCampaigner(5, testElection) // The others have to forget about S1.
	w.run(2*testElection, func() bool { return s5.core.role == Leader })
	w.rejoin()
	w.converge(2 * testElection)
	if w.leader() != s5 || s1.log[1].Term != 3 {
		t.Fatalf("S5 has not overwritten entry 2\n%s", w.dump())
	}
}

// Figure 8 (e): had S1 replicated its own entry as well, S5 could not win.
func TestFigure8CommittedByOwnTerm(t *testing.T) {
	w := newWorld(t, 8, still)
	for _, terms := range [][]wire.Term{{1, 2}, {1, 2}, {1}, {1}, {1, 3}} {
		w.add(diskOf(voters(5), 3, terms...))
	}
	w.isolate(5)
	w.onlyCampaigner(1, 0)
	w.run(testElection, func() bool { return w.nodes[0].core.commit == 3 })
	w.rejoin()
	w.isolate(1)
	w.onlyCampaigner(5, testElection)
	w.pass(2 * testElection)
	if w.nodes[4].core.role == Leader || w.nodes[0].core.commit != 3 {
		t.Fatalf("S5 leads, or nothing was committed\n%s", w.dump())
	}
	w.rejoin()
	w.converge(10 * testElection)
}

// L9, L24: on an idle cluster heartbeats alone repair whatever was lost.
func TestIdleClusterRecovers(t *testing.T) {
	// Each drops one kind of message between the leader and node 3, once.
	losses := map[string]func(w *world, from, to wire.NodeID, m wire.Message) bool{
		"probe": func(_ *world, _, to wire.NodeID, m wire.Message) bool {
			appending, ok := m.(*wire.AppendEntries)
			return ok && to == 3 && appending.Epoch == 1
		},
		"entries": func(w *world, _, to wire.NodeID, m wire.Message) bool {
			appending, ok := m.(*wire.AppendEntries)
			return ok && to == 3 && len(appending.Entries) > 0 && appending.Entries[0].Kind == wire.EntryCommand
		},
		"acknowledgement": func(_ *world, from, _ wire.NodeID, m wire.Message) bool {
			_, ok := m.(*wire.AppendReply)
			return ok && from == 3
		},
		"news of the commit": func(_ *world, _, to wire.NodeID, m wire.Message) bool {
			appending, ok := m.(*wire.AppendEntries)
			return ok && to == 3 && len(appending.Entries) == 0
		},
		"everything": func(_ *world, from, to wire.NodeID, _ wire.Message) bool { return from == 3 || to == 3 },
	}
	for name, lost := range losses {
		for _, transport := range []string{"silent", "telling"} {
			t.Run(name+", "+transport, func(t *testing.T) {
				w := newCluster(t, 3, still, 3)
				for _, n := range w.nodes {
					n.take(InitializeRequested{Membership: voters(3)})
				}
				w.run(20*testElection, func() bool { return w.leader() != nil && w.leader().core.commit > 0 })
				checkRecovery(t, w, transport == "telling", lost)
			})
		}
	}
}

func checkRecovery(t *testing.T, w *world, telling bool, lost func(w *world, from, to wire.NodeID, m wire.Message) bool) {
	if w.leader().id == 3 {
		w.leader().take(TransferRequested{To: 1})
		w.run(testElection, func() bool { return w.nodes[0].core.role == Leader })
	}
	w.converge(testElection)
	leader := w.leader()
	w.propose(leader, 2)
	quiet := w.now + testElection/2
	w.seen = func(from, to wire.NodeID, m wire.Message) bool {
		if w.now >= quiet || !lost(w, from, to, m) {
			return true
		}
		if telling {
			leader.take(PeerUnreachable{Peer: 3})
		}
		return false
	}
	w.pass(testElection / 2)
	w.converge(3 * testHeartbeat)
	if w.leader() != leader {
		t.Error("it took another election")
	}
}

// Whatever a follower forgets when it restarts, an idle leader tells it again, also if
// all that its current stream has sent is the first message.
func TestRestartedFollowerCatchesUpIdle(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newCluster(t, seed+1, calm, 3)
			w.form()
			leader := w.leader()
			w.propose(leader, 3)
			w.pass(testHeartbeat)
			for _, n := range w.nodes {
				if n == leader {
					continue
				}
				leader.take(PeerUnreachable{Peer: n.id})
				w.pass(testHeartbeat)
				n.crash()
				n.restart()
			}
			w.converge(3 * testHeartbeat)
		})
	}
}

// Thesis §3.10: with transfers, a cluster has no pause of an election time-out.
func TestTransferIsQuick(t *testing.T) {
	w := newCluster(t, 1, calm, 5)
	w.form()
	for range 20 {
		old := w.leader()
		old.take(TransferRequested{})
		if !w.run(testHeartbeat, func() bool { l := w.leader(); return l != nil && l != old && l.core.commit == l.core.log.Last() }) {
			t.Fatalf("no other leader within %d ms\n%s", testHeartbeat/millisecond, w.dump())
		}
		w.pass(testHeartbeat)
	}
}

// L3: a leader whose disk hangs without an error is replaced, and soon.
func TestHungDiskIsReplaced(t *testing.T) {
	w := newCluster(t, 1, calm, 3)
	w.form()
	old := w.leader()
	old.disk.syncing = true // Nobody will ever end that.
	w.propose(old, 1)
	if !w.run(testStall+testHeartbeat, func() bool { l := w.leader(); return l != nil && l != old && l.core.commit == l.core.log.Last() }) {
		t.Fatalf("the leader with the hung disk has not been replaced\n%s", w.dump())
	}
	w.pass(20 * testElection)
	if w.leader() == old || w.history.elections > 3 {
		t.Fatalf("there were %d elections, and node %d leads", w.history.elections, w.leader().id)
	}
}
