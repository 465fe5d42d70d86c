// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/balsa-raft/raft"
)

// snapshotPlan is what a seed says of snapshots.
type snapshotPlan struct {
	isOn   bool
	policy raft.SnapshotPolicy
	// transfers and bytesPerSecond bound what a node sends.
	transfers, bytesPerSecond int
	blockBytes, syncBytes     int
	// padding makes the state larger.
	padding int
	// isDurable says that the state machine keeps its state on the node's disk, which it writes
	// after one batch in so many.
	isDurable  bool
	flushEvery int
}

// drawSnapshotPlan draws snapshots that are small, and often taken, and logs that forget much
// at once; some transfers take as long as many of them.
func drawSnapshotPlan(r *rand.Rand, timeout time.Duration) snapshotPlan {
	p := snapshotPlan{
		isOn: r.IntN(4) > 0, isDurable: r.IntN(3) == 0, flushEvery: pick(r, 1, 4, 50),
		transfers: pick(r, 1, 1, 2, 7), padding: pick(r, 0, 2<<10, 16<<10, 48<<10),
		blockBytes: pick(r, 512, 2048, 16<<10), syncBytes: pick(r, 1, 4<<10, 1<<20),
	}
	p.policy = raft.SnapshotPolicy{
		Entries: pick(r, -1, 5, 20, 50, 200), LogBytes: int64(pick(r, -1, 500, 5000, 50_000)), Interval: -1,
		TrailingEntries: pick(r, -1, 1, 5, 50), TrailingBytes: int64(pick(r, -1, 200, 4<<10, 64<<20)),
		RetainBytesMax: int64(pick(r, 1, 1<<10, 16<<10, 1<<30)), Keep: pick(r, 1, 2, 3),
	}
	if r.IntN(2) == 0 || p.policy.Entries < 0 && p.policy.LogBytes < 0 {
		p.policy.Interval = logDuration(r, 2*timeout, 60*timeout)
	}
	slow := logDuration(r, timeout/2, 30*timeout).Seconds()
	if r.IntN(2) == 0 {
		// No chunk takes longer than two election time-outs, or no transfer would ever end.
		p.bytesPerSecond = int(max(float64(p.padding+stateBytes)/slow, leastChunk/(2*timeout.Seconds())))
	}
	return p
}

// leastChunk is how much of a snapshot is sent at once, however slowly it goes.
const leastChunk = 4 << 10

func (p *snapshotPlan) stretch(by float64) {
	if p.policy.Interval > 0 {
		p.policy.Interval = time.Duration(float64(p.policy.Interval) * by)
	}
	p.bytesPerSecond = int(float64(p.bytesPerSecond) / by)
}

func (p *snapshotPlan) String() string {
	if !p.isOn {
		return "off"
	}
	q := &p.policy
	return fmt.Sprintf("every %d entries, %d bytes, %v, behind them %d, %d bytes, %d at most, keep %d, %d transfers, %d bytes/s, blocks %d, sync %d, padding %d, durable %v/%d",
		q.Entries, q.LogBytes, q.Interval, q.TrailingEntries, q.TrailingBytes, q.RetainBytesMax, q.Keep,
		p.transfers, p.bytesPerSecond, p.blockBytes, p.syncBytes, p.padding, p.isDurable, p.flushEvery)
}
