// SPDX-License-Identifier: Apache-2.0

package core

import (
	"container/heap"
	"errors"
	"fmt"
	"testing"

	"github.com/balsa-raft/raft/internal/peer"
	"github.com/balsa-raft/raft/wire"
)

const (
	millisecond   Instant = 1_000_000
	testElection          = 100 * millisecond
	testHeartbeat         = 20 * millisecond
	testStall             = 250 * millisecond
)

// world is a cluster of cores in one goroutine: virtual time, a network and disks
// that misbehave as told, the real replication streams, and checks after every step
// (see history). The seed determines everything.
type world struct {
	tb     testing.TB
	seed   uint64
	random random
	now    Instant
	agenda agenda
	nodes  []*node // the one with ID i is at place i-1
	faults faults
	cut    map[link]bool
	// arrival is when the last message of a link arrives, so that later ones don't
	// overtake it.
	arrival map[link]Instant
	// calmAt is when everything slow that was begun under faults has ended.
	calmAt  Instant
	history history
	counts  counts
	changes changeCounts
	// commands counts proposed commands, so that every payload is unique.
	commands uint64
	// verbose prints every step.
	verbose bool
	// wiped is told who loses its disk, if set.
	wiped func(wire.NodeID)
	// seen is told every message that is handed to the network, if set; false drops it.
	seen func(from, to wire.NodeID, m wire.Message) bool
}

type link struct{ from, to wire.NodeID }

// faults says how the world misbehaves, in chances per thousand and in durations.
// The zero value is a world without faults, whose messages and disks take no time.
type faults struct {
	drop, duplicate, refuse, cacheMiss, stall int
	reorder                                   bool
	messageDelay, syncDelay, applyDelay       Instant // most
	turnDelay                                 Instant // most: events within are one batch
	batchBytes, windowMessages                int

	// snapshots says that snapshots are taken and logs compacted; damage is the chance of
	// losing snapshots of the member unlucky.
	snapshots, applyDurable   bool
	damage                    int
	unlucky                   wire.NodeID
	snapshotDelay, fetchDelay Instant // most
}

// counts says what came to happen.
type counts struct {
	snapshots, offered, fetched, interrupted, restored, finished, lost, compacted, reset int
	notices                                                                              [Removed + 1]int
}

func (c *counts) add(other *counts) {
	c.snapshots += other.snapshots
	c.offered += other.offered
	c.fetched += other.fetched
	c.interrupted += other.interrupted
	c.restored += other.restored
	c.finished += other.finished
	c.lost += other.lost
	c.compacted += other.compacted
	c.reset += other.reset
	for i := range c.notices {
		c.notices[i] += other.notices[i]
	}
}

// none names something that never happened, "" if all has.
func (c *counts) none() string {
	for _, count := range []struct {
		name string
		n    int
	}{
		{"snapshot", c.snapshots}, {"offer", c.offered}, {"fetch", c.fetched}, {"interrupted fetch", c.interrupted}, {"restore", c.restored},
		{"installation that ended after a crash", c.finished}, {"lost state", c.lost}, {"compaction", c.compacted}, {"reset", c.reset},
		{"peer that needs a snapshot", c.notices[PeerNeedsSnapshot]}, {"released pin", c.notices[PinReleased]},
	} {
		if count.n == 0 {
			return count.name
		}
	}
	return ""
}

// calm is an ordinary day.
var calm = faults{
	messageDelay: 2 * millisecond, syncDelay: 2 * millisecond, applyDelay: millisecond, turnDelay: millisecond / 10,
	batchBytes: 256, windowMessages: 4,
}

func newWorld(tb testing.TB, seed uint64, f faults) *world {
	return &world{
		tb: tb, verbose: *seedFlag != 0 && testing.Verbose(), seed: seed, random: random{state: seed}, faults: f, now: testElection,
		cut: map[link]bool{}, arrival: map[link]Instant{}, history: newHistory(),
	}
}

// newCluster returns a world of nodes that remember nothing.
func newCluster(tb testing.TB, seed uint64, f faults, size int) *world {
	w := newWorld(tb, seed, f)
	for range size {
		w.add(disk{})
	}
	return w
}

// add starts a node on a disk.
func (w *world) add(d disk) *node {
	n := &node{w: w, id: wire.NodeID(len(w.nodes) + 1), disk: d}
	w.nodes = append(w.nodes, n)
	for _, s := range d.log {
		w.history.created(w, s)
	}
	n.start()
	return n
}

func (w *world) node(id wire.NodeID) *node { return w.nodes[id-1] }

func (w *world) failf(format string, args ...any) {
	w.tb.Helper()
	w.tb.Fatalf("at %d us: %s", w.now/1000, fmt.Sprintf(format, args...))
}

