// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/balsa-raft/raft/internal/sim"
)

// Networks: messages take half a millisecond, or forty, in one direction.
const (
	lan = 500 * time.Microsecond
	wan = 40 * time.Millisecond
)

// measurements are all that can be measured.
var measurements = []measurement{
	failover("failover-3", 3, time.Second, lan, 0, map[string]float64{"p50": 1.10, "p99": 1.55, "max": 3.0}),
	failover("failover-5", 5, time.Second, lan, 0, map[string]float64{"p50": 1.00, "p99": 1.40, "max": 2.5}),
	failover("failover-3-150ms", 3, 150*time.Millisecond, lan, 0, map[string]float64{"p50": 1.10, "p99": 1.55, "max": 3.0}),
	failover("failover-5-150ms", 5, 150*time.Millisecond, lan, 0, map[string]float64{"p50": 1.00, "p99": 1.40, "max": 2.5}),
	failover("failover-5-wan", 5, time.Second, wan, 0, map[string]float64{"p99": 2.0}),
	failover("failover-3-load", 3, time.Second, lan, 100, nil),
	failover("failover-5-load", 5, time.Second, lan, 100, nil),
	stall("stall-3", 3, 0, map[string]float64{"p99": 2}),
	stall("stall-5", 5, 0, map[string]float64{"p99": 2}),
	stall("stall-3-quick", 3, 500*time.Millisecond, map[string]float64{"p99": 2}),
	partition("partition-heal-3", "all directed graphs of three, heal to commit", "T", 3, took, nil, map[string]float64{"p99.9": 3}),
	partition("partition-heal-5", "all graphs of five, heal to commit", "T", 5, took, nil, map[string]float64{"p99.9": 3}),
	partition("partition-serve-3", "where a quorum is connected, cut to commit", "T", 3, other, servesNot, map[string]float64{"max": 3}),
	partition("partition-serve-5", "where a quorum is connected, cut to commit", "T", 5, other, servesNot, map[string]float64{"max": 3}),
	partition("partition-terms-3", "where a quorum is connected, terms a change", "terms", 3, count, servesNot, map[string]float64{"max": 1}),
	partition("partition-terms-5", "where a quorum is connected, terms a change", "terms", 5, count, servesNot, map[string]float64{"max": 1}),
	steady("steady-3", "no faults, an hour each", sim.Setting{Nodes: 3, ElectionTimeout: time.Second, Rate: 10}, 20, 0),
	steady("steady-5", "no faults, an hour each", sim.Setting{Nodes: 5, ElectionTimeout: time.Second, Rate: 10}, 20, 0),
	steady("loss-3-10%", "a tenth lost, an hour each", sim.Setting{Nodes: 3, ElectionTimeout: 150 * time.Millisecond, Loss: 0.1}, 6, 0),
	steady("loss-5-10%", "a tenth lost, an hour each", sim.Setting{Nodes: 5, ElectionTimeout: 150 * time.Millisecond, Loss: 0.1}, 6, 0),
	steady("loss-3-10%-load", "a tenth lost, an hour each, 10/s", sim.Setting{Nodes: 3, ElectionTimeout: 150 * time.Millisecond, Loss: 0.1, Rate: 10}, 6, 0),
	steady("loss-3-20%", "a fifth lost, an hour each", sim.Setting{Nodes: 3, ElectionTimeout: 150 * time.Millisecond, Loss: 0.2}, 6, 1),
	steady("loss-5-20%", "a fifth lost, an hour each", sim.Setting{Nodes: 5, ElectionTimeout: 150 * time.Millisecond, Loss: 0.2}, 6, 1),
	probing("probing-3", sim.Setting{Nodes: 3, ElectionTimeout: time.Second, Rate: 20, Faults: processFaults}),
	probing("probing-5", sim.Setting{Nodes: 5, ElectionTimeout: time.Second, Rate: 20, Faults: processFaults}),
}

func servesNot(t *sim.Trial) bool { return t.Other < 0 }

// processFaults are those that leave links either open or cut.
var processFaults = sim.Faults{}.With(sim.CrashPower).With(sim.CrashKill).With(sim.CrashLeader).With(sim.CutNode).With(sim.CutLeader).
	With(sim.CutHalves).With(sim.CutOneWay).With(sim.Pause).With(sim.Break).With(sim.Refuse).With(sim.ReadError)

func failover(name string, nodes int, timeout, delay time.Duration, rate float64, goals map[string]float64) measurement {
	s := sim.Setting{Nodes: nodes, ElectionTimeout: timeout, Delay: delay, Rate: rate}
	return measurement{
		name: name, what: "leader crashes, to the first commit of a new term", unit: "T", trials: 2000,
		run: func(seed uint64) sim.Trial { return sim.Failover(s, seed) }, value: took, goals: goals,
	}
}

func stall(name string, nodes int, writeStall time.Duration, goals map[string]float64) measurement {
	s := sim.Setting{Nodes: nodes, ElectionTimeout: time.Second, WriteStall: writeStall, Rate: 10}
	return measurement{
		name: name, what: "leader's disk hangs, to another leader", unit: "T", trials: 2000,
		run: func(seed uint64) sim.Trial { return sim.Stall(s, seed) }, value: took, goals: goals,
	}
}

// partition tries all graphs, and all of them again with other seeds.
func partition(name, what, unit string, nodes int, value func(*sim.Trial) float64, skips func(*sim.Trial) bool, goals map[string]float64) measurement {
	s := sim.Setting{Nodes: nodes, ElectionTimeout: time.Second, Rate: 20}
	graph, graphs, trials := sim.GraphOfThree, uint64(sim.GraphsOfThree), 32*sim.GraphsOfThree
	if nodes == 5 {
		graph, graphs, trials = sim.GraphOfFive, sim.GraphsOfFive, 2*sim.GraphsOfFive
	}
	return measurement{
		name: name, what: what, unit: unit, trials: trials,
		run: func(seed uint64) sim.Trial { return sim.Partition(s, graph(int(seed%graphs)), seed) }, value: value, skips: skips, goals: goals,
	}
}

func steady(name, what string, s sim.Setting, trials int, most float64) measurement {
	return measurement{
		name: name, what: what, unit: "terms", trials: trials,
		run:   func(seed uint64) sim.Trial { return sim.Steady(s, anHour(s.ElectionTimeout), seed) },
		value: count, goals: map[string]float64{"max": most},
	}
}

func probing(name string, s sim.Setting) measurement {
	return measurement{
		name: name, what: "longest probe that gets nowhere over an open link, ten minutes each", unit: "heartbeat", trials: 100,
		run:   func(seed uint64) sim.Trial { return sim.Probing(s, 600, seed) },
		value: took, goals: map[string]float64{"max": 10},
	}
}
