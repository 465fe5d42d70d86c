// SPDX-License-Identifier: Apache-2.0

package core

import (
	"flag"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run this random schedule only, and print it with -v")
	seedsFlag = flag.Uint64("seeds", 600, "how many random schedules to run")
	firstFlag = flag.Uint64("first", 1, "the seed of the first random schedule")
)

// TestRandomSchedules runs clusters under faults of all kinds and checks every step;
// then the world heals, and the cluster has to recover by itself and serve.
func TestRandomSchedules(t *testing.T) {
	if *seedFlag != 0 {
		runSchedule(t, *seedFlag)
		return
	}
	var total counts
	seeds := *seedsFlag / slowdown
	if testing.Short() {
		seeds = min(seeds, 100)
	}
	for seed := *firstFlag; seed < *firstFlag+seeds; seed++ {
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { total.add(runSchedule(t, seed)) }) {
			return
		}
	}
	t.Logf("%+v", total)
	if none := total.none(); none != "" && seeds >= 600 {
		t.Errorf("in %d schedules there was no %s", seeds, none)
	}
}

// TestSchedulesThatFoundSomething runs those that have found a bug, in the core or in what
// is checked.
func TestSchedulesThatFoundSomething(t *testing.T) {
	for _, seed := range []uint64{10, 187, 649, 2795, 4100, 6788, 11076, 22612} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runSchedule(t, seed) })
	}
}

// schedule is the plan of one random run: how often which fault strikes. A duration of
// zero is never; each seed draws some of the faults only (a swarm), so that the mild
// ones get their turn, too.
type schedule struct {
	w                                                              *world
	membership                                                     wire.Membership
	formed                                                         bool
	propose, crash, partition, transfer, unreachable, pause, early Instant // every so often, on average
	snapshot, compact                                              Instant
	// changing is nil if the membership stays as it is.
	changing *changing
}

func runSchedule(t *testing.T, seed uint64) *counts {
	t.Helper()
	w := newWorld(t, seed, faults{})
	defer w.report("TestRandomSchedules")
	s := newSchedule(w)
	s.trouble()
	s.heal()
	s.demand()
	return &w.counts
}

// report is deferred by a random schedule: it says what a panic was about, and how to see
// it all again.
func (w *world) report(test string) {
	if problem := recover(); problem != nil {
		if violation, ok := problem.(*invariant.Violation); ok {
			problem = violation.Error()
		}
		w.tb.Errorf("at %d us: panic: %v\n%s", w.now/1000, problem, debug.Stack())
	}
	if w.tb.Failed() {
		w.tb.Logf("reproduce: go test ./internal/core -run %s -v -seed %d", test, w.seed)
	}
}

// often draws whether and how often something happens, from each 50 ms to each second.
func (w *world) often() Instant {
	if w.chance(400) {
		return 0
	}
	return (50 + w.random.below(950)) * millisecond
}

func newSchedule(w *world) *schedule {
	some := func(choices ...int) int { return choices[w.random.below(Instant(len(choices)))] }
	w.faults = faults{
		drop: some(0, 0, 10, 100, 300), duplicate: some(0, 0, 10, 200), refuse: some(0, 0, 5, 50),
		cacheMiss: some(0, 0, 100, 500), stall: some(0, 0, 0, 5, 50), reorder: w.chance(300),
		messageDelay: Instant(some(0, 1, 3, 15, 60)) * millisecond,
		syncDelay:    Instant(some(0, 1, 5, 30)) * millisecond,
		applyDelay:   Instant(some(0, 1, 20)) * millisecond,
		turnDelay:    Instant(some(0, 0, 1, 10)) * millisecond,
		batchBytes:   some(1, 100, 1000), windowMessages: some(1, 2, 4, 64),
	}
	s := &schedule{
		w: w, propose: (1 + w.random.below(60)) * millisecond, crash: w.often(), partition: w.often(), transfer: w.often(),
		unreachable: w.often(), pause: w.often(), early: w.often(),
	}
	size := some(1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 7)
	s.membership = voters(size)
	for ; size < 7 && w.chance(200); size++ {
		s.membership = withLearner(s.membership)
	}
	s.drawSnapshots()
	s.populate(size)
	return s
}

// drawSnapshots decides about snapshots. Only one member may lose what it has, and only if
// the others can elect a leader without it: while the state is lost it does not campaign.
func (s *schedule) drawSnapshots() {
	w := s.w
	if w.chance(250) {
		return
	}
	s.snapshot, s.compact = (5+w.random.below(200))*millisecond, (5+w.random.below(200))*millisecond
	w.faults.snapshots = true
	w.faults.applyDurable = w.chance(300)
	some := func(choices ...Instant) Instant { return choices[w.random.below(Instant(len(choices)))] * millisecond }
	w.faults.snapshotDelay, w.faults.fetchDelay = some(0, 1, 20, 300), some(1, 20, 100, 400)
	if voters := s.membership.Voters; len(voters) >= 3 && w.chance(400) {
		w.faults.unlucky = 1 + wire.NodeID(w.random.below(Instant(len(s.membership.Members))))
		w.faults.damage = 300
	}
}

