// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func TestRate(t *testing.T) {
	const size = 200_000
	for _, rate := range []int64{2000, 8000, 50_000, 1 << 40} {
		w := newWorld(t, 1)
		leader := w.add(size, func(c *Config) { c.Throttle = NewThrottle(0, rate) })
		m := w.add(size)
		meta := leader.takeOne()
		start := w.now
		if !leader.offerTo(m, 3*size/rate*second+10*second) {
			t.Fatalf("rate %d: nothing is received: %v", rate, m.troubles)
		}
		m.expectSame(meta)
		m.expectTrouble()
		took, want := float64(w.now-start)/float64(second), float64(size)/float64(rate)
		if rate < 1<<40 && (took < want*0.99-0.06 || took > want*1.05+1) {
			t.Errorf("rate %d: %.2f s for %d bytes", rate, took, size)
		}
		if rate == 1<<40 && took > 0.3 {
			t.Errorf("no rate: %.2f s", took)
		}
		if l := leader.snap.Status(); l.BytesOut > size+size/20 {
			t.Errorf("rate %d: %d bytes were sent", rate, l.BytesOut)
		}
	}
}

// TestSetRate changes the rate between two transfers.
func TestSetRate(t *testing.T) {
	const size, rate = 100_000, 20_000
	w := newWorld(t, 1)
	throttle := NewThrottle(0, 0)
	leader := w.add(size, func(c *Config) { c.Throttle = throttle })
	leader.takeOne()
	transfer := func() float64 {
		start := w.now
		if m := w.add(size); !leader.offerTo(m, 60*second) {
			t.Fatalf("nothing is received: %v", m.troubles)
		}
		return float64(w.now-start) / float64(second)
	}
	if took := transfer(); took > 0.3 {
		t.Errorf("without a rate: %.2f s", took)
	}
	throttle.SetRate(rate)
	if took := transfer(); took < float64(size)/rate*0.99-0.06 {
		t.Errorf("with a rate: %.2f s for %d bytes", took, size)
	}
	throttle.SetRate(1)
	throttle.spend(w.now, size) // That would take a day.
	throttle.SetRate(0)
	if took := transfer(); took > 0.3 {
		t.Errorf("without a rate again: %.2f s", took)
	}
}

// TestRateIsTheNodes has two groups send at the same time.
func TestRateIsTheNodes(t *testing.T) {
	const size, rate = 100_000, 20_000
	w := newWorld(t, 1)
	throttle := NewThrottle(0, rate)
	share := func(c *Config) { c.Throttle = throttle }
	a, b := w.add(size, share), w.add(size, func(c *Config) { c.Throttle, c.Group = throttle, 8 })
	to, too := w.add(size), w.add(size)
	a.takeOne()
	b.takeOne()
	start := w.now
	a.snap.Offer(to.id, 1, 1, 0)
	b.snap.Offer(too.id, 1, 1, 0)
	if !w.run(100*second, func() bool { return len(to.received)+len(too.received) == 2 }) {
		t.Fatal("not both are received")
	}
	if took := (w.now - start) / second; took < 9 || took > 11 {
		t.Errorf("%d s for %d bytes", took, 2*size)
	}
}

// TestChunksAreCut serves a part of what is asked for, when the rate is low.
func TestChunksAreCut(t *testing.T) {
	for _, test := range []struct {
		rate        int64
		asked, want int
	}{
		{0, 256 << 10, 256 << 10}, {1 << 30, 256 << 10, 256 << 10}, {1 << 20, 256 << 10, 128 << 10},
		{1000, 256 << 10, 4 << 10}, {1000, 100, 100}, {1 << 20, 100, 100},
	} {
		if got := NewThrottle(0, test.rate).chunkBytes(test.asked); got != test.want {
			t.Errorf("rate %d: %d of %d bytes", test.rate, got, test.asked)
		}
	}
	w := newWorld(t, 1)
	const size = 300_000
	leader := w.add(size, func(c *Config) { c.Throttle, c.ChunkBytes = NewThrottle(0, 64<<10), 64<<10 })
	m := w.add(size, func(c *Config) { c.ChunkBytes = 64 << 10 })
	meta := leader.takeOne()
	if !leader.offerTo(m, 60*second) {
		t.Fatal("nothing is received")
	}
	m.expectSame(meta)
	if s := leader.snap.Status(); s.BytesOut > size+3*8192 {
		t.Errorf("%d bytes were sent of %d", s.BytesOut, size)
	}
}

func TestTransfersAtATime(t *testing.T) {
	for _, limit := range []int{1, 2, 3} {
		w := newWorld(t, 1)
		throttle := NewThrottle(limit, 0)
		leader := w.add(50*chunk, func(c *Config) { c.Throttle = throttle })
		var members []*member
		for range 3 {
			members = append(members, w.add(50*chunk))
		}
		meta := leader.takeOne()
		most := 0
		for done := false; !done && w.now < 1100*second; {
			for _, m := range members {
				if len(m.received) == 0 {
					leader.snap.Offer(m.id, 1, 1, 0)
				}
			}
			w.run(10*latency, func() bool { // All served that are not at their end.
				most = max(most, len(leader.snap.Status().Serving))
				return false
			})
			done = !slices.ContainsFunc(members, func(m *member) bool { return len(m.received) == 0 })
		}
		for _, m := range members {
			m.expectSame(meta)
			m.expectQuiet()
		}
		if most != limit {
			t.Errorf("limit %d: %d at a time", limit, most)
		}
		if took := (w.now - 1000*second) / second; took > 5*int64(3/limit) {
			t.Errorf("limit %d: %d s", limit, took)
		}
	}
}

// TestASlotIsFreedByWhoIsGone lets another member fetch when the first one has been quiet.
func TestASlotIsFreedByWhoIsGone(t *testing.T) {
	w := newWorld(t, 1)
	leader := w.add(50*chunk, func(c *Config) { c.Throttle = NewThrottle(1, 0) })
	first, second2 := w.add(0), w.add(50*chunk)
	meta := leader.takeOne()
	w.hold(leader, first, 10*chunk)
	first.crash(0)
	gone := w.now
	if !leader.offerTo(second2, 3*stall) {
		t.Fatal("the other one gets nothing")
	}
	second2.expectSame(meta)
	if waited := w.now - gone; waited < stall-second || waited > stall+5*second {
		t.Errorf("the other one has waited for %d s", waited/second)
	}
}

// TestBusyIsNoProgress lets a member that is refused take another offer after a while.
func TestBusyIsNoProgress(t *testing.T) {
	w := newWorld(t, 1)
	throttle := NewThrottle(1, 0)
	leader := w.add(50*chunk, func(c *Config) { c.Throttle = throttle })
	m := w.add(50 * chunk)
	leader.takeOne()
	throttle.admit(99, 99, w.now, never)
	leader.snap.Offer(m.id, 1, 1, 0)
	w.run(stall+second, nil)
	if n := m.sent[wire.KindSnapshotFetch]; n > 4+11 {
		t.Errorf("%d fetches", n)
	}
	m.expectTrouble(errStalled.Error())
	m.expectQuiet()
	throttle.release(99, 99)
	if !leader.offerTo(m, second) {
		t.Error("nothing is received then")
	}
}
