// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"hash/fnv"
	"strconv"
)

// Item is one key with its value. What Store.Find returns is the Store's: it is to be
// read, and valid until the next call that changes the Store.
//
// In a memory it lives in the map and in the order, and in the heap of expiries if
// it has one.
type Item struct {
	// bulk is the value as a bulk string of the Redis protocol, which a GET returns
	// as it stands. It is never changed, only replaced, because replies share it.
	bulk []byte
	// head is the length of the bulk string's header.
	head int
	// expireAt is in Unix milliseconds on the machine's clock, zero for never.
	expireAt int64
	// epoch is the memory's epoch in which the item was made: a capture of that epoch
	// or a later one shares it, and reads all but heapIndex beside the applier. It stands next to what
	// most commands touch, for they look at it as well.
	epoch uint64
	// heapIndex is the item's place in the heap of expiries.
	// Invariant: -1 exactly if expireAt is zero.
	heapIndex int
	key       string
	// position is where SCAN meets the key: see PositionOf.
	position uint64
}

// NewItem returns an item for a Store that keeps its state elsewhere. It copies what it is given.
func NewItem(key, value []byte, expireAt int64) *Item {
	i := &Item{key: string(key), position: PositionOf(key), expireAt: expireAt, heapIndex: -1}
	i.setValue(value, nil)
	return i
}

// Key returns the key.
func (i *Item) Key() string { return i.key }

// Value returns the value, which is to be read only.
func (i *Item) Value() []byte { return i.bulk[i.head : len(i.bulk)-bulkTail] }

// ExpireAt returns the time of expiry in Unix milliseconds, zero for never.
func (i *Item) ExpireAt() int64 { return i.expireAt }

// Position returns where SCAN meets the key.
func (i *Item) Position() uint64 { return i.position }

// isExpired reports whether the item has expired at a time.
func (i *Item) isExpired(clock int64) bool { return i.expireAt != 0 && i.expireAt <= clock }

const (
	// bulkTail is the length of what ends a bulk string.
	bulkTail = len("\r\n")
	// bulkHeaderMax is the length of the longest header of a bulk string.
	bulkHeaderMax = len("$-9223372036854775808\r\n")
)

// setValue makes the value of one or two parts.
func (i *Item) setValue(first, second []byte) {
	size := len(first) + len(second)
	var space [bulkHeaderMax]byte
	header := appendBulkHeader(space[:0], size)
	i.head = len(header)
	i.bulk = make([]byte, 0, len(header)+size+bulkTail)
	i.bulk = append(append(append(i.bulk, header...), first...), second...)
	i.bulk = append(i.bulk, "\r\n"...)
}

func appendBulkHeader(buf []byte, size int) []byte {
	return append(strconv.AppendInt(append(buf, '$'), int64(size), 10), "\r\n"...)
}

// positionBits keeps cursors within the integers that clients written in
// JavaScript can hold.
const positionBits = 48

// PositionOf gives a key its place in the order of SCAN: a hash that is the same on
// every member and in every version, so that a cursor stays good when the keys
// around it come and go, and on whichever node the scan goes on. It has 48 bits.
func PositionOf(key []byte) uint64 {
	h := fnv.New64a()
	h.Write(key)
	return h.Sum64() >> (64 - positionBits)
}
