// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/balsa-raft/raft"
)

// pace is how long the tour takes.
type pace struct {
	// calm is how long clients write before the leader is killed, without how long
	// they do so on two nodes, and together on three again.
	calm, without, together time.Duration
	// acknowledgedMin is how many writes there are to be, whatever the time.
	acknowledgedMin int
}

var unhurried = pace{
	calm: 2 * time.Second, without: 1500 * time.Millisecond, together: time.Second, acknowledgedMin: 12_000,
}

// loadMax bounds the time that clients write.
const loadMax = 25 * time.Second

// tour is the demonstration, step by step.
type tour struct {
	pace    pace
	out     *narrator
	cluster *cluster
	pulse   *pulse
	load    *load
	changes atomic.Int64

	failover, catchUp time.Duration
	tally             tally
	found             Result
	victim            raft.NodeID
}

func (t *tour) run(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		t.watch(watching)
	}()
	defer func() {
		stop()
		<-watched
	}()
	for _, step := range []func(context.Context) error{
		t.elect, t.write, t.killLeader, t.restart, t.finishLoad, t.compare, t.verify,
	} {
		err := step(ctx)
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			if t.load != nil {
				t.load.stop()
			}
			return err
		}
	}
	return nil
}

func (t *tour) elect(ctx context.Context) error {
	began := time.Now()
	if err := t.until(ctx, "a node leads", func() bool { return t.cluster.leader().id != 0 }); err != nil {
		return err
	}
	l := t.cluster.leader()
	t.out.event("node %d leads, in term %d, %d ms after the start", l.id, l.term, time.Since(began).Milliseconds())
	return nil
}

func (t *tour) write(ctx context.Context) error {
	t.out.event("%d clients write to all nodes over the Redis protocol, %d commands at a time", clients, pipelineLength)
	t.load = startLoad(t.cluster.clientAddresses(), t.pulse)
	return t.pass(ctx, t.pace.calm)
}

func (t *tour) killLeader(ctx context.Context) error {
	old := t.cluster.leader()
	if old.id == 0 {
		return errors.New("demo: the leader was lost before it was killed")
	}
	t.pulse.reset()
	t.out.event("KILL node %d, the leader", old.id)
	if err := t.cluster.kill(old.id); err != nil {
		return err
	}
	t.victim = old.id
	if err := t.until(ctx, "another node leads", func() bool { return t.cluster.leader().term > old.term }); err != nil {
		return err
	}
	before := t.load.acknowledged.Load()
	if err := t.until(ctx, "writes are acknowledged again", func() bool {
		return t.load.acknowledged.Load() > before
	}); err != nil {
		return err
	}
	t.failover = t.pulse.pause()
	l := t.cluster.leader()
	t.out.event("node %d leads, in term %d: for %d ms nobody had an answer", l.id, l.term, t.failover.Milliseconds())
	return t.pass(ctx, t.pace.without)
}

func (t *tour) restart(ctx context.Context) error {
	id := t.victim
	began := time.Now()
	if err := t.cluster.restart(ctx, id); err != nil {
		return err
	}
	n := t.cluster.node(id)
	target, had := t.commit(), n.Status().LastIndex
	t.out.event("node %d is back from its disk, %s entries behind", id, grouped(int64(target)-int64(had)))
	if err := t.until(ctx, "the node has caught up", func() bool { return n.Status().AppliedIndex >= target }); err != nil {
		return err
	}
	t.catchUp = time.Since(began)
	t.out.event("node %d has caught up, %d ms after its start", id, t.catchUp.Milliseconds())
	return t.pass(ctx, t.pace.together)
}

// commit returns the highest commit index that any node knows.
func (t *tour) commit() (highest raft.Index) {
	for _, n := range t.cluster.all() {
		highest = max(highest, n.Status().CommitIndex)
	}
	return highest
}

func (t *tour) finishLoad(ctx context.Context) error {
	for t.load.acknowledged.Load() < int64(t.pace.acknowledgedMin) && time.Since(t.load.began) < loadMax {
		if err := t.pass(ctx, 10*lookInterval); err != nil {
			return err
		}
	}
	t.load.stop()
	t.out.event("the clients stop")
	return nil
}

func (t *tour) verify(context.Context) (err error) {
	t.tally, err = t.load.verify(t.cluster.clientAddresses()[0])
	t.out.event("looked for every acknowledged write")
	return err
}

func (t *tour) result() *Result {
	r := t.found
	r.Acknowledged, r.UnknownOutcome = t.tally.acknowledged, t.tally.unknown
	r.Lost, r.Duplicated, r.Complaint = t.tally.lost, t.tally.duplicated, t.tally.complaint
	r.LeaderChanges = int(t.changes.Load())
	r.FailoverMS, r.CatchUpMS = inMS(t.failover), inMS(t.catchUp)
	r.WritesPerSecond = int(float64(r.Acknowledged) / t.load.took.Seconds())
	return &r
}

func inMS(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
