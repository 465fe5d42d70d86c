// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/balsa-raft/raft/balsa/internal/chaos"
)

var (
	chaosSeed     = flag.Uint64("chaos.seed", 0, "what the chaos is drawn from; 0 for something new each time")
	chaosDuration = flag.Duration("chaos.duration", 0, "how long to go on; 0 for a few rounds")
	chaosProgram  = flag.String("chaos.program", "", "the balsa to run in place of the one that is built from here")
	chaosFolder   = flag.String("chaos.folder", "", "where a failure leaves its evidence; empty for a temporary folder")
)

const (
	// chaosElectionTimeout is that of the nodes: short, so that there are many
	// elections, and long enough that a busy machine lets a leader lead.
	chaosElectionTimeout = 300 * time.Millisecond
	// roundsMin is how many rounds there are, at least.
	roundsMin = 3
	// disruptionsMin and appliedMin are what all rounds together must come to, at
	// least, so that there is reason to believe in the result.
	disruptionsMin = 50
	appliedMin     = 200
)

// roundNodes are how many nodes there are in one round after the other, by the seed.
var roundNodes = []int{3, 5, 4}

// TestChaos runs real processes under faults and checks that no acknowledged write is
// lost, that none is applied twice, and that all is linearizable.
func TestChaos(t *testing.T) {
	if !chaos.CanPause {
		t.Skip("processes cannot be paused here")
	}
	program := *chaosProgram
	if program == "" {
		program = build(t)
	}
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	var counts chaos.Counts
	applied := 0
	begun := time.Now()
	for i := 0; i < roundsMin || time.Since(begun) < *chaosDuration; i++ {
		report := chaosRound(t, program, seed+uint64(i))
		if t.Failed() {
			return
		}
		counts.Add(report.Counts)
		applied += report.Applied
	}
	t.Logf("faults: %v; what met faults of links: %v; all in %v", counts.Actions, counts.Hits, time.Since(begun))
	if disruptions := counts.Kills + counts.Pauses + counts.Cuts; disruptions < disruptionsMin || applied < appliedMin {
		t.Errorf("%d kills, pauses and cuts and %d operations applied are too few", disruptions, applied)
	}
	if err := counts.Missing(); err != nil {
		t.Error(err)
	}
}

// chaosRound runs one round, and leaves its evidence if it fails.
func chaosRound(t *testing.T, program string, seed uint64) chaos.Report {
	t.Helper()
	nodes := roundNodes[seed%uint64(len(roundNodes))]
	folder, err := os.MkdirTemp(*chaosFolder, "chaos")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d nodes, -chaos.seed=%d", nodes, seed)
	report, err := chaos.Round{
		Options: chaos.Options{Program: program, Dir: folder, Nodes: nodes, ElectionTimeout: chaosElectionTimeout},
		Seed:    seed, Steps: chaos.DeckSize(),
	}.Run()
	t.Log(report)
	if err != nil {
		t.Errorf("%v\nThe evidence is in %s", err, folder)
		return report
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Error(err)
	}
	return report
}
