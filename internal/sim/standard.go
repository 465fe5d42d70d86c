// SPDX-License-Identifier: Apache-2.0

package sim

import "time"

// steadyPlan is a cluster without faults as it might be run: all settings of the
// library have their usual values, messages take about half a millisecond, writes less,
// and clients send ten small commands a second in all.
func steadyPlan(nodes int, electionTimeout time.Duration) plan {
	return plan{
		nodes: nodes, intensity: 1, duration: 10 * time.Minute,
		electionTimeout: electionTimeout, heartbeat: electionTimeout / 10, writeStall: electionTimeout,
		commandMax: 1 << 20, pendingMax: 64 << 20, batchMax: 256 << 10, inflightBytes: 8 << 20, inflightMessages: 256, cache: 8 << 20,
		segmentBytes: 256 << 10, blockBytes: 512,
		initializers: 1<<nodes - 1, diskLatency: 200 * time.Microsecond, linkDelay: 500 * time.Microsecond,
		clients: 2, rate: 10, batch: 1, commandBytes: 64,
	}
}

// standardPlan is the setting in which the speed of simulators of Raft was measured
// for comparison: three nodes, ten commands a second, messages lost and doubled, and every
// few seconds a crash or a partition.
func standardPlan() plan {
	p := steadyPlan(3, time.Second)
	for _, f := range []Fault{Drop, Duplicate, CutNode, CutHalves, CrashPower, CrashKill, LoseUnsynced, TearSector, KeepSome} {
		p.faults = p.faults.With(f)
	}
	return p
}
