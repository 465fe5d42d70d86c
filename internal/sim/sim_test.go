// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// isBrief reports whether there is time for a sample only.
func isBrief() bool { return testing.Short() || isRace }

// skipInRace is for tests that take long and in which the race detector has nothing to find.
func skipInRace(t *testing.T) {
	t.Helper()
	if isRace {
		t.Skip("slow, and of one goroutine")
	}
}

// inParallel calls a function with numbers below count, on all processors.
func inParallel(count int, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	workers.Wait()
}

// TestSeeds runs seeds, shortened, and demands that every kind of fault happened and
// that commands were acknowledged afterwards.
func TestSeeds(t *testing.T) {
	seeds := 150
	if isBrief() {
		seeds = 20
	}
	results := make([]Result, seeds)
	inParallel(seeds, func(i int) {
		results[i] = Run(Options{Seed: uint64(i + 1), Duration: 6 * time.Second})
	})
	var useful, planned Faults
	for i := range results {
		r := &results[i]
		useful, planned = useful.And(r.Useful), planned.And(r.Planned)
		if r.Violation != nil {
			t.Errorf("seed %d: %v\nreproduce: go run ./cmd/raftsim -seed %d -duration 6s -v", r.Seed, r.Violation, r.Seed)
		}
	}
	if missed := planned.Minus(useful); !missed.IsEmpty() && !isBrief() {
		t.Errorf("kinds of faults that never happened, or without any progress: %v", missed)
	}
	if planned != AllFaults() && !isBrief() {
		t.Errorf("kinds of faults that no seed has: %v", AllFaults().Minus(planned))
	}
}

// regressions are seeds that found a bug, which is mended since. What a seed does
// changes with the code it runs, so that the bugs have tests of their own, too.
var regressions = []struct {
	Options
	bug string
}{
	{Options{Seed: 49}, "the first leader was lost before anybody heard of it, which took forming the group on all members; see heal"},
	{Options{Seed: 206}, forgottenForward},
	{Options{Seed: 302}, forgottenForward},
	{Options{Seed: 419}, forgottenForward},
	{Options{Seed: 3, Duration: 2733 * time.Millisecond, Without: Faults{}.With(CrashInSnapshot)}, "an installed snapshot was external before the state machine had synced what it restored"},
	{Options{Seed: 10}, "a snapshot that could not be read once, at a start, was taken for damaged"},
	{Options{Seed: 52}, ackBeforeReset},
	{Options{Seed: 212}, ackBeforeReset},
}

const ackBeforeReset = "a member acknowledged what a snapshot covers before its log had begun anew behind it"

const forgottenForward = "a leader that restarted was sent a forwarded command again, which it had proposed, and said that it was not applied"

func TestRegressions(t *testing.T) {
	for i, r := range regressions {
		if isBrief() && i > 1 {
			return
		}
		if result := Run(r.Options); result.Violation != nil {
			t.Errorf("seed %d: %v (once: %s)", r.Seed, result.Violation, r.bug)
		}
	}
}

// TestSameSeedSameRun is what everything else relies on.
func TestSameSeedSameRun(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		var transcripts [2]bytes.Buffer
		var results [2]Result
		inParallel(2, func(i int) {
			results[i] = Run(Options{Seed: seed, Duration: 2 * time.Second, Transcript: &transcripts[i]})
		})
		if results[0].Hash != results[1].Hash || !bytes.Equal(transcripts[0].Bytes(), transcripts[1].Bytes()) {
			t.Errorf("seed %d: two runs differ", seed)
		}
		silent := Run(Options{Seed: seed, Duration: 2 * time.Second})
		if silent.Hash != results[0].Hash {
			t.Errorf("seed %d: a run with a transcript differs from one without", seed)
		}
	}
}

func TestFaultNames(t *testing.T) {
	for f := range faultCount {
		set, err := ParseFaults(f.String())
		if err != nil || set != (Faults{}.With(f)) {
			t.Errorf("%d %q: %b, %v", f, f, set, err)
		}
	}
	if set, err := ParseFaults(AllFaults().String()); err != nil || set != AllFaults() {
		t.Errorf("all: %b, %v", set, err)
	}
	if _, err := ParseFaults("earthquake"); err == nil {
		t.Error("a fault that does not exist was parsed")
	}
}

func TestClock(t *testing.T) {
	for _, ppm := range []int64{-200_000, -1, 0, 1, 200_000} {
		c := clock{base: 12345, from: 1000}
		c.setRate(5000, ppm)
		for _, passed := range []int64{0, 1, 999_999, 1_000_001, 3_600_000_000_000} {
			shown := c.at(5000) + passed
			if at := c.worldAt(shown); c.at(at) < shown || c.at(at) > shown+1 {
				t.Errorf("ppm %d: the clock is to show %d at %d, shows %d", ppm, shown, at, c.at(at))
			}
		}
	}
}

func TestEventsInOrder(t *testing.T) {
	var q eventQueue
	for i := range 1000 {
		q.push(int64(i*7919%100), uint64(i), event{from: wire.NodeID(i)})
	}
	last, _ := q.pop()
	for !q.isEmpty() {
		next, e := q.pop()
		if next.before(&last) {
			t.Fatalf("%v after %v", next, last)
		}
		if uint64(e.from) != next.seq {
			t.Fatalf("the event of %v is that of %d", next, e.from)
		}
		last = next
	}
}
