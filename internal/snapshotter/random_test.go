// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"io"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// TestRandomSchedules lets three members do everything there is under every fault, in
// an order that follows from the seed, and then demands that they come to rest, all with
// the same snapshot.
func TestRandomSchedules(t *testing.T) {
	total := Counters{}
	seeds := uint64(scheduleSeeds)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		c := randomSchedule(t, seed)
		total.Taken += c.Taken
		total.Received += c.Received
		total.Interrupted += c.Interrupted
		total.Resumed += c.Resumed
		total.Damaged += c.Damaged
		total.TakeFailed += c.TakeFailed
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%+v", total)
	if total.Taken < seeds || total.Received < seeds || total.Interrupted < seeds/10 || total.Resumed < seeds/10 ||
		total.Damaged < seeds/10 || total.TakeFailed < seeds/10 {
		t.Errorf("too little has happened: %+v", total)
	}
}

func randomSchedule(t *testing.T, seed uint64) Counters {
	w := newWorld(t, seed)
	throttle := NewThrottle(w.random.IntN(3), 0)
	for i := range 3 {
		durable := w.random.IntN(4) == 0
		w.add(0, func(c *Config) {
			c.Durable, c.Policy = durable, Policy{Entries: w.random.IntN(50), Interval: w.random.Int64N(60 * second), Keep: w.random.IntN(3)}
			if i == 0 {
				c.Throttle = throttle
			}
		})
	}
	size := w.random.IntN(50 * chunk)
	for _, m := range w.members {
		m.stateBytes = size
	}
	w.loss, w.duplicate, w.reorder, w.damage = 0.1*w.random.Float64(), 0.1*w.random.Float64(), 0.3*w.random.Float64(), 0.1*w.random.Float64()
	var sum Counters
	for range 100 {
		m := w.members[w.random.IntN(3)]
		m.disturb(&sum)
		w.run(w.random.Int64N(2*second), nil)
	}
	w.loss, w.duplicate, w.reorder, w.damage = 0, 0, 0, 0
	for _, m := range w.members {
		clear(m.store.fails)
		m.captureErr = nil
		if !m.up {
			m.boot()
		}
	}
	w.recover()
	for _, m := range w.members {
		sum.add(m.snap.Status().Counters)
	}
	return sum
}

func (c *Counters) add(o Counters) {
	c.Taken += o.Taken
	c.Received += o.Received
	c.Interrupted += o.Interrupted
	c.Resumed += o.Resumed
	c.Damaged += o.Damaged
	c.TakeFailed += o.TakeFailed
}

// disturb does something to a member.
func (m *member) disturb(sum *Counters) {
	w := m.world
	if !m.up {
		m.boot()
		return
	}
	peer := wire.NodeID(1 + w.random.IntN(3))
	switch w.random.IntN(12) {
	case 0, 1, 2:
		m.apply(1 + w.random.IntN(40))
	case 3:
		m.snap.Take(func(meta wire.SnapshotMeta, err error) {})
	case 4, 5, 6, 7:
		if peer != m.id {
			m.snap.Offer(peer, 1, 1, wire.Index(w.random.IntN(int(m.applied.Index)+1)))
		}
	case 8:
		sum.add(m.snap.Status().Counters)
		m.crash(w.random.IntN(3 * chunk))
	case 9:
		op := []string{"Begin", "Write", "Publish", "Delete", "ReadAt", "Abandon"}[w.random.IntN(6)]
		m.store.fails[op] = 1
	case 10:
		if latest, ok := m.snap.Latest(); ok && !latest.External && latest.Size > 0 {
			m.store.damage(latest.ID, w.random.Uint64N(latest.Size))
		}
	case 11:
		m.install()
	}
}

// boot starts a member with the newest snapshot that is good and the log behind it.
func (m *member) boot() {
	m.start()
	before := m.applied
	m.applied = wire.LogID{}
	for listed := -1; listed != len(m.snap.Published()) && m.applied.Index == 0; {
		listed = len(m.snap.Published())
		m.install()
	}
	if before.Index > m.applied.Index {
		m.applied = before
	}
}

// install makes the newest snapshot the state, if it is newer, as the core and the applier would.
func (m *member) install() {
	latest, ok := m.snap.Latest()
	if !ok || latest.Last.Index < m.applied.Index {
		return
	}
	if !latest.External {
		r := m.snap.Reader(latest)
		defer r.Close()
		buf := make([]byte, latest.Size+1)
		n := 0
		for n < len(buf) {
			k, err := r.Read(buf[n:])
			if n += k; err != nil && uint64(n) < latest.Size {
				return // It is damaged.
			} else if err != nil {
				break
			}
		}
		if string(buf[:n]) != string(m.state(latest.Last.Index)) {
			m.t.Errorf("member %d reads a state that never was", m.id)
		}
	}
	m.applied = latest.Last
	m.snap.Restored(latest)
}

// recover demands that all come to have what the first member has.
func (w *world) recover() {
	leader := w.members[0]
	leader.applied.Index = 10_000
	for end := w.now + 300*second; w.now < end; {
		lagging := false
		for _, m := range w.members[1:] {
			if latest, ok := m.snap.Latest(); !ok || latest.Last.Index < 10_000 {
				leader.snap.Offer(m.id, 1, 1, 10_000)
				lagging = true
			}
		}
		if !lagging {
			break
		}
		w.run(second/10, nil)
	}
	for _, m := range w.members {
		for _, meta := range m.snap.Published() { // Damage that nobody has met is found now.
			r := m.snap.Reader(meta)
			_, _ = io.Copy(io.Discard, r)
			r.Close()
		}
	}
	w.run(3*stall+120*second, nil)
	for _, m := range w.members {
		m.expectQuiet()
		if len(m.snap.Published()) > max(m.cfg.Policy.Keep, 1)+aheadKept {
			w.t.Errorf("member %d keeps %v", m.id, indexes(m.snap.Published()))
		}
		latest, _ := m.snap.Latest()
		if m.id != 1 && latest.Last.Index != 10_000 {
			w.t.Errorf("member %d has %v: %+v %q", m.id, latest.Last, m.snap.Status(), m.troubles)
		} else if !latest.External && latest.ID != 0 {
			m.expectSame(latest)
		}
	}
}
