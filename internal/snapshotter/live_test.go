// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/balsa-raft/raft/wire"
)

// livePair is a leader with a durable state of so many chunks, and a member.
func livePair(t testing.TB, seed uint64, chunks int) (w *world, leader, m *member) {
	w = newWorld(t, seed)
	leader = w.add(chunks*chunk+17, func(c *Config) { c.Durable = true })
	m = w.add(leader.stateBytes, func(c *Config) { c.Durable = true })
	leader.apply(3)
	return w, leader, m
}

func TestLiveCapture(t *testing.T) {
	for _, chunks := range []int{0, 1, 30} {
		w, leader, m := livePair(t, 1, chunks)
		if !leader.offerTo(m, stall) {
			t.Fatalf("nothing is received: %v %v", m.troubles, leader.troubles)
		}
		meta := m.received[0]
		if meta.External || meta.Size != uint64(leader.stateBytes) || meta.Last.Index != 3 {
			t.Errorf("received %+v", meta)
		}
		m.expectSame(meta)
		if leader.store.calls["Begin"] != 0 || leader.captures != 1 {
			t.Errorf("%d captures, %d snapshots begun", leader.captures, leader.store.calls["Begin"])
		}
		// While the member installs it, nothing is captured again.
		for range 20 {
			leader.snap.Offer(m.id, 1, 1, 0)
			w.run(second/10, nil)
		}
		w.run(2*retry, nil)
		leader.snap.Offer(m.id, 1, 1, 0)
		w.run(second, nil)
		if leader.open != 0 || leader.captures != 1 || m.offers[len(m.offers)-1].ID != meta.ID {
			t.Errorf("%d captures, %d open", leader.captures, leader.open)
		}
		// It needs a newer one.
		leader.apply(5)
		leader.snap.Offer(m.id, 1, 1, 7)
		w.run(second, nil)
		if last := m.received[len(m.received)-1]; last.Last.Index != 8 {
			t.Errorf("received %+v", last)
		}
		w.run(2*stall, nil)
		leader.expectQuiet()
		m.expectQuiet()
		m.expectTrouble()
		leader.expectTrouble()
	}
}

func TestLiveCaptureUnderFaults(t *testing.T) {
	captures := 0
	const seeds = 30
	for seed := range uint64(seeds) {
		w, leader, m := livePair(t, seed, 30)
		w.loss, w.duplicate, w.reorder, w.damage = 0.05, 0.1, 0.1, 0.05
		if !leader.offerTo(m, 600*second) {
			t.Fatalf("seed %d: nothing is received: %v %v", seed, m.troubles, leader.troubles)
		}
		m.expectSame(m.received[0])
		w.run(3*stall, nil)
		leader.expectQuiet()
		m.expectQuiet()
		captures += leader.captures
	}
	if captures > seeds*5/4 {
		t.Errorf("%d captures for %d transfers: what is lost is not repeated from what is kept", captures, seeds)
	}
}

// TestLiveCaptureResumes within what is kept, in the middle of a part as well.
func TestLiveCaptureResumes(t *testing.T) {
	for _, lost := range []int{0, 3, chunk, 2*chunk + 500} {
		w, leader, m := livePair(t, 1, 30)
		w.hold(leader, m, 15*chunk)
		m.crash(lost)
		m.start()
		if !leader.offerTo(m, stall) {
			t.Fatal("nothing is received")
		}
		m.expectSame(m.received[0])
		if again := int(m.store.written) - leader.stateBytes; leader.captures != 1 || again != lost || m.snap.Status().Resumed != 1 {
			t.Errorf("lost %d: %d captures, %d bytes again", lost, leader.captures, again)
		}
	}
}

// TestLiveCaptureBegins anew when a member has lost more than what is kept, and when the
// leader has restarted.
func TestLiveCaptureBeginsAnew(t *testing.T) {
	for name, disturb := range map[string]func(leader, m *member){
		"member": func(_, m *member) { m.crash(1 << 20); m.start() },
		"leader": func(leader, _ *member) { leader.crash(0); leader.start() },
	} {
		w, leader, m := livePair(t, 1, 30)
		w.hold(leader, m, 15*chunk)
		disturb(leader, m)
		if !leader.offerTo(m, 3*stall) {
			t.Fatalf("%s: nothing is received: %v", name, m.troubles)
		}
		m.expectSame(m.received[0])
		if leader.captures != 2 {
			t.Errorf("%s: %d captures", name, leader.captures)
		}
		w.run(2*stall, nil)
		leader.expectQuiet()
	}
}

func TestAQuietMemberLosesItsCapture(t *testing.T) {
	w, leader, m := livePair(t, 1, 30)
	w.hold(leader, m, 15*chunk)
	m.crash(0)
	w.run(stall-second, nil)
	if leader.open != 1 {
		t.Error("it is closed too early")
	}
	w.run(2*second, nil)
	leader.expectQuiet()
	if leader.captures != 1 {
		t.Errorf("%d captures", leader.captures)
	}
}