func (w *world) tracef(format string, args ...any) {
	if w.verbose {
		w.tb.Logf("%9d us: %s", w.now/1000, fmt.Sprintf(format, args...))
	}
}

func (w *world) chance(perThousand int) bool {
	return perThousand > 0 && int(w.random.below(1000)) < perThousand
}

// upTo draws a duration, at least 1 if any.
func (w *world) upTo(most Instant) Instant {
	if most <= 0 {
		return 0
	}
	return 1 + w.random.below(most)
}

// task is something that happens at a time.
type task struct {
	at   Instant
	rank int // in the order in which they were planned
	do   func()
}

type agenda struct {
	tasks []task
	count int
}

func (a *agenda) Len() int { return len(a.tasks) }
func (a *agenda) Less(i, j int) bool {
	x, y := &a.tasks[i], &a.tasks[j]
	return x.at < y.at || x.at == y.at && x.rank < y.rank
}
func (a *agenda) Swap(i, j int) { a.tasks[i], a.tasks[j] = a.tasks[j], a.tasks[i] }
func (a *agenda) Push(x any)    { a.tasks = append(a.tasks, x.(task)) }
func (a *agenda) Pop() any {
	last := a.tasks[len(a.tasks)-1]
	a.tasks = a.tasks[:len(a.tasks)-1]
	return last
}

func (w *world) after(delay Instant, do func()) {
	w.agenda.count++
	heap.Push(&w.agenda, task{at: w.now + delay, rank: w.agenda.count, do: do})
}

// step does what is due next: a deadline or the first of the agenda. It reports false
// if nothing is due before limit; the clock is at limit then.
func (w *world) step(limit Instant) bool {
	at, due := limit, (*node)(nil)
	for _, n := range w.nodes {
		if deadline := n.deadline(); deadline < at {
			at, due = deadline, n
		}
	}
	if len(w.agenda.tasks) > 0 && w.agenda.tasks[0].at <= at && w.agenda.tasks[0].at < limit {
		next := heap.Pop(&w.agenda).(task)
		w.now = max(w.now, next.at)
		next.do()
		return true
	}
	w.now = max(w.now, at)
	if due == nil {
		return false
	}
	due.turn()
	return true
}

// stepsMax bounds the steps in which time stands still, so that a world that spins is
// found.
const stepsMax = 20_000

// run steps until done, or for a time at most, and reports whether it is done.
func (w *world) run(limit Instant, done func() bool) bool {
	w.tb.Helper()
	end := w.now + limit
	for steps := 0; !done(); steps++ {
		before := w.now
		if !w.step(end) {
			return done()
		}
		if w.now > before {
			steps = 0
		}
		if steps == stepsMax {
			w.failf("%d steps, and time stands still: the cluster spins", stepsMax)
		}
	}
	return true
}

// pass lets time go by.
func (w *world) pass(limit Instant) { w.run(limit, func() bool { return false }) }

// send puts a message on the network; false says that the sender's own transport
// refused it.
func (w *world) send(from, to wire.NodeID, m wire.Message) bool {
	if w.chance(w.faults.refuse) {
		return false
	}
	if int(to) > len(w.nodes) || w.seen != nil && !w.seen(from, to, m) {
		return true
	}
	frame := wire.AppendEnvelope(nil, wire.Envelope{Group: 1, Message: m})
	copies := 1
	if w.chance(w.faults.duplicate) {
		copies = 2
	}
	for range copies {
		if w.cut[link{from, to}] || w.chance(w.faults.drop) {
			if w.verbose {
				w.tracef("%d -> %d lost %s", from, to, formatMessage(m))
			}
			continue
		}
		w.transmit(link{from, to}, frame)
	}
	return true
}

func (w *world) transmit(l link, frame []byte) {
	delay := w.upTo(w.faults.messageDelay)
	if !w.faults.reorder {
		delay = max(delay, w.arrival[l]-w.now)
		w.arrival[l] = w.now + delay
	}
	w.calmAt = max(w.calmAt, w.now+delay)
	w.after(delay, func() {
		if w.cut[l] {
			return
		}
		envelope, _, err := wire.DecodeEnvelope(frame)
		if err != nil {
			w.failf("a message that cannot be decoded: %v", err)
		}
		w.node(l.to).take(MessageArrived{From: l.from, Message: envelope.Message})
	})
}

// isolate cuts a node off in both directions; rejoin undoes all cuts.
func (w *world) isolate(id wire.NodeID) {
	for _, n := range w.nodes {
		w.cut[link{id, n.id}], w.cut[link{n.id, id}] = true, true
	}
}

func (w *world) rejoin() { clear(w.cut) }

