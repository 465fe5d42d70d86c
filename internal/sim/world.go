// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/sim/safety"
	"github.com/balsa-raft/raft/wire"
)

// world is one run: a cluster, its network and its clients, and the time they live in.
type world struct {
	plan plan
	// Each concern draws from a source of its own, so that leaving out a kind of fault
	// changes as little of the rest as can be.
	planning, scheduling, networking, storing, injecting, working *rand.Rand

	now    int64
	seq    uint64
	queue  eventQueue
	nodes  []*node
	net    *network
	work   *workload
	check  *safety.Checker
	refine *refinement
	plant  plant

	healing bool
	counts  Counts
	// useful are the faults that happened before some later command was acknowledged.
	recent, useful Faults
	events         uint64
	hash           uint64
	out            io.Writer
	snapshots      SnapshotCounts
	broken         int // nodes that are lost for good
	changes        changes
	isForgetful    bool
	found          []wire.Entry // on a disk, used again and again
}

func newWorld(o *Options) *world {
	source := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(o.Seed, stream)) }
	w := &world{
		planning: source(1), scheduling: source(2), networking: source(3), storing: source(4), injecting: source(5), working: source(6),
		out: o.Transcript, plant: o.plant,
	}
	w.plan = drawPlan(w.planning)
	if o.Long && !w.plan.isLong {
		w.plan.lengthen(w.planning)
	}
	if o.Standard {
		w.plan = standardPlan()
	}
	if o.Duration > 0 {
		w.plan.duration = o.Duration
	}
	if o.Nodes > 0 {
		w.plan.nodes, w.plan.changes.spares = o.Nodes, 0
		w.plan.initializers = w.plan.initializers&(1<<o.Nodes-1) | 1
	}
	w.plan.faults = w.plan.faults.Minus(o.Without).And(o.With)
	if o.shape != nil {
		o.shape(&w.plan)
	}
	w.check = safety.New(w.plan.nodes)
	w.check.Limit(safety.Bounds{
		WindowBytes: w.plan.inflightBytes, WindowMessages: w.plan.inflightMessages, PendingBytes: w.plan.pendingMax,
	})
	w.refine = newRefinement(w, o)
	w.net = newNetwork(w)
	w.work = newWorkload(w)
	w.work.seen.isWanted, w.isForgetful = o.History, o.Forgetful
	for id := wire.NodeID(1); id <= wire.NodeID(w.plan.nodes); id++ {
		w.nodes = append(w.nodes, newNode(w, id))
	}
	return w
}

// after schedules something.
func (w *world) after(d time.Duration, do func()) { w.push(w.now+int64(d), event{do: do}) }

func (w *world) push(at int64, e event) {
	w.seq++
	w.queue.push(at, w.seq, e)
}

// runUntil lets everything happen that happens up to a time, or until a violation.
func (w *world) runUntil(until int64) {
	for !w.queue.isEmpty() && w.queue.next() <= until && w.check.Violation() == nil {
		w.advance()
	}
	if w.check.Violation() == nil {
		w.now = max(w.now, until)
	}
}

// advance lets the next event happen.
func (w *world) advance() {
	m, e := w.queue.pop()
	w.now = m.at
	w.events++
	w.hash = w.hash*0x100000001b3 ^ uint64(m.at) ^ m.seq<<40
	w.happen(&e)
}

// waitFor lets everything happen until something is the case, for a number of election
// time-outs at most, and reports whether it is.
func (w *world) waitFor(isSo func() bool, timeouts int) bool {
	slice := int64(w.plan.electionTimeout) / 20
	for range 20 * timeouts {
		if w.check.Violation() != nil || isSo() {
			break
		}
		w.runUntil(w.now + slice)
	}
	return w.check.Violation() == nil && isSo()
}

// happen lets one event happen. A violated invariant of production is one of the run.
func (w *world) happen(e *event) {
	defer func() {
		if cause := recover(); cause != nil {
			w.check.Report(&safety.Violation{Invariant: "panic", Detail: fmt.Sprintf("%v, at %s", cause, callers())})
		}
	}()
	switch {
	case e.step != nil:
		e.step.run()
	case e.timer != nil:
		e.timer.ring(w.now)
	case e.frame != nil:
		w.net.link(e.from, e.to).inFlight--
		w.net.arrive(e.from, e.to, e.frame)
	default:
		e.do()
	}
}

// callers says where a panic came from, in a way that is the same in every run.
func callers() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var where []string
	for {
		frame, more := frames.Next()
		if name := frame.Function; strings.Contains(name, "balsa-raft") {
			where = append(where, fmt.Sprintf("%s:%d", name[strings.LastIndex(name, "/")+1:], frame.Line))
		}
		if !more || len(where) == 6 {
			return strings.Join(where, " < ")
		}
	}
}

// fault counts a fault that happened.
func (w *world) fault(f Fault) {
	w.counts[f]++
	w.recent = w.recent.With(f)
}

// has reports whether a fault may happen now.
func (w *world) has(f Fault) bool { return !w.healing && w.plan.faults.Has(f) }

// chance draws whether a fault of some kind happens that has the given odds.
func (w *world) chance(r *rand.Rand, f Fault, odds float64) bool {
	return w.has(f) && r.Float64() < odds*w.plan.intensity
}

// progressed is told that a command was acknowledged.
func (w *world) progressed() { w.useful = w.useful.And(w.recent) }

// say writes a line of the transcript. Callers ask for w.out first if a line is costly.
func (w *world) say(node wire.NodeID, format string, args ...any) {
	if w.out == nil {
		return
	}
	who := "world"
	if node != 0 {
		who = fmt.Sprintf("node %d", node)
	}
	fmt.Fprintf(w.out, "%12.6f  %-6s  %s\n", float64(w.now)/1e9, who, fmt.Sprintf(format, args...))
}

// leader returns the running node that leads in the highest term, nil if none does.
func (w *world) leader() *node {
	var leader *node
	for _, n := range w.nodes {
		if n.isUp() && n.view.Leads && (leader == nil || n.view.Term > leader.view.Term) {
			leader = n
		}
	}
	return leader
}

// members are those with which the group is formed.
func (w *world) members() []raft.Member {
	members := make([]raft.Member, w.plan.nodes-w.plan.changes.spares)
	for i := range members {
		members[i] = raft.Member{ID: raft.NodeID(i + 1), Address: fmt.Sprintf("n%d", i+1)}
	}
	return members
}
