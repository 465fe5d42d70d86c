// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"unsafe"
)

// Restore replaces the state with that of a snapshot. Malformed input is an error that wraps
// ErrSnapshotMalformed or ErrSnapshotUnsupported; one of r is wrapped.
//
// The old state is dropped first, so that there are never two: meanwhile, and after an
// error, the machine is empty. A machine that has halted stays so.
func (m *Machine) Restore(r io.Reader) error {
	if err := m.Err(); err != nil {
		return fmt.Errorf("kv: restore a halted machine: %w", err)
	}
	m.replace(newMemory(), Moment{})
	d, err := NewSnapshotDecoder(r)
	if err != nil {
		return err
	}
	loaded := newMemory()
	if err := loaded.load(d); err != nil {
		return err
	}
	m.replace(loaded, d.Moment())
	return nil
}

// replace puts a state in the place of the one there is. Captures that are open stay what they
// are: a new memory knows nothing of them and shares nothing with them.
func (m *Machine) replace(s *memory, moment Moment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.memory = s
	m.interpreter = NewInterpreter(s, moment)
}

// load adds all items of a snapshot to an empty memory.
func (s *memory) load(d *SnapshotDecoder) error {
	blocks := &blocks{}
	for {
		r, err := d.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		i := blocks.item(&r)
		i.epoch = s.epoch
		s.order.Load(i) // The records come in its order.
		if i.expireAt != 0 {
			i.heapIndex = len(s.expiries)
			s.expiries = append(s.expiries, i)
		}
	}
	heap.Init(&s.expiries)
	// The map comes last, when its size is known for certain: to let it grow takes twice as long as
	// all the rest.
	s.byKey = make(map[string]*Item, s.order.Len())
	s.order.Scan(func(i *Item) bool {
		s.byKey[i.key] = i
		return true
	})
	return nil
}

const (
	// blockItems and blockBytes are how many items, and how many bytes of keys and values, are taken
	// from the heap at once. A block is freed as a whole: what is overwritten later may
	// stay for the sake of what is not, so a restored state may take up to twice its size, for as long as it takes
	// to overwrite the rest.
	blockItems = 128
	blockBytes = 16 << 10
)

// blocks is where the items of a snapshot go.
type blocks struct {
	items []Item
	bytes []byte
}

// item returns a copy of the record.
func (b *blocks) item(r *Record) *Item {
	if len(b.items) == 0 {
		b.items = make([]Item, blockItems)
	}
	i := &b.items[0]
	b.items = b.items[1:]
	var space [bulkHeaderMax]byte
	header := appendBulkHeader(space[:0], len(r.Value))
	bulkBytes := len(header) + len(r.Value) + bulkTail
	buf := append(b.take(len(r.Key)+bulkBytes), r.Key...)
	i.key = unsafe.String(unsafe.SliceData(buf), len(r.Key))
	buf = append(append(append(buf, header...), r.Value...), "\r\n"...)
	i.bulk = buf[len(r.Key):len(buf):len(buf)]
	i.head, i.position, i.expireAt, i.heapIndex = len(header), r.Position, r.ExpireAt, -1
	return i
}

// take returns space for so many bytes. What is large gets its own.
func (b *blocks) take(n int) []byte {
	if n > blockBytes/4 {
		return make([]byte, 0, n)
	}
	if len(b.bytes) < n {
		b.bytes = make([]byte, blockBytes)
	}
	space := b.bytes[:0:n]
	b.bytes = b.bytes[n:]
	return space
}
