// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// plan is what a seed says of a run before anything happens: the cluster, its
// settings, which faults there are and how hard they are, and what clients do. Swarm
// testing: a run that has all faults at once sees less than many runs with some each.
type plan struct {
	nodes  int // those that are spare included
	faults Faults
	// intensity scales how often faults happen, from 1/4 to 4.
	intensity float64
	duration  time.Duration
	isLong    bool

	electionTimeout, heartbeat, writeStall time.Duration
	disableForwarding                      bool
	commandMax, pendingMax, batchMax       int
	inflightBytes, inflightMessages, cache int
	segmentBytes, blockBytes               int

	// initializers are who form the group, as a set of bits.
	initializers uint8
	// diskLatency is how long a write takes usually, linkDelay a message.
	diskLatency, linkDelay time.Duration
	// tells says how likely it is that a broken connection is noticed at once.
	tells float64

	clients      int
	rate         float64 // commands a second, of all clients together
	batch        int     // commands proposed in a row
	commandBytes int     // the most of usual commands

	snapshots snapshotPlan
	changes   changePlan
}

func drawPlan(r *rand.Rand) plan {
	p := plan{
		nodes:     []int{1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7}[r.IntN(14)],
		intensity: math.Exp2(between(r, -2, 2)),
	}
	p.faults = drawFaults(r)
	p.electionTimeout = logDuration(r, 50*time.Millisecond, time.Second)
	p.duration = time.Duration(80+r.IntN(240)) * p.electionTimeout
	p.heartbeat = p.electionTimeout / time.Duration(3+r.IntN(12))
	p.writeStall = p.electionTimeout * time.Duration(1+r.IntN(4))
	p.disableForwarding = r.IntN(4) == 0
	p.commandMax = 256 << r.IntN(4)
	p.pendingMax = p.commandMax << (2 * r.IntN(8))
	p.batchMax = pick(r, 1, 128, 1<<10, 4<<10, 16<<10)
	p.inflightBytes = pick(r, 1, 1<<10, 16<<10, 16<<20)
	p.inflightMessages = pick(r, 1, 2, 8, 256)
	p.cache = pick(r, 1, 512, 4<<10, 1<<20)
	p.segmentBytes = max(pick(r, 8<<10, 16<<10, 64<<10), 4*p.batchMax)
	p.blockBytes = pick(r, 512, 512, 4096)
	if p.blockBytes == 4096 {
		p.segmentBytes = max(p.segmentBytes, 64<<10)
	}
	p.initializers = uint8(1 + r.IntN(1<<p.nodes-1))
	p.diskLatency = logDuration(r, 20*time.Microsecond, p.electionTimeout/20)
	p.linkDelay = logDuration(r, 20*time.Microsecond, p.electionTimeout/20)
	p.tells = []float64{0, 0.5, 1}[r.IntN(3)]
	p.clients = 1 + r.IntN(8)
	p.rate = logBetween(r, 1, 60) / p.electionTimeout.Seconds() / 4
	p.batch = pick(r, 1, 1, 4, 20)
	p.commandBytes = opBytes + r.IntN(p.commandMax-opBytes)
	if r.IntN(2) == 0 {
		p.commandBytes = min(p.commandBytes, 64)
	}
	p.snapshots = drawSnapshotPlan(r, p.electionTimeout)
	p.drawChanges(r)
	if r.IntN(longOdds) == 0 {
		p.lengthen(r)
	}
	return p
}

// One run in so many is a long one, which lasts this long.
const (
	longOdds     = 8
	longDuration = 10 * time.Minute
)

// lengthen makes it a long run. All times are stretched so that the election time-out is
// near the usual one, of a second: the run is then several times as long as others, in
// election time-outs and in events, and not a hundred times.
func (p *plan) lengthen(r *rand.Rand) {
	stretch := logDuration(r, 500*time.Millisecond, 2*time.Second).Seconds() / p.electionTimeout.Seconds()
	for _, d := range []*time.Duration{&p.electionTimeout, &p.heartbeat, &p.writeStall, &p.diskLatency, &p.linkDelay} {
		*d = time.Duration(float64(*d) * stretch)
	}
	p.rate /= stretch
	p.snapshots.stretch(stretch)
	p.duration, p.isLong = longDuration, true
}

// drawFaults draws the kinds of a run: none now and then, mostly a third of them.
func drawFaults(r *rand.Rand) Faults {
	share := pick(r, 0, 10, 20, 30, 40, 50, 60, 70)
	var set Faults
	for f := range faultCount {
		if r.IntN(100) < share {
			set = set.With(f)
		}
	}
	return set
}

func pick(r *rand.Rand, choices ...int) int { return choices[r.IntN(len(choices))] }

func between(r *rand.Rand, lo, hi float64) float64 { return lo + r.Float64()*(hi-lo) }

func logBetween(r *rand.Rand, lo, hi float64) float64 {
	return math.Exp(between(r, math.Log(lo), math.Log(hi)))
}

func logDuration(r *rand.Rand, lo, hi time.Duration) time.Duration {
	return time.Duration(logBetween(r, float64(lo), float64(max(hi, lo+1))))
}

func (p *plan) String() string {
	return fmt.Sprintf("%d nodes for %v, faults x%.2f, election %v, heartbeat %v, stall %v, forwarding %v, "+
		"command %d, pending %d, batch %d, inflight %d/%d, cache %d, segment %d, block %d, initialized by %b, disk %v, link %v, "+
		"tells %.1f, %d clients, %.1f commands/s in runs of %d of %d bytes, snapshots %v, changes %v, faults: %v",
		p.nodes, p.duration, p.intensity, p.electionTimeout, p.heartbeat, p.writeStall, !p.disableForwarding,
		p.commandMax, p.pendingMax, p.batchMax, p.inflightBytes, p.inflightMessages, p.cache, p.segmentBytes, p.blockBytes,
		p.initializers, p.diskLatency, p.linkDelay, p.tells, p.clients, p.rate, p.batch, p.commandBytes, &p.snapshots, &p.changes, p.faults)
}
