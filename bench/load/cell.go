// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// agreeTimeout bounds the wait for the replicas to agree after the last command.
const agreeTimeout = 10 * time.Second

// cell is one measurement to be made.
type cell struct {
	dir     string
	clients int
	payload int
	warmup  time.Duration
	window  time.Duration
}

// run makes the measurement.
func (c cell) run(peer Peer) (result Result, err error) {
	var machines [Replicas]*Counter
	for i := range machines {
		machines[i] = new(Counter)
	}
	system, err := peer.Open(c.dir, machines)
	if err != nil {
		return Result{}, fmt.Errorf("load: open %s: %w", peer.Name, err)
	}
	clients := startClients(c.clients, c.payload, peer, system)
	<-time.After(c.warmup)
	before := usageOf(system)
	clients.enter(measuring)
	<-time.After(c.window)
	clients.enter(stopped)
	after := usageOf(system)
	clients.stop()
	total := clients.sum()

	result = c.result(peer, total, before, after)
	result.StatesEqual = agree(machines, total.acknowledged)
	if err := system.Close(); err != nil {
		return result, fmt.Errorf("load: close %s: %w", peer.Name, err)
	}
	result.judge()
	return result, nil
}

func (c cell) result(peer Peer, total *totals, before, after usage) Result {
	seconds := after.at.Sub(before.at).Seconds()
	ops := total.latency.Total()
	r := Result{
		System: peer.Name, Clients: c.clients, Payload: c.payload, GOMAXPROCS: runtime.GOMAXPROCS(0),
		Seconds: seconds, Ops: ops, OpsPerSecond: float64(ops) / seconds,
		P50: microseconds(total.latency.Quantile(0.50)), P99: microseconds(total.latency.Quantile(0.99)),
		P999: microseconds(total.latency.Quantile(0.999)), Max: microseconds(total.latency.Max()),
		CPUSeconds: (after.cpu - before.cpu).Seconds(),
		Syncs:      after.stats.Syncs - before.stats.Syncs, Retries: after.stats.Retries - before.stats.Retries,
		AllocsPerOp: float64(after.allocs-before.allocs) / float64(max(ops, 1)),
		GCCycles:    after.gcCycles - before.gcCycles, MaxRSSMiB: after.rssMiB,
		Errors: total.errors, Version: versions(peer.Modules),
	}
	if total.firstError != nil {
		r.FirstError = total.firstError.Error()
	}
	return r
}

// agree waits until all replicas have applied what was acknowledged and says
// whether they have applied exactly that, in the same order.
func agree(machines [Replicas]*Counter, acknowledged uint64) bool {
	ctx, cancel := context.WithTimeout(context.Background(), agreeTimeout)
	defer cancel()
	var states [Replicas]State
	for i, machine := range machines {
		states[i] = machine.Await(ctx, acknowledged)
	}
	return states[0] == states[1] && states[1] == states[2] && states[0].Count == acknowledged
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
