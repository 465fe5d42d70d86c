// SPDX-License-Identifier: Apache-2.0

package simcheck

import (
	"errors"
	"flag"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsa-raft/raft/internal/sim"
)

var (
	seeds = flag.Int("seeds", 60, "how many seeds to check")
	first = flag.Uint64("first", 1, "the first of them")
)

// longest is how long the search may take, for one register of one seed.
const longest = time.Minute

// TestSeeds runs seeds and asks porcupine about what the clients saw.
func TestSeeds(t *testing.T) {
	count := *seeds
	if testing.Short() || isRace {
		count = min(count, 4)
	}
	var checked, returned atomic.Int64
	inParallel(count, func(i int) {
		result := sim.Run(sim.Options{Seed: *first + uint64(i), History: true})
		if result.Violation != nil {
			t.Errorf("seed %d: %v", result.Seed, result.Violation)
		}
		operations, err := Check(result.History, longest)
		if err != nil {
			t.Errorf("seed %d: %v", result.Seed, err)
		}
		checked.Add(int64(operations))
		returned.Add(int64(len(result.History)))
	})
	t.Logf("%d seeds, %d operations, of which %d could contradict something", count, returned.Load(), checked.Load())
	if checked.Load() < int64(100*count) {
		t.Errorf("%d operations in %d seeds are too few to find anything", checked.Load(), count)
	}
}

// inParallel calls a function with numbers below count, two at a time.
func inParallel(count int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for i := int(next.Add(1)); i <= count; i = int(next.Add(1)) {
				do(i - 1)
			}
		})
	}
	workers.Wait()
}

// TestPlantedInTheCluster demands that a state machine that forgets is found from what
// clients saw, though every promise of Raft is kept.
func TestPlantedInTheCluster(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		result := sim.Run(sim.Options{Seed: seed, History: true, Forgetful: true})
		if result.Violation != nil {
			t.Fatalf("seed %d: %v: the fault is to be seen from outside only", seed, result.Violation)
		}
		if _, err := Check(result.History, longest); errors.Is(err, ErrNotLinearizable) {
			return
		}
	}
	t.Fatal("no seed shows it")
}

// One register: 16 is written, and then 32, and 48 while 32 was.
func history() []sim.Operation {
	return []sim.Operation{
		{ID: 16, Call: 1, Return: 2, Outcome: sim.Applied},
		{ID: 32, Call: 3, Return: 6, Outcome: sim.Applied, Before: 16},
		{ID: 48, Call: 4, Return: 5, Outcome: sim.Applied, Before: 32},
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(h []sim.Operation) []sim.Operation
		want error
	}{
		{"as it was", func(h []sim.Operation) []sim.Operation { return h }, nil},
		{"a write that was lost", func(h []sim.Operation) []sim.Operation {
			h[1].Before = 0
			return h
		}, ErrNotLinearizable},
		{"two that took the same place", func(h []sim.Operation) []sim.Operation {
			h[2].Before = 16
			return h
		}, ErrNotLinearizable},
		{"an order against real time", func(h []sim.Operation) []sim.Operation {
			h[0].Before, h[1].Before, h[2].Before = 32, 0, 16
			return h
		}, ErrNotLinearizable},
		{"a command that was refused and seen", func(h []sim.Operation) []sim.Operation {
			h[1].Outcome = sim.NotApplied
			return h
		}, ErrNotLinearizable},
		{"an unknown one that was seen", func(h []sim.Operation) []sim.Operation {
			h[1].Outcome, h[1].Return, h[1].Before = sim.Unknown, 0, 0
			return h
		}, nil},
		{"an unknown one that was seen before it was called", func(h []sim.Operation) []sim.Operation {
			h[1].Outcome, h[1].Return, h[1].Call = sim.Unknown, 0, 9
			return h
		}, ErrNotLinearizable},
		{"unknown ones that nobody saw", func(h []sim.Operation) []sim.Operation {
			for i := range 100 {
				h = append(h, sim.Operation{ID: uint64(64 + 16*i), Call: int64(7 + i)})
			}
			return h
		}, nil},
		{"an unknown one after an unknown one", func(h []sim.Operation) []sim.Operation {
			h[1].Outcome, h[1].Return = sim.Unknown, 0
			return slices.Insert(h, 1, sim.Operation{ID: 64, Call: 2})
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Check(test.edit(history()), longest); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}
