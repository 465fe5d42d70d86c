// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// bad are the conditions of a network that does everything wrong but forge.
var bad = mem.Conditions{DelayMax: 20 * time.Millisecond, DropRate: 0.1, DuplicateRate: 0.1, Reorder: true}

// leaderCrashes crashes the leader and starts it again later.
func leaderCrashes(w *workload) {
	w.pause(time.Second)
	leader := w.leader()
	w.crash(leader.id)
	w.pause(2 * time.Second)
	w.start(leader.id)
	w.pause(time.Second)
}

// disturbances are what happens to a cluster while clients propose, each with so many
// seeds.
var disturbances = []struct {
	name    string
	nodes   int
	seeds   uint64
	disturb func(w *workload)
}{
	{"nothing happens", 3, 1, func(w *workload) { w.pause(2 * time.Second) }},
	{"the leader crashes", 3, 2, leaderCrashes},
	{"one node crashes", 1, 1, leaderCrashesAlone},
	{"a bad network", 3, 3, func(w *workload) {
		w.network.SetConditions(bad)
		w.pause(10 * time.Second)
	}},
	{"a bad network, and the leader crashes", 3, 2, func(w *workload) {
		w.network.SetConditions(bad)
		leaderCrashes(w)
	}},
	{"a very bad network", 3, 1, func(w *workload) {
		w.network.SetConditions(mem.Conditions{DelayMax: 100 * time.Millisecond, DropRate: 0.2, DuplicateRate: 0.3, Reorder: true})
		w.pause(20 * time.Second)
	}},
	{"the leader is isolated", 3, 2, func(w *workload) {
		w.pause(time.Second)
		old := w.leader()
		w.network.Isolate(old.id)
		w.pause(8 * time.Second)
		w.network.HealAll()
		w.pause(2 * time.Second)
	}},
	{"the leader is isolated without a word", 3, 1, func(w *workload) {
		w.network.SetSilent(true)
		w.network.Isolate(w.leader().id)
		w.pause(8 * time.Second)
		w.network.HealAll()
		w.pause(2 * time.Second)
	}},
	{"the leader hears nobody", 3, 1, oneWay(func(w *workload, leader, other raft.NodeID) { w.network.CutOneWay(other, leader) })},
	{"nobody hears the leader", 3, 1, oneWay(func(w *workload, leader, other raft.NodeID) { w.network.CutOneWay(leader, other) })},
	{"two leaders crash in a row", 5, 1, func(w *workload) {
		w.pause(time.Second)
		first := w.leader()
		w.crash(first.id)
		second := w.leader()
		w.crash(second.id)
		w.leader()
		w.pause(time.Second)
		w.start(second.id)
		w.start(first.id)
		w.pause(time.Second)
	}},
	{"all are restarted in turn", 3, 1, func(w *workload) {
		for id := range w.members {
			w.pause(500 * time.Millisecond)
			w.stop(id)
			w.leader()
			w.start(id)
		}
	}},
	{"the power fails", 3, 2, func(w *workload) {
		w.pause(time.Second)
		powerFails(w)
		w.pause(2 * time.Second)
	}},
	{"disks are slow, and the power fails", 3, 1, func(w *workload) {
		for _, m := range w.members {
			m.log.SetSaveDelay(time.Duration(m.id) * 7 * time.Millisecond)
		}
		w.pause(time.Second)
		powerFails(w)
		w.pause(time.Second)
	}},
	{"the leader's disk hangs", 3, 1, func(w *workload) {
		w.pause(time.Second)
		old := w.leader()
		old.log.Stall()
		w.pause(5 * time.Second)
		old.log.Resume()
		w.pause(time.Second)
	}},
	{"leadership goes round", 3, 2, func(w *workload) {
		for range 5 {
			w.pause(300 * time.Millisecond)
			old := w.leader()
			w.stop(old.id)
			w.leader()
			w.start(old.id)
		}
	}},
}

func TestWhatClientsAreToldIsTrue(t *testing.T) {
	for _, test := range disturbances {
		seeds := test.seeds
		if isRace {
			seeds = (seeds + 1) / 2
		}
		for seed := range seeds {
			t.Run(fmt.Sprint(test.name, " ", seed), func(t *testing.T) {
				inWorkload(t, test.nodes, 6, seed+1, test.disturb)
			})
		}
	}
}

func leaderCrashesAlone(w *workload) {
	w.pause(time.Second)
	w.crash(1)
	w.start(1)
	w.pause(time.Second)
}

// oneWay lets something be done to the leader and each of the others for a while.
func oneWay(cut func(w *workload, leader, other raft.NodeID)) func(w *workload) {
	return func(w *workload) {
		w.pause(time.Second)
		leader := w.leader().id
		for id := range w.members {
			if id != leader {
				cut(w, leader, id)
			}
		}
		w.pause(5 * time.Second)
	}
}

// powerFails ends all members at one moment, and starts them again on what their
// disks had then.
func powerFails(w *workload) {
	for id, m := range w.members {
		w.network.Isolate(id)
		m.log = m.log.Clone()
	}
	for id := range w.members {
		w.stop(id)
	}
	w.network.HealAll()
	for id := range w.members {
		w.start(id)
	}
}
