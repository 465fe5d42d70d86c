// SPDX-License-Identifier: Apache-2.0

package load

import (
	"runtime/metrics"
	"time"
)

// usage is what the process has used so far.
type usage struct {
	at       time.Time
	cpu      time.Duration
	rssMiB   float64
	allocs   uint64
	gcCycles uint64
	stats    Stats
}

func usageOf(system System) usage {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(samples)
	u := usage{allocs: samples[0].Value.Uint64(), gcCycles: samples[1].Value.Uint64(), stats: system.Stats()}
	u.cpu, u.rssMiB = processUsage()
	u.at = time.Now()
	return u
}