func TestOneCaptureForEachMember(t *testing.T) {
	w, leader, m := livePair(t, 1, 30)
	other := w.add(leader.stateBytes)
	for range 10 {
		leader.snap.Offer(m.id, 1, 1, 0)
		leader.snap.Offer(other.id, 1, 1, 0)
		w.run(latency/2, nil)
	}
	w.run(stall, nil)
	if leader.captures != 2 || len(m.received) != 1 || len(other.received) != 1 || m.received[0].ID == other.received[0].ID {
		t.Errorf("%d captures, received %v and %v", leader.captures, m.received, other.received)
	}
	m.expectSame(m.received[0])
	other.expectSame(other.received[0])
}

func TestForeignersGetNothingOfACapture(t *testing.T) {
	w, leader, m := livePair(t, 1, 30)
	w.hold(leader, m, 5*chunk)
	statuses := map[wire.ChunkStatus]int{}
	w.spoil = func(_, to wire.NodeID, message wire.Message) bool {
		if c, ok := message.(*wire.SnapshotChunk); ok && to == 9 {
			statuses[c.Status]++
		}
		return false
	}
	leader.snap.Deliver(9, &wire.SnapshotFetch{ID: m.snap.Status().Fetching.ID, Offset: m.snap.Status().Fetching.Bytes, Length: chunk})
	w.run(stall, nil)
	if statuses[wire.ChunkGone] != 1 || len(statuses) != 1 {
		t.Errorf("answers %v", statuses)
	}
	m.expectSame(m.received[0])
}

func TestTheThrottleBoundsCaptures(t *testing.T) {
	w := newWorld(t, 1)
	leader := w.add(30*chunk, func(c *Config) { c.Durable, c.Throttle = true, NewThrottle(1, 0) })
	leader.apply(1)
	m, other := w.add(30*chunk), w.add(30*chunk)
	most := 0
	for range 200 {
		leader.snap.Offer(m.id, 1, 1, 0)
		leader.snap.Offer(other.id, 1, 1, 0)
		w.run(second/10, nil)
		most = max(most, leader.open)
	}
	if most > 1 || len(m.received) == 0 || len(other.received) == 0 {
		t.Errorf("%d captures at a time, received %d and %d", most, len(m.received), len(other.received))
	}
}

func TestCapturesThatFail(t *testing.T) {
	broken := func(data []byte) io.ReadCloser {
		return io.NopCloser(io.MultiReader(bytes.NewReader(data[:10*chunk+5]), iotest.ErrReader(errInjected)))
	}
	tests := []struct {
		name    string
		prepare func(leader *member)
		atLeast wire.Index
		want    string
	}{
		{"no capture", func(leader *member) { leader.captureErr = errInjected }, 0, "no state captured for member 2: trying again in 1s: injected"},
		{"too old", func(leader *member) {}, 4, "no state captured for member 2: trying again in 1s: " + errTooOld.Error()},
		{"a read error", func(leader *member) { leader.capture = broken }, 0, "capturing it again: read the capture at 10000: injected"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, leader, m := livePair(t, 1, 30)
			test.prepare(leader)
			leader.snap.Offer(m.id, 1, 1, test.atLeast)
			w.run(second/2, nil)
			leader.expectTrouble(test.want)
			leader.expectQuiet()
			for range 5 { // Too early.
				leader.snap.Offer(m.id, 1, 1, test.atLeast)
			}
			leader.captureErr, leader.capture = nil, nil
			leader.apply(1)
			if !leader.offerTo(m, stall) {
				t.Fatalf("nothing is received: %v", leader.troubles)
			}
			m.expectSame(m.received[0])
		})
	}
}

// TestAMemberThatLosesTheEnd is sent another capture soon, when the one it had been
// sent all of is closed.
func TestAMemberThatLosesTheEnd(t *testing.T) {
	w, leader, m := livePair(t, 1, 30)
	w.spoil = func(_, _ wire.NodeID, message wire.Message) bool {
		c, ok := message.(*wire.SnapshotChunk)
		return ok && c.Status == wire.ChunkEnd
	}
	w.hold(leader, m, uint64(leader.stateBytes))
	w.run(second/2, nil)
	m.crash(0)
	w.run(3*retry, nil)
	leader.expectQuiet()
	w.spoil = nil
	m.start()
	if !leader.offerTo(m, 5*second) {
		t.Fatalf("nothing is received: %v", m.troubles)
	}
	m.expectSame(m.received[0])
	if leader.captures != 2 {
		t.Errorf("%d captures", leader.captures)
	}
}
