// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"hash/fnv"
	"strconv"
)

// item is one key with its value. It lives in the store's map and in its order,
// and in the heap of expiries if it has one.
type item struct {
	key string
	// position is where SCAN meets the key: see positionOf.
	position uint64
	// bulk is the value as a bulk string of the Redis protocol, which a GET returns
	// as it stands. It is never changed, only replaced, because replies share it.
	bulk []byte
	// head is the length of the bulk string's header.
	head int
	// expireAt is in Unix milliseconds on the machine's clock, zero for never.
	expireAt int64
	// heapIndex is the item's place in the heap of expiries.
	// Invariant: -1 exactly if expireAt is zero.
	heapIndex int
}

// bulkTail is the length of what ends a bulk string.
const bulkTail = len("\r\n")

func (i *item) value() []byte { return i.bulk[i.head : len(i.bulk)-bulkTail] }

// setValue makes the value of one or two parts.
func (i *item) setValue(first, second []byte) {
	size := len(first) + len(second)
	var space [24]byte
	header := append(strconv.AppendInt(append(space[:0], '$'), int64(size), 10), "\r\n"...)
	i.head = len(header)
	i.bulk = make([]byte, 0, len(header)+size+bulkTail)
	i.bulk = append(append(append(i.bulk, header...), first...), second...)
	i.bulk = append(i.bulk, "\r\n"...)
}

// positionBits keeps cursors within the integers that clients written in
// JavaScript can hold.
const positionBits = 48

// positionOf gives a key its place in the order of SCAN: a hash that is the same on
// every member and in every version, so that a cursor stays good when the keys
// around it come and go, and on whichever node the scan goes on.
func positionOf(key []byte) uint64 {
	h := fnv.New64a()
	h.Write(key)
	return h.Sum64() >> (64 - positionBits)
}
