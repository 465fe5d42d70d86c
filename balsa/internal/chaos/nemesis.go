// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// calmSteps is after how many steps everything is healed, and progress demanded.
	calmSteps = 7
	// calmOperations is how many operations must be answered then.
	calmOperations = 20
	// startsEarly is how often KillEarly starts a node, and earlyMax the time that it
	// has at most before it is killed.
	startsEarly = 3
	earlyMax    = 60 * time.Millisecond
	// flaps is how often Flap cuts.
	flaps = 4
	// terminateTimeout is how long a node may take to end when it is asked to.
	terminateTimeout = 20 * time.Second
)

// Counts are how often faults were caused. Of cuts, each time counts once, however many
// links it was about.
type Counts struct {
	Kills, Pauses, Cuts, Terminations, Others int
	// Actions are how often each action was done.
	Actions map[Action]int
	// Hits are how often each fault of links met a connection or bytes.
	Hits map[FaultKind]int
}

// Add adds other counts.
func (c *Counts) Add(other Counts) {
	c.Kills += other.Kills
	c.Pauses += other.Pauses
	c.Cuts += other.Cuts
	c.Terminations += other.Terminations
	c.Others += other.Others
	if c.Actions == nil {
		c.Actions, c.Hits = make(map[Action]int), make(map[FaultKind]int)
	}
	for action, count := range other.Actions {
		c.Actions[action] += count
	}
	for kind, count := range other.Hits {
		c.Hits[kind] += count
	}
}

// Missing returns an error that names the faults that were planned and never happened.
func (c *Counts) Missing() error {
	var errs []error
	for _, action := range deck {
		if c.Actions[action] == 0 {
			errs = append(errs, fmt.Errorf("chaos: never: %s", action))
		}
	}
	for _, kind := range FaultKinds {
		if c.Hits[kind] == 0 {
			errs = append(errs, fmt.Errorf("chaos: nothing met a link's fault: %s", kind))
		}
	}
	return errors.Join(errs...)
}

// nemesis carries out a plan. All is done by one goroutine.
type nemesis struct {
	cluster *Cluster
	history *History
	log     io.Writer
	counts  Counts
	endings []ending
	// recovery is the longest time that calm had to wait for.
	recovery time.Duration
}

// ending is the end of a fault that goes on while others begin.
type ending struct {
	at   time.Time
	what string
	do   func() error
}

// run carries out the plan. It leaves things as they are then. The error is about a
// process that died, or about progress that was not made when nothing was wrong.
func (n *nemesis) run(plan []Step) error {
	n.counts.Actions = make(map[Action]int)
	for i, s := range plan {
		if err := n.idle(s.After); err != nil {
			return err
		}
		if err := n.do(s); err != nil {
			return fmt.Errorf("chaos: step %d, %v: %w", i, s, err)
		}
		if (i+1)%calmSteps == 0 && i < len(plan)-1 {
			if err := n.calm(); err != nil {
				return err
			}
		}
	}
	return nil
}

// tally returns the counts.
func (n *nemesis) tally() Counts {
	n.counts.Hits = make(map[FaultKind]int)
	for _, kind := range FaultKinds {
		n.counts.Hits[kind] = n.cluster.Mesh.Hits(kind)
	}
	return n.counts
}

func (n *nemesis) say(format string, args ...any) {
	fmt.Fprintf(n.log, "%v %s\n", time.Duration(n.history.Now()).Round(time.Millisecond), fmt.Sprintf(format, args...))
}

// idle lets time pass, in which faults end.
func (n *nemesis) idle(d time.Duration) error {
	until := time.Now().Add(d)
	for len(n.endings) > 0 && n.endings[0].at.Before(until) {
		e := n.endings[0]
		n.endings = n.endings[1:]
		pass(time.Until(e.at))
		n.say("end of %s", e.what)
		if err := e.do(); err != nil {
			return err
		}
	}
	pass(time.Until(until))
	return n.cluster.Died()
}

// later makes a fault end by itself.
func (n *nemesis) later(d time.Duration, what string, do func() error) {
	n.endings = append(n.endings, ending{time.Now().Add(d), what, do})
	slices.SortStableFunc(n.endings, func(a, b ending) int { return a.at.Compare(b.at) })
}

// calm heals everything and waits until clients make progress.
func (n *nemesis) calm() error {
	n.endings = nil
	if err := n.cluster.Heal(); err != nil {
		return err
	}
	begun, before := time.Now(), n.history.Count(Applied)
	n.say("calm, %d applied", before)
	err := until(RecoveryTimeout, "clients make progress, as nothing is wrong any more", func() bool {
		return n.history.Count(Applied) >= before+calmOperations || n.cluster.Died() != nil
	})
	n.recovery = max(n.recovery, time.Since(begun))
	return cmp.Or(n.cluster.Died(), err)
}

