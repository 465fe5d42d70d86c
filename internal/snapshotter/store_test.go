// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

var errInjected = errors.New("injected")

// fakeStore is a store in memory that checks how it is used. What is in it outlives the
// snapshotters that use it.
type fakeStore struct {
	t testing.TB

	mu         sync.Mutex
	published  []*stored
	unfinished *stored
	// fails makes the next calls of an operation fail, as many as it says; -1 for all.
	fails   map[string]int
	calls   map[string]int
	written uint64 // bytes, by Write
	reserve int    // how much room a snapshot is given at once
	before  func(op string)
}

type stored struct {
	meta    wire.SnapshotMeta
	data    []byte
	damaged map[uint64]bool // bytes that a read notices
}

func newStore(t testing.TB) *fakeStore {
	return &fakeStore{t: t, fails: map[string]int{}, calls: map[string]int{}}
}

// call counts an operation, and fails it if it is to fail. The mutex is held on return.
func (f *fakeStore) call(op string) error {
	if f.before != nil {
		f.before(op)
	}
	f.mu.Lock()
	f.calls[op]++
	if n := f.fails[op]; n != 0 {
		f.fails[op] = max(n-1, -1)
		return fmt.Errorf("%s: %w", op, errInjected)
	}
	return nil
}

func (f *fakeStore) find(id wire.SnapshotID) *stored {
	for _, p := range f.published {
		if p.meta.ID == id {
			return p
		}
	}
	return nil
}

func (f *fakeStore) List(wire.GroupID) ([]wire.SnapshotMeta, error) {
	err := f.call("List")
	defer f.mu.Unlock()
	var list []wire.SnapshotMeta
	for _, p := range f.published {
		if len(p.damaged) == 0 {
			list = append(list, p.meta)
		}
	}
	return list, err
}

func (f *fakeStore) Begin(_ wire.GroupID, meta wire.SnapshotMeta) (uint64, error) {
	err := f.call("Begin")
	defer f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if f.find(meta.ID) != nil {
		f.t.Errorf("a published snapshot %v is begun", meta.ID)
	}
	if f.unfinished == nil || f.unfinished.meta.ID != meta.ID {
		f.unfinished = &stored{meta: meta, data: make([]byte, 0, f.reserve)}
	}
	return uint64(len(f.unfinished.data)), nil
}

func (f *fakeStore) Write(_ wire.GroupID, id wire.SnapshotID, offset uint64, data []byte) error {
	err := f.call("Write")
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if u := f.unfinished; u == nil || u.meta.ID != id || offset != uint64(len(u.data)) {
		f.t.Errorf("write to %v at %d", id, offset)
		return errInjected
	}
	f.unfinished.data = append(f.unfinished.data, data...)
	f.written += uint64(len(data))
	return nil
}

func (f *fakeStore) Publish(_ wire.GroupID, id wire.SnapshotID, size uint64, checksum uint32) error {
	err := f.call("Publish")
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	u := f.unfinished
	if u == nil || u.meta.ID != id {
		f.t.Errorf("%v is published, which was not begun", id)
		return errInjected
	}
	f.unfinished = nil
	if uint64(len(u.data)) != size || crc32.Checksum(u.data, castagnoli) != checksum {
		return fmt.Errorf("size or checksum: %w", errInjected)
	}
	u.meta.Size, u.meta.Checksum = size, checksum
	f.published = append(f.published, u)
	return nil
}

func (f *fakeStore) Abandon(wire.GroupID) error {
	err := f.call("Abandon")
	defer f.mu.Unlock()
	f.unfinished = nil
	return err
}

func (f *fakeStore) ReadAt(_ wire.GroupID, id wire.SnapshotID, buf []byte, offset uint64) (int, error) {
	err := f.call("ReadAt")
	defer f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	p := f.find(id)
	if p == nil {
		f.t.Errorf("%v is read, which is not there", id)
		return 0, errInjected
	}
	n := copy(buf, p.data[min(offset, uint64(len(p.data))):])
	for at := range p.damaged {
		if at >= offset && at < offset+uint64(n) {
			return 0, fmt.Errorf("block at %d: %w", at, errInjected)
		}
	}
	if n < len(buf) {
		return n, io.EOF
	}
	return n, nil
}

func (f *fakeStore) Delete(_ wire.GroupID, id wire.SnapshotID) error {
	err := f.call("Delete")
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	f.published = slices.DeleteFunc(f.published, func(p *stored) bool { return p.meta.ID == id })
	return nil
}

// damage makes a byte of a published snapshot unreadable.
func (f *fakeStore) damage(id wire.SnapshotID, at uint64) {
	p := f.find(id)
	if p.damaged == nil {
		p.damaged = map[uint64]bool{}
	}
	p.damaged[at] = true
}

// crash loses the end of what was written and not published.
func (f *fakeStore) crash(lost int) {
	if u := f.unfinished; u != nil {
		u.data = u.data[:max(0, len(u.data)-lost)]
	}
}
