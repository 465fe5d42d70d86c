// SPDX-License-Identifier: Apache-2.0

package logcache

import "github.com/balsa-raft/raft/wire"

// ring is a queue of entries in a circular buffer: appending and dropping at either
// end take constant time, amortised, and no allocation for each entry. Slots that
// hold no entry are zero, so that the collector can free the data.
type ring struct {
	// slots has a power of two of places, or none.
	slots []wire.Entry
	// front is the slot of the first entry.
	front int
	count int
}

// slotsMin is the least number of places; a ring never shrinks below it.
const slotsMin = 64

func (r *ring) slot(i int) int { return (r.front + i) & (len(r.slots) - 1) }

// at returns the entry at a position from the front, for reading.
func (r *ring) at(i int) *wire.Entry { return &r.slots[r.slot(i)] }

func (r *ring) push(entries []wire.Entry) {
	need := r.count + len(entries)
	if need > len(r.slots) {
		size := max(len(r.slots), slotsMin)
		for size < need {
			size *= 2
		}
		r.resize(size)
	}
	end := r.slot(r.count)
	n := copy(r.slots[end:], entries)
	copy(r.slots, entries[n:])
	r.count = need
}

func (r *ring) popFront() wire.Entry {
	entry := r.slots[r.front]
	r.slots[r.front] = wire.Entry{}
	r.front = r.slot(1)
	r.count--
	return entry
}

func (r *ring) popBack() wire.Entry {
	last := r.slot(r.count - 1)
	entry := r.slots[last]
	r.slots[last] = wire.Entry{}
	r.count--
	return entry
}

// appendTo appends count entries, from a position from the front, to dst.
func (r *ring) appendTo(dst []wire.Entry, from, count int) []wire.Entry {
	start := r.slot(from)
	n := min(count, len(r.slots)-start)
	dst = append(dst, r.slots[start:start+n]...)
	return append(dst, r.slots[:count-n]...)
}

// shrink gives memory back when less than an eighth is used, so that the ring is still
// half empty at least twice over afterwards and does not have to grow at once.
func (r *ring) shrink() {
	if len(r.slots) > slotsMin && r.count < len(r.slots)/8 {
		r.resize(len(r.slots) / 2)
	}
}

func (r *ring) resize(size int) {
	slots := make([]wire.Entry, size)
	r.appendTo(slots[:0], 0, r.count)
	r.slots, r.front = slots, 0
}