// leader returns the live leader of the highest term, nil if there is none.
func (w *world) leader() *node {
	var leader *node
	for _, n := range w.nodes {
		if n.core != nil && n.core.role == Leader && (leader == nil || n.core.Term() > leader.core.Term()) {
			leader = n
		}
	}
	return leader
}

// unconverged says what keeps all nodes from following one leader with equal logs,
// everything committed and applied; "" if nothing does.
func (w *world) unconverged() string {
	leader := w.leader()
	if leader == nil {
		return "there is no leader"
	}
	for _, n := range w.nodes {
		switch {
		case !leader.core.membership().Contains(n.id):
			continue
		case n.core == nil:
			return fmt.Sprintf("node %d is down", n.id)
		case n.core.Term() != leader.core.Term() || n.core.knownLeader() != leader.id:
			return fmt.Sprintf("node %d is in term %d and follows %d", n.id, n.core.Term(), n.core.knownLeader())
		case len(n.log) != len(leader.log) || n.chain(len(n.log)) != leader.chain(len(leader.log)):
			return fmt.Sprintf("node %d has another log", n.id)
		case int(n.core.commit) != len(n.log):
			return fmt.Sprintf("node %d has committed %d of %d", n.id, n.core.commit, len(n.log))
		case int(n.core.applied) != len(n.log):
			return fmt.Sprintf("node %d has applied %d of %d", n.id, n.core.applied, len(n.log))
		}
	}
	return ""
}

func (w *world) converged() bool { return w.unconverged() == "" }

// converge runs until the world has converged, and fails if it does not in time.
func (w *world) converge(limit Instant) {
	w.tb.Helper()
	if !w.run(limit, w.converged) {
		w.failf("not converged after %d ms: %s\n%s", limit/millisecond, w.unconverged(), w.dump())
	}
}

func (w *world) dump() string {
	text := ""
	for _, n := range w.nodes {
		if n.core == nil {
			text += fmt.Sprintf("node %d is down; disk %+v, %d entries\n", n.id, n.disk.hard, len(n.disk.log))
			continue
		}
		text += fmt.Sprintf("node %d %+v, deadline in %d us\n\t%+v\n\t%+v\n", n.id, n.core.Brief(), (n.core.Deadline()-w.now)/1000, n.core.Standing(), *n.core.membership())
	}
	return text
}

// command returns a new unique command.
func (w *world) command() wire.Entry {
	w.commands++
	return wire.Entry{Kind: wire.EntryCommand, Data: fmt.Appendf(nil, "command %d", w.commands)}
}

// propose asks a node to append commands.
func (w *world) propose(n *node, count int) {
	entries := make([]wire.Entry, count)
	for i := range entries {
		entries[i] = w.command()
	}
	n.take(ProposalsArrived{Entries: entries})
}

// voters returns the membership of nodes 1 to size.
func voters(size int) wire.Membership {
	members := make([]wire.Member, size)
	for i := range members {
		members[i] = wire.Member{ID: wire.NodeID(i + 1), Address: fmt.Sprintf("node-%d", i+1)}
	}
	return wire.NewMembership(members...)
}

// form initializes all nodes with all of them as voters, and waits for a leader.
func (w *world) form() {
	w.tb.Helper()
	for _, n := range w.nodes {
		n.take(InitializeRequested{Membership: voters(len(w.nodes))})
	}
	w.converge(20 * testElection)
}

// errCompacted: a stream has asked for what is not in the log any more.
var errCompacted = errors.New("compacted")

// streamConfig makes the real replication stream of a node towards a peer.
func (w *world) streamConfig(n *node, to wire.NodeID) peer.Config {
	life := n.life
	return peer.Config{
		Recent: func(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, bool) {
			if w.chance(w.faults.cacheMiss) || n.core != nil && lo <= n.core.log.Compacted().Index {
				return dst, false
			}
			return n.entries(dst, lo, hi, bytesMax), true
		},
		Load: func(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
			if n.core != nil && lo <= n.core.log.Compacted().Index {
				return nil, errCompacted
			}
			return n.entries(dst, lo, hi, bytesMax), nil
		},
		Send: func(m *wire.AppendEntries) bool {
			w.history.sent(w, n, to, m)
			return w.send(n.id, to, m)
		},
		Lost: func() { n.takeIn(life, PeerUnreachable{Peer: to}) },
		Failed: func(err error) {
			if !errors.Is(err, errCompacted) {
				w.failf("node %d cannot read its log: %v", n.id, err)
			}
			n.takeIn(life, PeerUnreachable{Peer: to})
		},
		BatchBytes: max(w.faults.batchBytes, 1), WindowBytes: 1 << 20, WindowMessages: max(w.faults.windowMessages, 1),
	}
}