// populate starts the nodes and forms the group: on one of the nodes, on all, or by
// hand, half-way through a change of membership.
func (s *schedule) populate(size int) {
	w := s.w
	how := w.random.below(10)
	if how == 0 && size >= 3 && w.faults.unlucky == 0 && len(s.membership.Learners) == 0 {
		old := 1 + w.random.below(Instant(size))
		s.membership.Outgoing = s.membership.Voters[:old]
		s.membership.Voters = s.membership.Voters[w.random.below(min(old+1, Instant(size))):]
		for _, id := range s.membership.Outgoing {
			if !slices.Contains(s.membership.Voters, id) {
				s.membership.TargetLearners = append(s.membership.TargetLearners, id)
			}
		}
		for range size {
			w.add(diskOf(s.membership, 1, 1))
		}
		s.formed = true
		return
	}
	for range size {
		w.add(disk{})
	}
	if how < 5 {
		// Nodes that know of no group vote only in its very first election, so the
		// news has to get around before things go wrong.
		f := w.faults
		w.faults = calm
		w.nodes[0].take(InitializeRequested{Membership: s.membership})
		if !w.run(40*testElection, func() bool { return s.everybodyKnows() }) {
			w.failf("the group was not formed\n%s", w.dump())
		}
		w.faults = f
		s.formed = true
	}
}

func (s *schedule) everybodyKnows() bool {
	for _, n := range s.w.nodes {
		if len(n.disk.log) == 0 {
			return false
		}
	}
	return true
}

func withLearner(m wire.Membership) wire.Membership {
	id := wire.NodeID(len(m.Members) + 1)
	m.Learners = append(m.Learners, id)
	m.Members = append(m.Members, wire.Member{ID: id, Address: "learner"})
	return m
}

// troubleLasts is how long things go wrong.
const troubleLasts = 30 * testElection

// trouble lets everything go wrong for a while.
func (s *schedule) trouble() {
	end := s.w.now + troubleLasts
	// The last word may be long spoken when the trouble ends: whatever got lost of it
	// has to be found without the help of new proposals.
	s.plan(end, end-s.w.random.below(troubleLasts))
	s.w.pass(troubleLasts)
}

// plan plans what goes wrong until end, and that something is proposed until the last word.
func (s *schedule) plan(end, lastWord Instant) {
	s.every(lastWord, s.propose, func() { s.proposeSomewhere() })
	s.every(end, s.crash, func() { s.crashOne(end) })
	s.every(end, s.partition, s.repartition)
	s.every(end, s.transfer, func() {
		s.anyone().take(TransferRequested{To: wire.NodeID(s.w.random.below(Instant(len(s.w.nodes) + 1)))})
	})
	s.every(end, s.unreachable, func() { s.anyone().take(PeerUnreachable{Peer: s.anyone().id}) })
	s.every(end, s.pause, s.pauseOne)
	s.every(end, s.snapshot, func() { s.leaderOrAnyone(300).takeSnapshot() })
	s.every(end, s.compact, func() { s.leaderOrAnyone(500).compactSome() })
	s.every(end, s.compact, func() { s.anyone().tidy() })
	s.every(end, s.early, func() { s.anyone().take(DeadlineReached{}) })
	if !s.formed {
		s.every(end, 30*millisecond, func() { s.initialize(s.anyone()) })
	}
	s.planChanges(end)
}

// every does something again and again until end, at random times.
func (s *schedule) every(end, average Instant, do func()) {
	if average == 0 {
		return
	}
	s.w.after(s.w.upTo(2*average), func() {
		if s.w.now < end {
			do()
			s.every(end, average, do)
		}
	})
}

func (s *schedule) anyone() *node {
	return s.w.nodes[s.w.random.below(Instant(len(s.w.nodes)))]
}

func (s *schedule) proposeSomewhere() {
	n := s.leaderOrAnyone(800)
	s.w.propose(n, 1+int(s.w.random.below(4)))
}

// leaderOrAnyone is the leader in so many of a thousand cases, if there is one.
func (s *schedule) leaderOrAnyone(perThousand int) *node {
	n := s.anyone()
	if leader := s.w.leader(); leader != nil && s.w.chance(perThousand) {
		n = leader
	}
	return n
}

func (s *schedule) initialize(n *node) {
	if !n.initialized && s.membership.Contains(n.id) {
		n.take(InitializeRequested{Membership: s.membership})
	}
}

// crashOne crashes a node, or all of them, for a while.
func (s *schedule) crashOne(end Instant) {
	w := s.w
	victims := []*node{s.anyone()}
	if w.chance(100) {
		victims = w.nodes
	}
	for _, n := range victims {
		if s.isNever(n) {
			continue
		}
		n.crash()
		n.loseSnapshots()
		n.initialized = n.initialized && len(n.disk.log) > 0
		w.after(min(w.upTo(8*testElection), end-w.now), n.restart)
	}
}

