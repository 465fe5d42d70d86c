// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/balsa-raft/raft/wire"
)

// results collects what calls of Take end with.
type results struct {
	metas []wire.SnapshotMeta
	errs  []error
}

func (r *results) done(meta wire.SnapshotMeta, err error) {
	r.metas, r.errs = append(r.metas, meta), append(r.errs, err)
}

func TestTakeOnDemand(t *testing.T) {
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 10*chunk + 17} {
		w := newWorld(t, 1)
		m := w.add(size)
		if _, ok := m.snap.Latest(); ok {
			t.Error("there is a snapshot before one is taken")
		}
		meta := m.takeOne()
		want := m.state(1)
		if meta.ID == 0 || meta.Last != m.applied || meta.Version != 3 || meta.External ||
			meta.Size != uint64(size) || meta.Checksum != crc32.Checksum(want, castagnoli) {
			t.Errorf("%d bytes: taken %+v", size, meta)
		}
		if latest, ok := m.snap.Latest(); !ok || latest.ID != meta.ID || len(m.taken) != 1 || m.taken[0].ID != meta.ID {
			t.Errorf("%d bytes: latest %+v, told %+v", size, latest, m.taken)
		}
		m.expectSame(meta)
		w.settle() // The reader's end.
		m.expectQuiet()
		m.expectTrouble()
	}
}

func TestOneChunkIsCopiedAStep(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(5 * chunk)
	m.apply(1)
	m.snap.Take(func(wire.SnapshotMeta, error) {})
	m.snap.Step()
	if m.captures != 1 {
		t.Fatalf("%d captures asked for", m.captures)
	}
	w.now += latency
	w.fire()
	for i := range 5 {
		if more := m.snap.Step(); !more || m.store.calls["Write"] != i+1 {
			t.Fatalf("step %d: %d writes", i, m.store.calls["Write"])
		}
		if s := m.snap.Status().Taking; !s.Active || s.Bytes != uint64(i+1)*chunk || s.Index != 1 {
			t.Errorf("step %d: status %+v", i, s)
		}
	}
	w.settle()
	if s := m.snap.Status(); s.Taking.Active || s.Taken != 1 || s.Latest.Last.Index != 1 {
		t.Errorf("status %+v", s)
	}
}

func TestTakeMeansWhatWasAppliedBeforeTheCall(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(3 * chunk)
	m.apply(1)
	var first, second, third results
	m.snap.Take(first.done)
	m.snap.Take(first.done)
	m.snap.Step() // The capture is asked for: it may be made before what follows.
	m.apply(1)
	m.snap.Take(second.done)
	w.run(10*stall, func() bool { return len(second.errs) == 1 })
	if len(first.metas) != 2 || first.metas[0].ID != first.metas[1].ID {
		t.Errorf("the first two got %+v", first)
	}
	if second.metas[0].Last.Index != 2 {
		t.Errorf("who called after the capture was asked for got %+v", second)
	}
	m.snap.Take(third.done)
	w.run(stall, nil)
	if len(third.metas) != 1 || third.metas[0].ID != second.metas[0].ID || m.snap.Status().Taken > 2 {
		t.Errorf("a snapshot was taken although nothing was applied: %+v", third)
	}
	m.expectQuiet()
}

func TestTakeWithoutState(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	var r results
	m.snap.Take(r.done)
	w.run(stall, nil)
	if len(r.errs) != 1 || r.errs[0] != ErrNothing || m.store.calls["Begin"] != 0 {
		t.Errorf("got %v", r.errs)
	}
	m.expectQuiet()
	m.expectTrouble()
}

func TestTakeIsBounded(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	m.apply(1)
	var r results
	for range 2*callersMax + 1 {
		m.snap.Take(r.done)
	}
	if len(r.errs) != callersMax+1 || r.errs[0] != ErrOverloaded {
		t.Fatalf("%d are refused at once: %v", len(r.errs), r.errs[0])
	}
	w.run(stall, nil)
	if len(r.errs) != 2*callersMax+1 || r.errs[2*callersMax] != nil {
		t.Errorf("%d are answered, the last with %v", len(r.errs), r.errs[len(r.errs)-1])
	}
}

