// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"time"
)

const (
	// waitMax bounds every wait for the cluster to come to a state.
	waitMax = 15 * time.Second
	// lookInterval is how often the nodes' states are looked at.
	lookInterval = 5 * time.Millisecond
)

// watch counts changes of leader until ctx ends.
func (t *tour) watch(ctx context.Context) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	last := leadership{}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if now := t.cluster.leader(); now.term > last.term {
			if last.id != 0 && now.id != last.id {
				t.changes.Add(1)
			}
			last = now
		}
	}
}

// until waits for a condition.
func (t *tour) until(ctx context.Context, what string, condition func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, waitMax)
	defer cancel()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
			t.report()
		case <-ctx.Done():
			return fmt.Errorf("demo: wait until %s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}

// pass lets time go by.
func (t *tour) pass(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	return t.until(ctx, "time has gone by", func() bool { return !time.Now().Before(end) })
}

// report shows progress while clients write.
func (t *tour) report() {
	if t.load != nil && t.load.took == 0 {
		n := t.load.acknowledged.Load()
		rate := float64(n) / time.Since(t.load.began).Seconds()
		t.out.progress("%s writes acknowledged, %s a second", grouped(n), grouped(int64(rate)))
	}
}
