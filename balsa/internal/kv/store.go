// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"container/heap"

	"github.com/tidwall/btree"
)

// store holds the items three times: by key, in the order of SCAN, and by expiry.
// It knows nothing of the time.
type store struct {
	byKey    map[string]*item
	order    *btree.BTreeG[*item]
	expiries expiries
}

func newStore() store {
	return store{
		byKey: make(map[string]*item),
		order: btree.NewBTreeGOptions(before, btree.Options{NoLocks: true}),
	}
}

func before(a, b *item) bool {
	if a.position != b.position {
		return a.position < b.position
	}
	return a.key < b.key
}

// add adds an item that is not there yet, without a value.
func (s *store) add(key []byte) *item {
	i := &item{key: string(key), position: positionOf(key), heapIndex: -1}
	s.byKey[i.key] = i
	s.order.Set(i)
	return i
}

func (s *store) remove(i *item) {
	s.setExpiry(i, 0)
	delete(s.byKey, i.key)
	s.order.Delete(i)
}

// setExpiry sets the time when an item expires, zero for never.
func (s *store) setExpiry(i *item, at int64) {
	was := i.expireAt
	i.expireAt = at
	switch {
	case was == 0 && at != 0:
		heap.Push(&s.expiries, i)
	case was != 0 && at == 0:
		i.expireAt = was
		heap.Remove(&s.expiries, i.heapIndex)
		i.expireAt = 0
	case was != at:
		heap.Fix(&s.expiries, i.heapIndex)
	}
}

// ascend calls visit with the items at a position and after it, in order, until it
// returns false.
func (s *store) ascend(position uint64, visit func(*item) bool) {
	s.order.Ascend(&item{position: position}, visit)
}
