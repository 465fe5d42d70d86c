// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"bytes"
	"io"
	"math"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// unstretched draws no jitter, and IDs that are not zero.
func unstretched(c *Config) {
	n := uint64(0)
	c.Random = func() uint64 { n += stretchUnits; return n }
}

func TestPolicy(t *testing.T) {
	tests := []struct {
		name    string
		policy  Policy
		entries int // applied at once, of ten bytes each
		wait    int64
		taken   int
	}{
		{"nothing is on", Policy{}, 1e6, 1e6 * second, 0},
		{"negative is off", Policy{Entries: -1, LogBytes: -1, Interval: -1}, 1e6, 1e6 * second, 0},
		{"too few entries", Policy{Entries: 100}, 99, 1e6 * second, 0},
		{"entries", Policy{Entries: 100}, 100, second, 1},
		{"more entries", Policy{Entries: 100}, 1000, second, 1},
		{"too few bytes", Policy{LogBytes: 1000}, 99, 1e6 * second, 0},
		{"bytes", Policy{LogBytes: 1000}, 100, second, 1},
		{"too little time", Policy{Interval: 60 * second}, 1, 59 * second, 0},
		{"time", Policy{Interval: 60 * second}, 1, 61 * second, 1},
		{"time, once", Policy{Interval: 60 * second}, 1, 1e6 * second, 1},
		{"time, but nothing applied", Policy{Interval: 60 * second}, 0, 1e6 * second, 0},
		{"entries before the time", Policy{Entries: 100, Interval: 60 * second}, 100, second, 1},
		{"time before the entries", Policy{Entries: 100, Interval: 60 * second}, 1, 61 * second, 1},
		{"bytes before entries", Policy{Entries: 1000, LogBytes: 1000}, 100, second, 1},
		{"enormous", Policy{Entries: math.MaxInt, LogBytes: math.MaxInt64, Interval: math.MaxInt64}, 1e6, 1e6 * second, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 1)
			m := w.add(chunk, unstretched, func(c *Config) { c.Policy = test.policy })
			w.run(second/1000, nil)
			if test.entries > 0 {
				m.apply(test.entries)
			}
			w.run(test.wait, nil)
			if len(m.taken) != test.taken || m.captures != test.taken {
				t.Errorf("%d snapshots of %d captures, want %d", len(m.taken), m.captures, test.taken)
			}
			m.expectQuiet()
		})
	}
}

func TestTimeCountsFromTheFirstEntryWhenItIsUp(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk, unstretched, func(c *Config) { c.Policy.Interval = 60 * second })
	w.run(300*second, nil)
	m.apply(1)
	w.run(second, nil)
	if len(m.taken) != 1 {
		t.Error("an interval that was over before anything was applied does not count")
	}
	m.apply(1)
	w.run(50*second, nil)
	if len(m.taken) != 1 {
		t.Error("the interval does not begin anew")
	}
	w.run(15*second, nil)
	if len(m.taken) != 2 {
		t.Error("the second interval does not count")
	}
}

func TestWhatIsAppliedAfterTheCaptureCounts(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk, unstretched, func(c *Config) { c.Policy.Entries = 100 })
	before := func(op string) {
		if op == "Publish" {
			m.apply(60)
		}
	}
	m.store.before = before
	m.apply(100)
	w.run(second, nil)
	m.store.before = nil
	m.apply(40)
	w.run(second, nil)
	if got := indexes(m.taken); len(got) != 2 || got[0] != 100 || got[1] != 200 {
		t.Errorf("taken at %v", got)
	}
}

// TestAppliedWakes has nobody but Applied to say that there is something to do.
func TestAppliedWakes(t *testing.T) {
	for name, policy := range map[string]Policy{
		"entries": {Entries: 100}, "bytes": {LogBytes: 1000}, "interval": {Interval: second},
	} {
		w := newWorld(t, 1)
		m := w.add(chunk, unstretched, func(c *Config) { c.Policy = policy })
		w.settle()
		woken := func() bool {
			select {
			case <-m.snap.wake:
				return true
			default:
				return false
			}
		}
		woken()
		m.snap.Applied(1, 10)
		if woken() != (name == "interval") {
			t.Errorf("%s: wrong after the first entry", name)
		}
		m.snap.Applied(98, 980)
		if woken() {
			t.Errorf("%s: woken too early", name)
		}
		m.snap.Applied(1, 10)
		if woken() != (name != "interval") {
			t.Errorf("%s: wrong when the mark is passed", name)
		}
		m.snap.Applied(1000, 10000)
		if woken() {
			t.Errorf("%s: woken twice", name)
		}
	}
}

func TestJitter(t *testing.T) {
	const entries = 1000
	least, most, sum := math.MaxInt, 0, 0
	const members = 200
	for seed := range uint64(members) {
		w := newWorld(t, seed)
		m := w.add(1, func(c *Config) { c.Policy.Entries = entries })
		n := 0
		for len(m.taken) == 0 {
			m.apply(1)
			n++
			if n >= entries && m.snap.Deadline() <= w.now {
				w.run(second, nil)
			}
		}
		least, most, sum = min(least, n), max(most, n), sum+n
	}
	if least < entries || least > entries*1.02 || most >= entries*1.25 || most < entries*1.2 {
		t.Errorf("from %d to %d entries", least, most)
	}
	if mean := sum / members; mean < entries*1.08 || mean > entries*1.17 {
		t.Errorf("%d entries on average", mean)
	}
}

func TestJitterIsDrawnAnew(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(1, func(c *Config) { c.Policy.Entries = 1000 })
	seen := map[int64]bool{}
	for range 20 {
		seen[m.snap.policy.stretch] = true
		m.takeOne()
	}
	if len(seen) < 15 {
		t.Errorf("%d different draws in 20", len(seen))
	}
}

// TestDutyCycle applies without end: no more than a quarter of the time is spent on snapshots.
func TestDutyCycle(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(10*chunk, func(c *Config) { c.Policy.Entries = 1 })
	busy := int64(0)
	m.capture = func(data []byte) io.ReadCloser { return io.NopCloser(&slow{w, bytes.NewReader(data), &busy}) }
	for w.now < 11000*second {
		m.apply(1)
		w.run(second/10, nil)
	}
	n := len(m.taken)
	if share := float64(busy) / float64(10000*second); n < 100 || share > 0.26 || share < 0.2 {
		t.Errorf("%d snapshots took %.2f of the time", n, share)
	}
	// Who asks does not wait for that.
	var r results
	m.apply(1)
	m.snap.Take(r.done)
	if !w.run(12*second, func() bool { return len(r.errs) > 0 }) {
		t.Error("a snapshot on demand waits for the duty cycle")
	}
}

func TestPolicyGoesOnAfterRestoring(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk, unstretched, func(c *Config) { c.Policy = Policy{Entries: 100, Interval: 60 * second} })
	m.apply(99)
	m.snap.Restored(wire.SnapshotMeta{ID: 5, Last: wire.LogID{Term: 1, Index: 500}})
	w.run(second, nil)
	m.applied.Index = 500
	m.apply(99)
	w.run(50*second, nil)
	if len(m.taken) != 0 {
		t.Errorf("taken at %v", indexes(m.taken))
	}
	m.apply(1)
	w.run(second, nil)
	if got := indexes(m.taken); len(got) != 1 || got[0] != 600 {
		t.Errorf("taken at %v", got)
	}
}

// slow is a reader of which a chunk takes a second to read.
type slow struct {
	w *world
	io.Reader
	busy *int64
}

func (s *slow) Read(p []byte) (int, error) {
	s.w.now += second
	*s.busy += second
	return s.Reader.Read(p)
}
