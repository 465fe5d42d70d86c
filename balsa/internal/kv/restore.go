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
	// blockItems and blockBytes are how many items, and how many bytes of keys or of values, are taken
	// from the heap at once. A block is freed as a whole: a value that is overwritten later may
	// stay for the sake of its neighbours that are not, so a restored state may take up to twice its size, for
	// as long as it takes to overwrite the rest. Keys and values have blocks of their own, because
	// an item keeps its key for as long as it lives.
	blockItems = 128
	blockBytes = 16 << 10
)

// blocks is where the items of a snapshot go.
type blocks struct {
	items        []Item
	keys, values []byte
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
	key := append(take(&b.keys, len(r.Key)), r.Key...)
	i.key = unsafe.String(unsafe.SliceData(key), len(key))
	i.bulk = append(take(&b.values, len(header)+len(r.Value)+bulkTail), header...)
	i.bulk = append(append(i.bulk, r.Value...), "\r\n"...)
	i.head, i.position, i.expireAt, i.heapIndex = len(header), r.Position, r.ExpireAt, -1
	return i
}

// take takes space for so many bytes from a block. What is large gets its own.
func take(block *[]byte, n int) []byte {
	if n > blockBytes/4 {
		return make([]byte, 0, n)
	}
	if len(*block) < n {
		*block = make([]byte, blockBytes)
	}
	space := (*block)[:0:n]
	*block = (*block)[n:]
	return space
}
