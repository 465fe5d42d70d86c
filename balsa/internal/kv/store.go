// SPDX-License-Identifier: Apache-2.0

package kv

// Store is where an Interpreter finds and keeps items: in memory, or on disk. It is called by
// the goroutine that applies, and by nothing else. It knows nothing of the time, and
// nothing of commands: two Stores that have had the same calls hold the same.
//
// A Store that can fail remembers its first error, and finds nothing and changes nothing from
// then on: whoever owns it looks at that error after each command.
type Store interface {
	// Find returns the item of a key, also an expired one; nil if there is none.
	Find(key []byte) *Item
	// Put writes a value of two parts, and when it expires (zero for never). What Find has
	// returned for the key, nil or not, is the first argument. Put keeps no argument, but the
	// value before stays as it is for whoever has it.
	Put(was *Item, key, first, second []byte, expireAt int64)
	// SetExpiry changes when an item that Find has returned expires, zero for never.
	SetExpiry(i *Item, at int64)
	// Remove removes an item that Find has returned.
	Remove(i *Item)
	// Evict removes up to limit items that have expired at a time, the earliest first,
	// those of one time in the order of their keys.
	Evict(clock int64, limit int)
	// Ascend calls visit with the items at a position and after it, by position and then
	// by key, until it returns false. Nothing is changed meanwhile. An item is
	// valid until visit returns.
	Ascend(position uint64, visit func(*Item) bool)
	// Len returns the number of items, with those that have expired.
	Len() int
	// Clear removes everything.
	Clear()
}
