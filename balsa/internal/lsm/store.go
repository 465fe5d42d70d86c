// SPDX-License-Identifier: Apache-2.0

package lsm

import (
	"errors"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/balsa-raft/raft/balsa/internal/kv"
)

// store is a kv.Store in a database. All changes go to one batch, which also
// answers what is read, until commit writes it.
type store struct {
	db    *pebble.DB
	batch *pebble.Batch // between begin and commit or drop
	items int
	// earliest is a time before which nothing expires: what spares a look at the disk
	// for every command.
	earliest int64
	err      error

	key, value []byte // working space
}

var _ kv.Store = (*store)(nil)

func (s *store) begin() { s.batch = s.db.NewIndexedBatch() }

// commit writes the batch, with what belongs to the state besides the items. It is not synced.
func (s *store) commit(moment kv.Moment) {
	s.value = appendMeta(s.value[:0], moment, s.items)
	s.fail(s.batch.Set(metaKey, s.value, nil))
	if s.err == nil {
		s.fail(s.batch.Commit(pebble.NoSync))
	}
	s.drop()
}

// drop forgets the batch.
func (s *store) drop() {
	s.fail(s.batch.Close())
	s.batch = nil
}

// fail remembers the first error.
func (s *store) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Find reads an item.
func (s *store) Find(key []byte) *kv.Item {
	if s.err != nil {
		return nil
	}
	s.key = appendItemKey(s.key[:0], kv.PositionOf(key), key)
	content, closer, err := s.batch.Get(s.key)
	if err != nil {
		if !errors.Is(err, pebble.ErrNotFound) {
			s.fail(err)
		}
		return nil
	}
	defer closer.Close()
	return s.item(key, content)
}

// item returns a copy of what the database holds for a key, nil if that is malformed.
func (s *store) item(key, content []byte) *kv.Item {
	value, expireAt, err := splitItemValue(content)
	if err != nil {
		s.fail(err)
		return nil
	}
	return kv.NewItem(key, value, expireAt)
}

// Put writes an item.
func (s *store) Put(was *kv.Item, key, first, second []byte, expireAt int64) {
	expiry := int64(0)
	if was == nil {
		s.items++
	} else {
		expiry = was.ExpireAt()
	}
	s.key = appendItemKey(s.key[:0], kv.PositionOf(key), key)
	s.value = appendItemValue(s.value[:0], expireAt, first, second)
	s.set(s.key, s.value)
	if expiry != expireAt {
		s.dropExpiry(expiry, key)
		s.addExpiry(expireAt, key)
	}
}

func (s *store) addExpiry(at int64, key []byte) {
	if at != 0 {
		s.key = appendExpiryKey(s.key[:0], at, key)
		s.set(s.key, nil)
		s.earliest = min(s.earliest, at)
	}
}

func (s *store) dropExpiry(at int64, key []byte) {
	if at != 0 {
		s.key = appendExpiryKey(s.key[:0], at, key)
		s.delete(s.key)
	}
}

func (s *store) set(key, value []byte) {
	if s.err == nil {
		s.fail(s.batch.Set(key, value, nil))
	}
}

func (s *store) delete(key []byte) {
	if s.err == nil {
		s.fail(s.batch.Delete(key, nil))
	}
}

// SetExpiry writes an item again, with another expiry.
func (s *store) SetExpiry(i *kv.Item, at int64) { s.Put(i, []byte(i.Key()), i.Value(), nil, at) }

// Remove deletes an item.
func (s *store) Remove(i *kv.Item) { s.remove([]byte(i.Key()), i.ExpireAt()) }

func (s *store) remove(key []byte, expireAt int64) {
	s.items--
	s.key = appendItemKey(s.key[:0], kv.PositionOf(key), key)
	s.delete(s.key)
	s.dropExpiry(expireAt, key)
}

// Evict deletes items that have expired. It begins to look where the last time it stopped, not at
// the start, where there is nothing but what was deleted and is not gone yet.
func (s *store) Evict(clock int64, limit int) {
	if s.err != nil || clock < s.earliest {
		return
	}
	bounds := &pebble.IterOptions{LowerBound: appendExpiryPrefix(nil, max(s.earliest, 0)), UpperBound: expiresTo}
	if clock < math.MaxInt64 {
		bounds.UpperBound = appendExpiryPrefix(nil, clock+1)
	}
	expired, err := s.batch.NewIter(bounds)
	if err != nil {
		s.fail(err)
		return
	}
	s.evict(expired, clock, limit)
	s.fail(expired.Close())
}

// evict removes what the iterator gives, which does not see that.
func (s *store) evict(expired *pebble.Iterator, clock int64, limit int) {
	valid := expired.First()
	for ; valid; valid = expired.Next() {
		at, key, err := splitExpiryKey(expired.Key())
		if err != nil {
			s.fail(err)
			return
		}
		if limit--; limit < 0 {
			s.earliest = at
			return
		}
		s.remove(key, at)
	}
	if expired.Error() == nil {
		s.earliest = clock
		if clock < math.MaxInt64 {
			s.earliest++
		}
	}
}

// Ascend reads items in the order of SCAN.
func (s *store) Ascend(position uint64, visit func(*kv.Item) bool) {
	if s.err != nil {
		return
	}
	if position >= 1<<48 {
		return // Behind all positions: a cursor that no SCAN has given.
	}
	bounds := &pebble.IterOptions{LowerBound: appendItemPrefix(nil, position), UpperBound: itemsTo}
	items, err := s.batch.NewIter(bounds)
	if err != nil {
		s.fail(err)
		return
	}
	for valid := items.First(); valid && s.visit(items, visit); valid = items.Next() {
	}
	s.fail(items.Close()) // With what has ended the iteration.
}

// visit visits the item at which the iterator is, and reports whether to go on.
func (s *store) visit(items *pebble.Iterator, visit func(*kv.Item) bool) bool {
	content, err := items.ValueAndErr()
	s.fail(err)
	key, err := splitItemKey(items.Key())
	s.fail(err)
	if s.err != nil {
		return false
	}
	i := s.item(key, content)
	return i != nil && visit(i)
}

// Len returns the number of items.
func (s *store) Len() int { return s.items }

// Clear deletes everything.
func (s *store) Clear() {
	if s.err == nil {
		s.fail(s.batch.DeleteRange(itemsFrom, itemsTo, nil))
		s.fail(s.batch.DeleteRange(expiresFrom, expiresTo, nil))
	}
	s.items, s.earliest = 0, math.MaxInt64
}
