// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/balsa-raft/raft/internal/sim"
)

// runPairs runs seeds twice: one after the other on one processor, and side by side on
// all. Whatever differs between two runs of a seed is something that the seed does not
// determine, and fails. Whoever wants to compare machines, or builds with and without the
// race detector, compares the sums.
func runPairs(s *settings, base sim.Options, stdout io.Writer) int {
	processors := runtime.GOMAXPROCS(1)
	alone := hashes(s, base, 1)
	runtime.GOMAXPROCS(processors)
	together := hashes(s, base, max(s.workers, 2))
	sum := struct {
		Pairs      int      `json:"pairs"`
		Mismatches int      `json:"mismatches"`
		Differ     []uint64 `json:"seeds_that_differ,omitempty"`
		Processors int      `json:"processors"`
		Hash       string   `json:"hash"`
	}{Pairs: s.pairs, Processors: processors}
	hash := uint64(0)
	for i := range alone {
		hash = hash*0x100000001b3 ^ alone[i]
		if alone[i] != together[i] {
			sum.Mismatches++
			sum.Differ = append(sum.Differ, s.first+uint64(i))
		}
	}
	sum.Hash = fmt.Sprintf("%016x", hash)
	line, err := json.Marshal(&sum)
	if err != nil {
		fmt.Fprintln(stdout, err)
		return 2
	}
	fmt.Fprintf(stdout, "%s\n", line)
	if sum.Mismatches > 0 {
		return 1
	}
	return 0
}

// hashes are the checksums over the runs of the seeds.
func hashes(s *settings, base sim.Options, workers int) []uint64 {
	all := make([]uint64, 0, s.pairs)
	each(s.pairs, workers, func(i int) uint64 {
		o := base
		o.Seed = s.first + uint64(i)
		return sim.Run(o).Hash
	}, func(hash uint64) { all = append(all, hash) })
	return all
}
