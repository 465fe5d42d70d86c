// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"bytes"
	"io"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// benchBytes is the size of the state.
const benchBytes = 64 << 20

// flatStore has room for one snapshot, which it does not verify: what is measured is not
// the store.
type flatStore struct {
	*fakeStore
	data []byte
	meta wire.SnapshotMeta
}

func (f *flatStore) Begin(_ wire.GroupID, meta wire.SnapshotMeta) (uint64, error) {
	f.meta = meta
	return 0, nil
}

func (f *flatStore) Write(_ wire.GroupID, _ wire.SnapshotID, offset uint64, data []byte) error {
	copy(f.data[offset:], data)
	return nil
}

func (f *flatStore) Publish(_ wire.GroupID, _ wire.SnapshotID, size uint64, checksum uint32) error {
	f.meta.Size, f.meta.Checksum = size, checksum
	return nil
}

func (f *flatStore) ReadAt(_ wire.GroupID, _ wire.SnapshotID, buf []byte, offset uint64) (int, error) {
	return copy(buf, f.data[offset:]), nil
}

// BenchmarkTake copies a capture into a store in memory.
func BenchmarkTake(b *testing.B) {
	m := benchMember(newWorld(b, 1))
	m.takeOne()
	b.SetBytes(benchBytes)
	b.ReportAllocs()
	for b.Loop() {
		m.takeOne()
	}
}

// BenchmarkFetch serves and fetches, from a store in memory to another one.
func BenchmarkFetch(b *testing.B) {
	w := newWorld(b, 1)
	leader, m := benchMember(w), benchMember(w)
	leader.takeOne()
	b.SetBytes(benchBytes)
	b.ReportAllocs()
	for b.Loop() {
		m.crash(0)
		m.start()
		leader.snap.Offer(m.id, 1, 1, 0)
		n := len(m.received)
		if !w.run(stall, func() bool { return len(m.received) > n }) {
			b.Fatal("nothing is received")
		}
	}
}

// BenchmarkApplied is what the applier pays for each batch.
func BenchmarkApplied(b *testing.B) {
	m := benchMember(newWorld(b, 1))
	b.ReportAllocs()
	for b.Loop() {
		m.snap.Applied(10, 1000)
	}
}

func benchMember(w *world) *member {
	m := w.add(0, func(c *Config) {
		c.ChunkBytes, c.Policy.Entries = DefaultChunkBytes, 1<<40
		c.Store = &flatStore{fakeStore: newStore(w.t), data: make([]byte, benchBytes)}
	})
	state := bytes.Repeat([]byte{1}, benchBytes)
	m.capture = func([]byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(state)) }
	return m
}
