// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// runner is a member with goroutines, in a bubble.
type runner struct {
	*Snapshotter
	id      wire.NodeID
	peers   map[wire.NodeID]*runner
	state   []byte
	durable bool
	pending sync.WaitGroup

	mu       sync.Mutex
	open     int
	received []wire.SnapshotMeta
}

func newRunner(t *testing.T, id wire.NodeID, state []byte, durable bool, peers map[wire.NodeID]*runner) *runner {
	r := &runner{id: id, peers: peers, state: state, durable: durable}
	start := time.Now()
	snap, err := New(Config{
		Group: 1, ID: id, Store: newStore(t), Owner: r, Random: rand.New(rand.NewPCG(uint64(id), 0)).Uint64,
		Now: func() int64 { return int64(time.Since(start)) }, Policy: Policy{Entries: 10}, Durable: durable,
		ChunkBytes: chunk, Throttle: NewThrottle(2, 20*chunk),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Snapshotter = snap
	peers[id] = r
	return r
}

func (r *runner) Send(to wire.NodeID, m wire.Message) bool {
	if o, ok := m.(*wire.SnapshotOffer); ok {
		r.peers[to].Offered(r.id, o.Snapshot)
		return true
	}
	return r.peers[to].Deliver(r.id, m)
}

func (r *runner) Capture(stream bool) {
	r.pending.Go(func() {
		time.Sleep(time.Millisecond)
		meta := wire.SnapshotMeta{Last: wire.LogID{Term: 1, Index: 10}, External: r.durable && !stream}
		if meta.External {
			r.Captured(stream, meta, nil, nil)
			return
		}
		r.mu.Lock()
		r.open++
		r.mu.Unlock()
		r.Captured(stream, meta, &counted{io.NopCloser(bytes.NewReader(r.state)), func() {
			r.mu.Lock()
			r.open--
			r.mu.Unlock()
		}}, nil)
	})
}

func (r *runner) Taken(wire.SnapshotMeta) {}

func (r *runner) Received(_ wire.NodeID, meta wire.SnapshotMeta) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = append(r.received, meta)
}

func (r *runner) Trouble(string, error) {}

// TestRun does it all with goroutines and timers. The bubble ends only when all goroutines have.
func TestRun(t *testing.T) {
	for _, durable := range []bool{false, true} {
		for _, closeAfter := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				peers := map[wire.NodeID]*runner{}
				state := bytes.Repeat([]byte("balsa"), 10*chunk)
				a, b := newRunner(t, 1, state, durable, peers), newRunner(t, 2, nil, false, peers)
				var running sync.WaitGroup
				running.Go(a.Run)
				running.Go(b.Run)
				a.Applied(20, 200)
				stop := make(chan struct{})
				running.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						case <-time.After(100 * time.Millisecond):
							a.Offer(2, 1, 1, 1)
							a.Applied(1, 10)
							_, _, _, _ = a.Status(), a.Busy(), b.Status(), b.Published()
						}
					}
				})
				answered := make(chan error, 1)
				a.Take(func(_ wire.SnapshotMeta, err error) { answered <- err })
				time.Sleep(closeAfter)
				synctest.Wait()
				if closeAfter == time.Minute {
					checkReceived(t, b, state)
				}
				a.Close()
				b.Close()
				close(stop)
				running.Wait()
				a.pending.Wait()
				if err := <-answered; err != nil && !errors.Is(err, ErrClosed) {
					t.Errorf("Take ended with %v", err)
				}
				if a.open != 0 {
					t.Errorf("%d captures are open", a.open)
				}
			})
		}
	}
}

func checkReceived(t *testing.T, b *runner, state []byte) {
	t.Helper()
	latest, ok := b.Latest()
	if !ok || len(b.received) == 0 {
		t.Fatalf("nothing is received: %+v", b.Status())
	}
	r := b.Reader(latest)
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, state) {
		t.Errorf("received %d bytes: %v", len(got), err)
	}
}

func TestRunAfterClose(t *testing.T) {
	w := newWorld(t, 1)
	m := w.add(chunk)
	m.snap.Close()
	m.snap.Run()
}