func TestTakeFails(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(m *member)
		want    string
	}{
		{"no capture", func(m *member) { m.captureErr = errInjected }, "capture the state: injected"},
		{"Begin", func(m *member) { m.store.fails["Begin"] = 1 }, "begin a snapshot: Begin"},
		{"Write", func(m *member) { m.store.fails["Write"] = 1 }, "write a snapshot at 0: Write"},
		{"Publish", func(m *member) { m.store.fails["Publish"] = 1 }, "publish a snapshot: Publish"},
		{"read", func(m *member) {
			m.capture = func(data []byte) io.ReadCloser {
				return io.NopCloser(io.MultiReader(bytes.NewReader(data[:chunk+1]), iotest.ErrReader(errInjected)))
			}
		}, "read the capture at 1001: injected"},
		{"panic", func(m *member) {
			m.capture = func([]byte) io.ReadCloser { return io.NopCloser(nil) }
		}, "the capture panicked"},
		{"nothing comes", func(m *member) {
			m.capture = func([]byte) io.ReadCloser { return io.NopCloser(idle{}) }
		}, "read the capture at 0: " + io.ErrNoProgress.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 1)
			m := w.add(3 * chunk)
			m.apply(1)
			test.prepare(m)
			var r results
			m.snap.Take(r.done)
			w.run(stall, nil)
			if len(r.errs) != 1 || r.errs[0] == nil {
				t.Fatalf("Take ended with %v", r.errs)
			}
			m.expectTrouble(test.want)
			m.expectQuiet()
			if s := m.snap.Status(); s.TakeFailed != 1 || s.Taken != 0 || m.store.unfinished != nil {
				t.Errorf("status %+v", s)
			}
			m.captureErr, m.capture = nil, nil
			m.expectSame(m.takeOne())
		})
	}
}

// idle is a reader from which nothing comes.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestDataAreNeededUnlessExternal(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(0)
	var r results
	m.snap.Take(r.done)
	m.snap.Step()
	m.snap.Captured(false, wire.SnapshotMeta{Last: wire.LogID{Term: 1, Index: 1}}, nil, nil)
	w.settle()
	if len(r.errs) != 1 || !errors.Is(r.errs[0], errNoData) {
		t.Errorf("got %v", r.errs)
	}
}

func TestFailuresAreSpaced(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk, func(c *Config) { c.Policy.Entries = 1 })
	m.captureErr = errInjected
	m.apply(10)
	var at []int64
	w.run(200*second, func() bool {
		if m.captures > len(at) {
			at = append(at, w.now)
		}
		return false
	})
	var waits []int64
	for i := 1; i < len(at); i++ {
		waits = append(waits, (at[i]-at[i-1]-latency)/second)
	}
	if !slices.Equal(waits, []int64{1, 2, 4, 8, 16, 32, 60, 60}) {
		t.Errorf("waits of %v s", waits)
	}
	m.captureErr = nil
	w.run(60*second, nil)
	if len(m.taken) != 1 {
		t.Error("no snapshot after the trouble has passed")
	}
}

func TestCapturesNobodyAskedFor(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	for _, stream := range []bool{false, true} {
		m.snap.Captured(stream, wire.SnapshotMeta{Last: wire.LogID{Term: 1, Index: 1}}, m.newCapture(nil), nil)
	}
	w.settle()
	m.expectQuiet()
	if m.store.calls["Begin"] != 0 {
		t.Error("it is taken")
	}
}

// TestASecondCapture comes while the first one is being copied.
func TestASecondCapture(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(3 * chunk)
	m.store.before = func(op string) {
		if op == "Write" && m.store.calls["Write"] == 1 {
			m.snap.Captured(false, wire.SnapshotMeta{Last: wire.LogID{Term: 1, Index: 9}}, m.newCapture(nil), nil)
		}
	}
	m.expectSame(m.takeOne())
	m.expectListed(1)
	m.expectQuiet()
}

func TestExternalSnapshotsHaveNoData(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk, func(c *Config) { c.Durable = true })
	meta := m.takeOne()
	if !meta.External || meta.Size != 0 || m.store.calls["Write"] != 0 || len(m.taken) != 1 {
		t.Errorf("taken %+v", meta)
	}
	r := m.snap.Reader(meta)
	defer r.Close()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, ErrExternal) {
		t.Errorf("reading it: %v", err)
	}
}

func TestRestoringOvertakesTaking(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(5 * chunk)
	m.apply(1)
	var r results
	m.snap.Take(r.done)
	m.store.before = func(op string) {
		if op == "Write" && m.store.calls["Write"] == 2 {
			m.applied = wire.LogID{Term: 1, Index: 100}
			m.snap.Restored(wire.SnapshotMeta{ID: 5, Last: m.applied})
		}
	}
	w.run(stall, nil)
	if len(r.metas) != 1 || r.metas[0].Last.Index != 100 || m.captures != 2 || len(m.snap.Published()) != 1 {
		t.Fatalf("got %+v, with %d captures", r, m.captures)
	}
	m.expectSame(r.metas[0])
	w.settle()
	m.expectQuiet()
	m.expectTrouble()
}
