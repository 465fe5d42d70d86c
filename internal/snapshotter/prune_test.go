// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

func (m *member) expectListed(want ...wire.Index) {
	m.t.Helper()
	m.settle()
	if got := indexes(m.snap.Published()); !slices.Equal(got, want) {
		m.t.Errorf("listed are %v, want %v", got, want)
	}
}

func TestTheNewestAreKept(t *testing.T) {
	for _, test := range []struct {
		keep int
		want []wire.Index
	}{{-1, []wire.Index{5}}, {0, []wire.Index{5}}, {1, []wire.Index{5}}, {3, []wire.Index{5, 4, 3}}, {9, []wire.Index{5, 4, 3, 2, 1}}} {
		w := newWorld(t, 1)
		m := w.add(chunk, func(c *Config) { c.Policy.Keep = test.keep })
		for range 5 {
			m.takeOne()
		}
		m.expectListed(test.want...)
		if len(m.store.published) != len(test.want) {
			t.Errorf("keep %d: %d are stored", test.keep, len(m.store.published))
		}
		m.crash(0)
		m.start()
		m.expectListed(test.want...)
		m.expectQuiet()
	}
}

func TestReadersPin(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(3 * chunk)
	old := m.takeOne()
	first, second := m.snap.Reader(old), m.snap.Reader(old)
	m.takeOne()
	m.takeOne()
	m.expectListed(3, 1)
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Error("a reader cannot be closed")
	}
	m.expectListed(3, 1)
	if data, err := io.ReadAll(second); err != nil || len(data) != 3*chunk {
		t.Errorf("the other reader reads %d bytes: %v", len(data), err)
	}
	if second.Close() != nil {
		t.Error("a reader cannot be closed")
	}
	if _, err := second.Read(make([]byte, 1)); !errors.Is(err, errReaderClosed) {
		t.Errorf("reading a reader that is closed: %v", err)
	}
	m.expectListed(3)
	m.expectQuiet()
}

func TestWhatIsFetchedIsKept(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(3 * chunk)
	old := m.takeOne()
	m.snap.Deliver(9, &wire.SnapshotFetch{ID: old.ID, Length: 10})
	w.settle()
	m.takeOne()
	m.expectListed(2, 1)
	w.run(stall-second, nil)
	m.expectListed(2, 1)
	w.run(2*second, nil)
	m.expectListed(2)
}

func TestADeletionThatFailsIsTriedAgain(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	m.takeOne()
	m.store.fails["Delete"] = 1
	m.takeOne()
	m.expectTrouble("not deleted: trying again after the next one: Delete: injected")
	m.expectListed(2)
	m.takeOne()
	if len(m.store.published) != 1 {
		t.Errorf("%d are stored", len(m.store.published))
	}
}

// fetchThree fetches the snapshots up to 11, 12 and 13, and restores none of them.
func (m *member) fetchThree(leader *member) {
	m.t.Helper()
	leader.applied.Index = 10
	for range 3 {
		leader.takeOne()
		if !leader.offerTo(m, stall) {
			m.t.Fatal("nothing is received")
		}
		m.run(2*stall, nil)
	}
}

// TestFetchedSnapshotsDoNotReplaceOwnOnes holds until one of them is restored.
func TestFetchedSnapshotsDoNotReplaceOwnOnes(t *testing.T) {
	w := newWorld(t, 1)
	leader, m := w.add(chunk), w.add(chunk)
	m.takeOne()
	m.fetchThree(leader)
	m.expectListed(13, 12, 1) // The oldest that was never installed is of no use.
	m.snap.Restored(m.received[1])
	m.expectListed(13, 12)
	m.snap.Restored(m.received[2])
	m.expectListed(13)
	m.expectQuiet()
}

// TestNothingIsPrunedBeforeTheStateIsKnown restarts a member, which then fetches.
func TestNothingIsPrunedBeforeTheStateIsKnown(t *testing.T) {
	w := newWorld(t, 1)
	leader, m := w.add(chunk), w.add(chunk)
	m.takeOne()
	m.crash(0)
	m.start()
	m.fetchThree(leader)
	m.expectListed(13, 12, 11, 1)
}

