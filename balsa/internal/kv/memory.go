// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"container/heap"

	"github.com/tidwall/btree"
)

// memory is the Store of a Machine. It holds the items three times: by key, in the
// order of SCAN, and by expiry.
//
// A capture takes the order as it is, which costs nothing: the tree copies what is
// changed later, node by node. The items are in both trees then. So one that an open
// capture shares is never changed: own puts a copy in its place first.
type memory struct {
	byKey    map[string]*Item
	order    *btree.BTreeG[*Item]
	expiries expiries
	// epoch is what new items are of. Every capture ends an epoch.
	// Invariant: above zero, and above the epoch of every capture.
	epoch    uint64
	captures *captures
}

var _ Store = (*memory)(nil)

func newMemory() *memory {
	s := &memory{epoch: 1, captures: &captures{}}
	s.Clear()
	return s
}

// Clear drops everything. Captures keep what they share.
func (s *memory) Clear() {
	s.byKey = make(map[string]*Item)
	s.order = btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})
	s.expiries = nil
}

func before(a, b *Item) bool {
	if a.position != b.position {
		return a.position < b.position
	}
	return a.key < b.key
}

// Find returns the item of a key.
func (s *memory) Find(key []byte) *Item { return s.byKey[string(key)] }

// Put writes a value and its expiry.
func (s *memory) Put(was *Item, key, first, second []byte, expireAt int64) {
	i := was
	if i == nil {
		i = s.add(key)
	} else {
		i = s.own(i)
	}
	i.setValue(first, second)
	s.changeExpiry(i, expireAt)
}

// add adds an item that is not there yet, without a value.
func (s *memory) add(key []byte) *Item {
	i := &Item{key: string(key), position: PositionOf(key), heapIndex: -1, epoch: s.epoch}
	s.byKey[i.key] = i
	s.order.Set(i)
	return i
}

// own returns the item if it may be changed, or else a copy that has taken its place.
func (s *memory) own(i *Item) *Item {
	if !s.captures.share(i) {
		return i
	}
	own := new(Item)
	*own = *i
	own.epoch = s.epoch
	s.byKey[own.key] = own
	s.order.Set(own)
	if own.heapIndex >= 0 {
		s.expiries[own.heapIndex] = own
	}
	return own
}

// Remove removes an item. It does not touch what a capture reads of it.
func (s *memory) Remove(i *Item) {
	if i.heapIndex >= 0 {
		heap.Remove(&s.expiries, i.heapIndex)
	}
	delete(s.byKey, i.key)
	s.order.Delete(i)
}

// SetExpiry sets the time when an item expires, zero for never.
func (s *memory) SetExpiry(i *Item, at int64) {
	if i.expireAt != at {
		s.changeExpiry(s.own(i), at)
	}
}

// changeExpiry sets the expiry of an item that may be changed.
func (s *memory) changeExpiry(i *Item, at int64) {
	was := i.expireAt
	switch {
	case was == at:
		return
	case at == 0:
		heap.Remove(&s.expiries, i.heapIndex)
	}
	i.expireAt = at
	switch {
	case was == 0:
		heap.Push(&s.expiries, i)
	case at != 0:
		heap.Fix(&s.expiries, i.heapIndex)
	}
}

// Evict removes items that have expired.
func (s *memory) Evict(clock int64, limit int) {
	for range limit {
		if len(s.expiries) == 0 || !s.expiries[0].isExpired(clock) {
			return
		}
		s.Remove(s.expiries[0])
	}
}

// Ascend visits items in the order of SCAN.
func (s *memory) Ascend(position uint64, visit func(*Item) bool) {
	s.order.Ascend(&Item{position: position}, visit)
}

// Len returns the number of items.
func (s *memory) Len() int { return len(s.byKey) }
