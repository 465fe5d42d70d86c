// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/balsa-raft/raft/wire"
)

// member is a node with a group: its snapshotter's owner, and its applier.
type member struct {
	*world
	id    wire.NodeID
	cfg   Config
	store *fakeStore
	snap  *Snapshotter
	life  int
	up    bool

	applied      wire.LogID
	stateBytes   int
	captureDelay int64
	captureErr   error
	capture      func(data []byte) io.ReadCloser
	open         int // captures that are not closed
	captures     int
	accepts      bool // its core wants what is offered

	taken    []wire.SnapshotMeta
	received []wire.SnapshotMeta
	offers   []wire.SnapshotMeta
	troubles []string
	sent     map[wire.MessageKind]int
}

// add starts a member whose state has so many bytes.
func (w *world) add(stateBytes int, change ...func(*Config)) *member {
	m := &member{
		world: w, id: wire.NodeID(len(w.members) + 1), store: newStore(w.t), stateBytes: stateBytes,
		captureDelay: latency, accepts: true, sent: map[wire.MessageKind]int{},
	}
	m.cfg = Config{
		Group: 7, ID: m.id, Store: m.store, Owner: m, Now: func() int64 { return w.now }, Random: w.random.Uint64,
		ChunkBytes: chunk, Window: 4, RetryAfter: retry, StallTimeout: stall,
	}
	for _, c := range change {
		c(&m.cfg)
	}
	w.members = append(w.members, m)
	m.start()
	return m
}

func (m *member) start() {
	snap, err := New(m.cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	m.snap, m.up = snap, true
}

// crash ends a member; the last bytes written may be lost.
func (m *member) crash(lost int) {
	m.up, m.open = false, 0
	m.life++
	m.store.crash(lost)
}

// apply applies entries of ten bytes each.
func (m *member) apply(entries int) {
	m.applied = wire.LogID{Term: 1, Index: m.applied.Index + wire.Index(entries)}
	m.snap.Applied(entries, 10*int64(entries))
}

// state is what the state machine holds at an index.
func (m *member) state(index wire.Index) []byte {
	data := make([]byte, m.stateBytes)
	random := rand.NewChaCha8([32]byte{byte(index), byte(index >> 8)})
	_, _ = random.Read(data)
	return data
}

func (m *member) Send(to wire.NodeID, message wire.Message) bool {
	m.sent[message.Kind()]++
	m.send(m.id, to, message)
	return true
}

func (m *member) Capture(stream bool) {
	life, snap := m.life, m.snap
	m.captures++
	m.after(m.captureDelay, func() {
		if m.life != life {
			return
		}
		meta := wire.SnapshotMeta{Last: m.applied, Command: m.applied, Version: 3, External: m.cfg.Durable && !stream}
		switch {
		case m.captureErr != nil:
			snap.Captured(stream, meta, nil, m.captureErr)
		case meta.External:
			snap.Captured(stream, meta, nil, nil)
		default:
			snap.Captured(stream, meta, m.newCapture(m.state(m.applied.Index)), nil)
		}
	})
}

// newCapture is a capture of data that counts as open until it is closed.
func (m *member) newCapture(data []byte) io.ReadCloser {
	m.open++
	life, inner := m.life, io.NopCloser(bytes.NewReader(data))
	if m.capture != nil {
		inner = m.capture(data)
	}
	return &counted{inner, func() {
		if m.life == life {
			m.open--
		}
	}}
}

type counted struct {
	io.ReadCloser
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.ReadCloser.Close()
}

func (m *member) Taken(meta wire.SnapshotMeta) { m.taken = append(m.taken, meta) }

func (m *member) Received(_ wire.NodeID, meta wire.SnapshotMeta) {
	m.received = append(m.received, meta)
}

func (m *member) Trouble(what string, err error) {
	m.troubles = append(m.troubles, fmt.Sprintf("%s: %v", what, err))
}

// takeOne takes a snapshot after one more entry, and returns it.
func (m *member) takeOne() wire.SnapshotMeta {
	m.t.Helper()
	m.apply(1)
	var taken wire.SnapshotMeta
	var failure error
	m.snap.Take(func(meta wire.SnapshotMeta, err error) { taken, failure = meta, err })
	if !m.run(60*second, func() bool { return taken.ID != 0 || failure != nil }) || failure != nil {
		m.t.Fatalf("member %d cannot take a snapshot: %v", m.id, failure)
	}
	m.settle()
	return taken
}

// offerTo repeats an offer to a member until it has received a snapshot, or time is up.
func (m *member) offerTo(to *member, d int64) bool {
	had := len(to.received)
	for end := m.now + d; m.now < end; {
		if m.up {
			m.snap.Offer(to.id, 1, 1, 0)
		}
		if m.run(second/10, func() bool { return len(to.received) > had }) {
			return true
		}
	}
	return false
}

// expectSame fails unless a member has what another one has taken.
func (m *member) expectSame(meta wire.SnapshotMeta) {
	m.t.Helper()
	if got := m.read(meta); !bytes.Equal(got, m.state(meta.Last.Index)) {
		m.t.Fatalf("member %d reads %d bytes that are not the state at %d", m.id, len(got), meta.Last.Index)
	}
}

func (m *member) read(meta wire.SnapshotMeta) []byte {
	m.t.Helper()
	r := m.snap.Reader(meta)
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		m.t.Fatalf("member %d cannot read %v: %v", m.id, meta.ID, err)
	}
	return data
}

// expectQuiet fails unless nothing is under way and nothing is open.
func (m *member) expectQuiet() {
	m.t.Helper()
	m.settle()
	if busy := m.snap.Busy(); busy != "" || m.open != 0 {
		m.t.Errorf("member %d: %d captures open, and: %s", m.id, m.open, busy)
	}
}

func (m *member) expectTrouble(want ...string) {
	m.t.Helper()
	if len(m.troubles) != len(want) {
		m.t.Fatalf("troubles %q, want %q", m.troubles, want)
	}
	for i := range want {
		if !strings.Contains(m.troubles[i], want[i]) {
			m.t.Errorf("trouble %q, want %q", m.troubles[i], want[i])
		}
	}
	m.troubles = nil
}

func indexes(list []wire.SnapshotMeta) (of []wire.Index) {
	for i := range list {
		of = append(of, list[i].Last.Index)
	}
	return of
}