// isNever reports whether a node is one that is never started.
func (s *schedule) isNever(n *node) bool { return s.changing != nil && s.changing.never == n.id }

// repartition cuts links at random: some, one node's, in one or in both directions, or
// none any more.
func (s *schedule) repartition() {
	w := s.w
	w.rejoin()
	for _, n := range w.nodes {
		// The cut node still sends or still hears, or neither.
		switch w.random.below(9) {
		case 0:
			w.isolate(n.id)
		case 1:
			s.cutRandomly(n.id, 1000, 0)
		case 2:
			s.cutRandomly(n.id, 0, 1000)
		case 3:
			s.cutRandomly(n.id, 500, 500)
		}
	}
}

func (s *schedule) cutRandomly(id wire.NodeID, from, to int) {
	w := s.w
	for _, n := range w.nodes {
		if w.chance(from) {
			w.cut[link{id, n.id}] = true
		}
		if w.chance(to) {
			w.cut[link{n.id, id}] = true
		}
	}
}

// pauseOne stops a node's loop for a while, like a garbage collection or a virtual
// machine's migration does.
func (s *schedule) pauseOne() {
	n := s.anyone()
	n.pausedUntil = s.w.now + s.w.upTo(4*testElection)
	s.w.calmAt = max(s.w.calmAt, n.pausedUntil)
}

// heal ends all faults, but lets what is under way come to its end, transfers included.
func (s *schedule) heal() {
	w := s.w
	w.rejoin()
	applyDurable, snapshots := w.faults.applyDurable, w.faults.snapshots
	w.faults = calm
	w.faults.applyDurable, w.faults.snapshots = applyDurable, snapshots
	w.faults.snapshotDelay, w.faults.fetchDelay = millisecond, 5*millisecond
	for _, n := range w.nodes {
		if s.isNever(n) {
			continue
		}
		n.restart()
		if !s.formed {
			s.initialize(n)
		}
	}
	w.tracef("healed")
	w.pass(max(w.calmAt-w.now, 0) + 2*testElection)
}

// recovery is within how much time a healed cluster has to agree.
const recovery = 12 * testElection

// roundTrip is the most that a round trip with two syncs takes on a calm day. A
// stream with the narrowest window needs one for each entry.
const roundTrip = 4 * (2 * millisecond)

// fetching is how much longer a member takes that has to be told that it needs a snapshot.
func (s *schedule) fetching() Instant {
	if s.w.faults.snapshots {
		return 3 * testElection
	}
	return 0
}

// lag is by how many entries the shortest log is behind the longest.
func (s *schedule) lag() int {
	shortest, longest := len(s.w.nodes[0].log), 0
	for _, n := range s.w.nodes {
		if leader := s.w.leader(); n.core == nil || leader != nil && !leader.core.membership().Contains(n.id) {
			continue
		}
		shortest, longest = min(shortest, len(n.log)), max(longest, len(n.log))
	}
	return longest - shortest
}

// demand is what a healed cluster has to do: agree without being asked to, stay calm,
// and serve.
func (s *schedule) demand() {
	w := s.w
	w.converge(recovery + Instant(s.lag())*roundTrip + s.fetching())
	s.checkRequestsAnswered()
	for !s.isCalm() || !s.serves() {
		w.converge(recovery)
	}
	w.history.checkCommitted(w, *w.leader().core.membership())
}

// isCalm lets time pass, in which the leader must stay, unless it hands over: then it is not.
func (s *schedule) isCalm() bool {
	leader, elections := s.w.leader(), s.w.history.elections
	s.w.pass(6 * testElection)
	if s.w.leader() == leader && s.w.history.elections == elections {
		return true
	}
	if !s.handedOver(leader) {
		s.w.failf("node %d led, nothing went wrong, and there was another election", leader.id)
	}
	return false
}

// serves has the leader write something, which must come through, unless it hands over.
func (s *schedule) serves() bool {
	w, leader := s.w, s.w.leader()
	before := len(leader.log)
	w.propose(leader, 3)
	if w.run(testElection, func() bool { return len(leader.log) == before+3 && w.converged() }) {
		return true
	}
	if !s.handedOver(leader) {
		w.failf("a healed cluster does not serve: %s\n%s", w.unconverged(), w.dump())
	}
	return false
}

// handedOver reports whether one leads who has a higher priority than the leader had. It is the
// only reason to elect another one when all is well.
func (s *schedule) handedOver(before *node) bool {
	now := s.w.leader()
	if now == nil {
		s.w.converge(recovery)
		now = s.w.leader()
	}
	m := now.core.membership()
	return m.Priority(now.id) > m.Priority(before.id)
}

func (s *schedule) checkRequestsAnswered() {
	for _, n := range s.w.nodes {
		if n.transfers != 0 || n.initializes != 0 || n.changes != 0 {
			s.w.failf("node %d has %d transfers, %d initializations and %d changes unanswered", n.id, n.transfers, n.initializes, n.changes)
		}
	}
}