func TestDamageIsMadeUpFor(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(3*chunk, func(c *Config) { c.Policy.Keep = 2 })
	m.takeOne()
	bad := m.takeOne()
	m.store.damage(bad.ID, 2*chunk+5)
	r := m.snap.Reader(bad)
	data, err := io.ReadAll(r)
	if !errors.Is(err, ErrDamaged) || !errors.Is(err, errInjected) || len(data) != 2*chunk {
		t.Errorf("read %d bytes: %v", len(data), err)
	}
	if latest, _ := m.snap.Latest(); latest.Last.Index != 1 {
		t.Errorf("the latest is %+v", latest)
	}
	m.snap.Damaged(bad.ID) // Again.
	w.run(second, nil)
	m.expectTrouble("is damaged and not used any more")
	m.expectListed(2, 1) // At the same index, anew.
	if r.Close() != nil {
		t.Error("the reader cannot be closed")
	}
	m.takeOne()
	m.expectListed(3, 2)
	if len(m.store.published) != 2 || m.snap.Status().Damaged != 1 {
		t.Errorf("%d are stored, status %+v", len(m.store.published), m.snap.Status())
	}
	for _, meta := range m.snap.Published() {
		m.expectSame(meta)
	}
	m.snap.Damaged(77)
	w.settle()
	m.expectTrouble()
}

// TestAReaderTriesAgain reads while the disk fails now and then, and gives up when it fails for longer.
// The snapshot stays.
func TestAReaderTriesAgain(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(3 * chunk)
	meta := m.takeOne()
	for _, test := range []struct {
		failures int
		want     error
	}{{readAttemptsMax - 1, nil}, {readAttemptsMax, ErrUnreadable}, {0, nil}} {
		m.store.fails["ReadAt"] = test.failures
		r := m.snap.Reader(meta)
		data, err := io.ReadAll(r)
		if !errors.Is(err, test.want) || errors.Is(err, ErrDamaged) || test.want == nil && len(data) != 3*chunk {
			t.Errorf("%d failures: read %d bytes: %v", test.failures, len(data), err)
		}
		if r.Close() != nil {
			t.Error("the reader cannot be closed")
		}
	}
	w.settle()
	m.expectTrouble()
	m.expectListed(1)
	if m.snap.Status().Damaged != 0 || len(m.store.published) != 1 {
		t.Errorf("%d are stored, status %+v", len(m.store.published), m.snap.Status())
	}
}

// TestTheWholeIsChecked finds a change that the store does not notice, before the last part
// is handed out.
func TestTheWholeIsChecked(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(2*chunk + 10)
	meta := m.takeOne()
	m.store.find(meta.ID).data[17] ^= 4
	r := m.snap.Reader(meta)
	defer r.Close()
	if data, err := io.ReadAll(r); !errors.Is(err, ErrDamaged) || len(data) != 2*chunk {
		t.Errorf("read %d bytes: %v", len(data), err)
	}
	if _, ok := m.snap.Latest(); ok {
		t.Error("it is still listed")
	}
}

func TestReadersOfWhatIsNotThere(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	r := m.snap.Reader(wire.SnapshotMeta{ID: 9})
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, ErrGone) {
		t.Errorf("reading: %v", err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error("it cannot be closed")
	}
	w.settle()
	m.expectTrouble()
}

// TestDurableStatesReplaceTheirData deletes the data of a snapshot that a durable state
// machine has restored, once a snapshot without data is published in their place.
func TestDurableStatesReplaceTheirData(t *testing.T) {
	w := newWorld(t, 1)
	leader := w.add(3 * chunk)
	m := w.add(3*chunk, func(c *Config) { c.Durable, c.Policy.Keep = true, 2 })
	leader.takeOne()
	if !leader.offerTo(m, stall) {
		t.Fatal("nothing is received")
	}
	fetched := m.received[0]
	r := m.snap.Reader(fetched)
	m.snap.Restored(fetched)
	w.run(second, nil)
	m.expectListed(1, 1)
	if data, err := io.ReadAll(r); err != nil || len(data) != 3*chunk {
		t.Errorf("the reader reads %d bytes: %v", len(data), err)
	}
	r.Close()
	m.expectListed(1)
	latest, _ := m.snap.Latest()
	if !latest.External || latest.ID == fetched.ID || latest.Last != fetched.Last || len(m.store.published) != 1 {
		t.Errorf("the latest is %+v", latest)
	}
	m.expectQuiet()
}

func TestReplacingMayFail(t *testing.T) {
	w := newWorld(t, 1)
	leader, m := w.add(chunk), w.add(chunk, func(c *Config) { c.Durable = true })
	leader.takeOne()
	leader.offerTo(m, stall)
	m.store.fails["Publish"] = 1
	m.snap.Restored(m.received[0])
	w.settle()
	m.expectTrouble("stay until the next snapshot: Publish: injected")
	m.expectListed(1)
	m.applied.Index = 1
	m.takeOne()
	m.expectListed(2)
	if latest, _ := m.snap.Latest(); !latest.External || len(m.store.published) != 1 {
		t.Errorf("the latest is %+v", latest)
	}
}