// do begins a step.
func (n *nemesis) do(s Step) error {
	if err := n.awaken(); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	nodes := n.order(s.Leader, rng)
	n.say("%v: %v", s, nodes)
	n.counts.Actions[s.Action]++
	majority := nodes[:len(nodes)/2+1]
	switch s.Action {
	case KillNode:
		return n.kill(s, nodes[:1])
	case KillMajority:
		return n.kill(s, majority)
	case KillAll:
		return n.kill(s, nodes)
	case KillEarly:
		return n.killEarly(nodes[0], rng)
	case TerminateNode:
		return n.terminate(s, nodes[0])
	case PauseNode:
		return n.pause(s, nodes[:1])
	case PauseMajority:
		return n.pause(s, majority)
	case Flap:
		return n.flap(s, directions(s.Action, nodes, rng))
	}
	return n.spoil(s, directions(s.Action, nodes, rng))
}

// awaken waits for the end of faults while no node is awake to suffer from another one.
func (n *nemesis) awaken() error {
	isAwake := func(p *Process) bool { return p.Awake() }
	for len(n.endings) > 0 && !slices.ContainsFunc(n.cluster.Processes, isAwake) {
		if err := n.idle(time.Until(n.endings[0].at) + time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// order returns the nodes in random order, those that are awake first, and the leader
// before all if that is wanted.
func (n *nemesis) order(leaderFirst bool, rng *rand.Rand) []int {
	nodes := rng.Perm(len(n.cluster.Processes))
	leader := 0
	if leaderFirst {
		leader = n.cluster.Leader()
	}
	rank := func(place int) int {
		switch p := n.cluster.Processes[place]; {
		case p.ID == leader:
			return 0
		case p.Awake():
			return 1
		case p.Running():
			return 2
		}
		return 3
	}
	slices.SortStableFunc(nodes, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	for i := range nodes {
		nodes[i]++
	}
	return nodes
}

func (n *nemesis) process(node int) *Process { return n.cluster.Processes[node-1] }

// start starts a node, unless another fault's end has done it.
func (n *nemesis) start(node int) error {
	if p := n.process(node); !p.Running() {
		return p.Start()
	}
	return nil
}

func (n *nemesis) startAll(nodes []int) error {
	var errs []error
	for _, node := range nodes {
		errs = append(errs, n.start(node))
	}
	return errors.Join(errs...)
}

func (n *nemesis) kill(s Step, nodes []int) error {
	var killed []int
	for _, node := range nodes {
		p := n.process(node)
		if !p.Running() {
			continue
		}
		if err := p.Kill(); err != nil {
			return err
		}
		n.counts.Kills++
		killed = append(killed, node)
	}
	n.later(s.For, fmt.Sprintf("%s of %v", s.Action, killed), func() error { return n.startAll(killed) })
	return nil
}

// killEarly kills a node again and again while it reads its log or takes up its work.
func (n *nemesis) killEarly(node int, rng *rand.Rand) error {
	p := n.process(node)
	for range startsEarly {
		if p.Running() {
			if err := p.Kill(); err != nil {
				return err
			}
			n.counts.Kills++
		}
		if err := p.Start(); err != nil {
			return err
		}
		if err := n.idle(time.Duration(rng.Int64N(int64(earlyMax)))); err != nil {
			return err
		}
	}
	return nil
}

func (n *nemesis) terminate(s Step, node int) error {
	p := n.process(node)
	// One that has just been started does not know yet what to do when it is asked to end.
	if err := n.cluster.AwaitServing(p); err != nil {
		return err
	}
	if err := p.Terminate(terminateTimeout); err != nil {
		return err
	}
	n.counts.Terminations++
	n.later(s.For, fmt.Sprintf("termination of %d", node), func() error { return n.start(node) })
	return nil
}

func (n *nemesis) pause(s Step, nodes []int) error {
	for _, node := range nodes {
		p := n.process(node)
		if !p.Awake() {
			continue
		}
		if err := p.Pause(); err != nil {
			return err
		}
		n.counts.Pauses++
		n.later(s.For, fmt.Sprintf("pause of %d", node), p.Resume)
	}
	return nil
}

// spoil gives links a fault.
func (n *nemesis) spoil(s Step, links []Direction) error {
	switch s.Fault.Kind {
	case Hold, Drop, Reset:
		n.counts.Cuts++
	default:
		n.counts.Others++
	}
	undo := n.cluster.Mesh.Set(links, s.Fault)
	n.later(s.For, fmt.Sprintf("%s of %v", s.Action, links), func() error { undo(); return nil })
	return nil
}

// flap cuts links and heals them, faster than a leader is missed.
func (n *nemesis) flap(s Step, links []Direction) error {
	for range flaps {
		n.counts.Cuts++
		undo := n.cluster.Mesh.Set(links, s.Fault)
		err := n.idle(s.For)
		undo()
		if err = cmp.Or(err, n.idle(s.For)); err != nil {
			return err
		}
	}
	return nil
}
