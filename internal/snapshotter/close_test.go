// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"io"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// TestCloseAtEveryStep closes a member after any number of steps of a life in which it
// takes, fetches and sends, at rest and within calls of the store.
func TestCloseAtEveryStep(t *testing.T) {
	for _, durable := range []bool{false, true} {
		for n := 0; ; n++ {
			if ended := closeAfter(t, durable, n); ended {
				if n < 100 {
					t.Errorf("only %d points to close at", n)
				}
				break
			}
		}
	}
}

// closing is a member that is closed in the middle of all it can be at, and another one.
type closing struct {
	*world
	m, other *member
	left     int // steps and calls of the store until it is closed
	closed   bool
	// calls of Take, and how many were answered.
	calls, answers int
}

// closeAfter closes one member at the nth step or call of the store. It reports whether there
// were fewer.
func closeAfter(t *testing.T, durable bool, n int) (ended bool) {
	c := &closing{world: newWorld(t, 5), left: n}
	set := func(cfg *Config) { cfg.Durable, cfg.Policy.Entries = durable, 3 }
	c.m, c.other = c.add(5*chunk, set), c.add(5*chunk)
	m := c.m
	m.applied.Index = 20
	m.store.before = func(string) { c.count() }
	r := c.everything()
	ended = !c.closed
	c.closed = true
	m.snap.Close()
	m.snap.Close()
	r.Close()
	c.take()
	m.snap.Offer(2, 1, 1, 1)
	c.run(stall, nil)
	if m.open != 0 || c.answers != c.calls || m.snap.Busy() != "" || m.snap.Step() || m.snap.Deadline() != never {
		t.Fatalf("durable %v: after Close, %d captures are open, %d of %d calls of Take are answered, busy %q",
			durable, m.open, c.answers, c.calls, m.snap.Busy())
	}
	if m.snap.Deliver(2, &wire.SnapshotFetch{ID: 1, Length: 1}) {
		t.Error("a message is taken in after Close")
	}
	return ended
}

// everything has the member take snapshots, fetch one, send one and be read from.
func (c *closing) everything() io.ReadCloser {
	m, other := c.m, c.other
	other.applied.Index = 50
	other.takeOne()
	c.take()
	m.apply(5)
	c.steps()
	m.snap.Offer(other.id, 1, 1, 0)
	c.take()
	c.steps()
	m.apply(1)
	c.take()
	other.snap.Offer(m.id, 2, 1, 0)
	c.steps()
	c.take()
	r := m.snap.Reader(m.snap.Status().Latest)
	_, _ = r.Read(make([]byte, 10))
	c.steps()
	return r
}

func (c *closing) count() {
	if c.left--; c.left < 0 && !c.closed {
		c.closed = true
		c.m.snap.Close()
	}
}

func (c *closing) take() {
	c.calls++
	c.m.snap.Take(func(wire.SnapshotMeta, error) { c.answers++ })
}

func (c *closing) steps() {
	for range 25 {
		for range 2 {
			c.other.snap.Step()
			c.m.snap.Step()
			c.count()
		}
		if c.now = max(c.now, min(c.next(), c.now+second/10)); len(c.events) > 0 {
			c.fire()
		}
	}
}

func TestClosedWhileCapturing(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	m.apply(1)
	var r results
	m.snap.Take(r.done)
	w.settle()
	m.snap.Close()
	if len(r.errs) != 1 || r.errs[0] != ErrClosed {
		t.Errorf("Take ended with %v", r.errs)
	}
	w.run(second, nil) // The capture comes.
	if m.open != 0 {
		t.Error("the capture is not closed")
	}
}

// TestClosedWhileReading stops reading a capture that never ends.
func TestClosedWhileReading(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	e := &endless{m: m}
	m.capture = func([]byte) io.ReadCloser { return io.NopCloser(e) }
	m.apply(1)
	m.snap.Take(func(wire.SnapshotMeta, error) {})
	w.run(second, nil)
	if m.open != 0 || m.store.unfinished != nil {
		t.Error("the capture is not closed, or its data are still there")
	}
	if e.reads != 3*chunk+5 {
		t.Errorf("%d reads after Close", e.reads-3*chunk-5)
	}
}

// TestClosedBeforeACaptureIsLookedAt leaves one in the inbox.
func TestClosedBeforeACaptureIsLookedAt(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	m.snap.Captured(false, wire.SnapshotMeta{}, m.newCapture(nil), nil)
	m.snap.Captured(true, wire.SnapshotMeta{}, m.newCapture(nil), nil)
	m.snap.Close()
	if m.open != 0 {
		t.Errorf("%d captures are open", m.open)
	}
}

type endless struct {
	m     *member
	reads int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.reads++; e.reads == 3*chunk+5 {
		e.m.snap.Close()
	}
	return copy(p, "x"), nil
}
