// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Action is what a step of a plan does. Node stands for one node, often the leader.
type Action string

// The actions. The first of the node's links are those from it, or to it, or both.
const (
	KillNode      Action = "kill"                // and start it again later
	KillEarly     Action = "kill while starting" // a few times
	KillMajority  Action = "kill majority"
	KillAll       Action = "kill all"
	TerminateNode Action = "terminate" // by SIGTERM
	PauseNode     Action = "pause"
	PauseMajority Action = "pause majority"
	CutNode       Action = "cut off"       // all its links
	CutFrom       Action = "cut from node" // one way
	CutTo         Action = "cut to node"   // one way
	CutOne        Action = "cut one way"   // of one pair
	CutPair       Action = "cut pair"
	CutHalves     Action = "cut in two"
	CutBridge     Action = "cut but for a bridge" // one node reaches all others
	CutRing       Action = "cut to a ring"        // each reaches two others, never the same
	Flap          Action = "flap"                 // cut off and heal in quick succession
	DelayNode     Action = "delay node"
	DelayAll      Action = "delay all"
	SlowNode      Action = "slow node"
	TruncateNode  Action = "truncate"
	FlipAll       Action = "flip all"
)

// deck is what plans are dealt from, in shares.
var deck = []Action{
	KillNode, KillNode, KillNode, KillEarly, KillMajority, KillAll, TerminateNode,
	PauseNode, PauseNode, PauseNode, PauseNode, PauseMajority,
	CutNode, CutNode, CutFrom, CutTo, CutOne, CutPair, CutHalves, CutBridge, CutRing, Flap,
	DelayNode, DelayAll, SlowNode, SlowNode, TruncateNode, TruncateNode, FlipAll, FlipAll,
}

// Step is one fault of a plan.
type Step struct {
	// After is how long after the step before it begins; For is how long it lasts.
	After, For time.Duration
	Action     Action
	// Leader says that the node is to be the leader, if there is one.
	Leader bool
	// Fault is what the links get, if it is about links.
	Fault Fault
	// Seed is for what is drawn when it is known which nodes run.
	Seed uint64
}

// String writes the step on one line.
func (s Step) String() string {
	whom := "some node"
	if s.Leader {
		whom = "leader"
	}
	return fmt.Sprintf("%s (%s, %v) for %v", s.Action, whom, s.Fault, s.For)
}

// NewPlan draws a plan. The same arguments give the same plan. Times go by the election
// time-out. Whole decks of steps have every action in them.
func NewPlan(seed uint64, steps int, electionTimeout time.Duration) []Step {
	d := dealer{rng: rand.New(rand.NewPCG(seed, 0)), unit: electionTimeout}
	plan := make([]Step, 0, steps)
	var order []int
	for range steps {
		if len(order) == 0 {
			order = d.rng.Perm(len(deck))
		}
		plan = append(plan, d.step(deck[order[0]]))
		order = order[1:]
	}
	return plan
}

// DeckSize is how many steps there are in a deck.
func DeckSize() int { return len(deck) }

// damageAfterMax bounds how many bytes pass before one is damaged: about as many as a
// handshake and a few messages have.
const damageAfterMax = 1000

type dealer struct {
	rng  *rand.Rand
	unit time.Duration
}

// between draws a duration, in election time-outs.
func (d *dealer) between(least, most float64) time.Duration {
	return time.Duration((least + d.rng.Float64()*(most-least)) * float64(d.unit)).Round(time.Millisecond)
}

func (d *dealer) step(action Action) Step {
	s := Step{Action: action, After: d.between(0, 1), For: d.between(0.5, 3), Leader: d.rng.IntN(2) == 0}
	switch action {
	case KillMajority, KillAll:
		s.For = d.between(0, 1)
	case PauseNode, PauseMajority:
		s.For = d.between(0.1, 3)
	case Flap:
		s.For = d.between(0.1, 0.4)
	case DelayNode, DelayAll:
		s.Fault = Fault{Kind: Delay, Delay: d.between(0.05, 1.5)}
	case SlowNode:
		s.Fault = Fault{Kind: Slow, BytesPerSecond: 1 << (9 + d.rng.IntN(7))}
	case TruncateNode:
		s.Fault = Fault{Kind: Truncate, After: d.rng.IntN(damageAfterMax)}
	case FlipAll:
		s.Fault = Fault{Kind: Flip, After: d.rng.IntN(damageAfterMax)}
	}
	if s.Fault.Kind != "" {
		s.Leader, s.For = true, d.between(1, 3) // So that there is something that it can meet.
	}
	switch action {
	case CutNode, CutFrom, CutTo, CutOne, CutPair, CutHalves, CutBridge, CutRing, Flap:
		s.Fault.Kind = []FaultKind{Hold, Drop, Reset}[d.rng.IntN(3)]
	}
	s.Seed = d.rng.Uint64()
	return s
}

// directions returns the links that an action is about. The nodes come in random order,
// the one that it is about first.
func directions(action Action, nodes []int, rng *rand.Rand) []Direction {
	node := nodes[0]
	half := 1 + rng.IntN(len(nodes)-1)
	between := func(is func(from, to int) bool) []Direction { // By places in nodes.
		var all []Direction
		for i, from := range nodes {
			for j, to := range nodes {
				if i != j && is(i, j) {
					all = append(all, Direction{from, to})
				}
			}
		}
		return all
	}
	switch action {
	case CutFrom:
		return between(func(from, _ int) bool { return from == 0 })
	case CutTo:
		return between(func(_, to int) bool { return to == 0 })
	case CutOne:
		return []Direction{{node, nodes[1]}}
	case CutPair:
		return []Direction{{node, nodes[1]}, {nodes[1], node}}
	case CutHalves:
		return between(func(from, to int) bool { return from < half != (to < half) })
	case CutBridge:
		middle := (len(nodes) + 1) / 2
		return between(func(from, to int) bool { return from > 0 && to > 0 && from < middle != (to < middle) })
	case CutRing:
		return between(func(from, to int) bool { return !neighbours(from, to, len(nodes)) })
	case DelayAll, FlipAll:
		return between(func(int, int) bool { return true })
	}
	return between(func(from, to int) bool { return from == 0 || to == 0 })
}

// neighbours reports whether two places are next to each other: in a ring, or among
// three, where that would be all, in a row.
func neighbours(a, b, count int) bool {
	apart := max(a, b) - min(a, b)
	return apart == 1 || apart == count-1 && count > 3
}
