// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// Sizes and times in these tests, unless a test says otherwise.
const (
	chunk   = 1000
	retry   = int64(time.Second)
	stall   = 10 * retry
	second  = int64(time.Second)
	latency = int64(time.Millisecond)
)

// world is a few members, a network and virtual time. Everything follows from the seed.
type world struct {
	t       testing.TB
	random  *rand.Rand
	now     int64
	events  []event
	count   int
	members []*member
	// What the network does to a message, in chances.
	loss, duplicate, reorder, damage float64
	// spoil sees every message and may drop it.
	spoil func(from, to wire.NodeID, m wire.Message) (drop bool)
}

type event struct {
	at    int64
	order int
	do    func()
}

func newWorld(t testing.TB, seed uint64) *world {
	return &world{t: t, random: rand.New(rand.NewPCG(seed, 1)), now: 1000 * second}
}

func (w *world) after(d int64, do func()) {
	w.count++
	w.events = append(w.events, event{w.now + d, w.count, do})
}

// settle steps until nobody has anything to do now.
func (w *world) settle() {
	for again, n := true, 0; again; n++ {
		again = false
		for _, m := range w.members {
			if m.up && m.snap.Step() {
				again = true
			} else if m.up && m.snap.Deadline() <= w.now {
				w.t.Fatalf("member %d: Step says there is no more, and the deadline is %d ns ago", m.id, w.now-m.snap.Deadline())
			}
		}
		if n > 1e6 {
			w.t.Fatal("the steps do not end")
		}
	}
}

// next is when something happens next.
func (w *world) next() int64 {
	at := never
	for i := range w.events {
		at = min(at, w.events[i].at)
	}
	for _, m := range w.members {
		if m.up {
			at = min(at, m.snap.Deadline())
		}
	}
	return at
}

// run lets time pass until something holds, or for as long as given.
func (w *world) run(d int64, until func() bool) bool {
	end := w.now + d
	for {
		w.settle()
		if until != nil && until() {
			return true
		}
		at := w.next()
		if at > end {
			w.now = max(w.now, end)
			return false
		}
		w.now = max(w.now, at)
		w.fire()
	}
}

// fire does what is due, one thing at a time, in order.
func (w *world) fire() {
	slices.SortFunc(w.events, func(a, b event) int {
		if a.at != b.at {
			return int(min(max(a.at-b.at, -1), 1))
		}
		return a.order - b.order
	})
	if len(w.events) > 0 && w.events[0].at <= w.now {
		e := w.events[0]
		w.events = w.events[1:]
		e.do()
	}
}

func (w *world) chance(p float64) bool { return p > 0 && w.random.Float64() < p }

// send takes a message from one member to another.
func (w *world) send(from, to wire.NodeID, m wire.Message) {
	if w.spoil != nil && w.spoil(from, to, m) || w.chance(w.loss) {
		return
	}
	copies := 1
	if w.chance(w.duplicate) {
		copies = 2
	}
	for range copies {
		d := latency
		if w.chance(w.reorder) {
			d += w.random.Int64N(20 * latency)
		}
		m := m
		if c, ok := m.(*wire.SnapshotChunk); ok && len(c.Data) > 0 && w.chance(w.damage) {
			broken := *c
			broken.Data = bytes.Clone(c.Data)
			broken.Data[w.random.IntN(len(c.Data))] ^= 1
			m = &broken
		}
		w.after(d, func() { w.deliver(from, to, m) })
	}
}

func (w *world) deliver(from, to wire.NodeID, m wire.Message) {
	for _, r := range w.members {
		if r.id != to || !r.up {
			continue
		}
		if o, ok := m.(*wire.SnapshotOffer); ok {
			if r.accepts {
				r.snap.Offered(from, o.Snapshot)
			}
			r.offers = append(r.offers, o.Snapshot)
			continue
		}
		r.snap.Deliver(from, m)
	}
}
