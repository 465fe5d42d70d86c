// SPDX-License-Identifier: Apache-2.0

package logcache

import (
	"sync"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// Cache holds a contiguous range of entries. It shares the data of the entries with
// whoever appended them and changes none of it.
type Cache struct {
	// bytesMax bounds the durable entries held; those not durable yet come on top.
	bytesMax int

	mu   sync.Mutex
	held ring
	// bytes is the encoded size of the entries held.
	bytes int
	// next is the index behind the last entry, zero while that is not known. The
	// first entry held is at next - held.count.
	next wire.Index
	// durable is the last entry that may be evicted. Invariant: durable < next,
	// unless both are zero.
	durable wire.Index
	// reset says that Reset told where the next entry goes, and none has come yet.
	reset   bool
	version uint64
}

// New returns an empty cache that evicts durable entries, the oldest first, beyond
// bytesMax bytes in Entry.Size. The first Append may start anywhere.
func New(bytesMax int) *Cache {
	invariant.Check(bytesMax >= 0, "a cache's size is not negative", "bytes", bytesMax)
	return &Cache{bytesMax: bytesMax}
}

// Append puts the entries, which are contiguous, behind those held. If the first of
// them is not behind the last, they replace whatever stands at or after it, evicted
// entries included, and the version changes. If it leaves a gap, all older entries
// are dropped, without a change of version; right after a Reset there must be no gap.
// The slice stays the caller's; the data is shared from then on.
func (c *Cache) Append(entries []wire.Entry) {
	if len(entries) == 0 {
		return
	}
	first, last := entries[0].Index, entries[len(entries)-1].Index
	invariant.Check(first > 0 && last-first == wire.Index(len(entries)-1), "entries are contiguous", "first", first, "last", last)
	checkContiguous(entries)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next > 0 && first < c.next {
		c.truncate(first)
	}
	if first != c.next {
		invariant.Check(!c.reset, "the first entries after a reset leave no gap", "first", first, "next", c.next)
		c.forget(first)
	}
	c.reset = false
	c.held.push(entries)
	c.bytes += wire.SizeOf(entries)
	c.next = last + 1
	c.evict()
}

// Synced says that all entries through i are durable, so that they may be evicted.
// It must be about the entries that the cache holds now: what was synced and then
// replaced does not count. A lower i than before changes nothing, and neither does
// the part of i that is beyond the last entry.
func (c *Cache) Synced(i wire.Index) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == 0 || i <= c.durable {
		return
	}
	c.durable = min(i, c.next-1)
	c.evict()
}

// Reset forgets all entries and changes the version. The next Append must not start
// beyond next. With next zero it may start anywhere.
func (c *Cache) Reset(next wire.Index) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	c.forget(next)
	c.reset = next > 0
}

// Entries appends to dst the entries from lo up to and including hi, or up to the
// last one held, or as many, but at least one, as do not exceed bytesMax in
// Entry.Size. It is false, and appends nothing, if lo is not held or hi is below it.
// The entries stay valid whatever becomes of the cache; their data must not be changed.
func (c *Cache) Entries(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lo < c.first() || lo >= c.next || hi < lo {
		return dst, false
	}
	from := int(lo - c.first())
	to := int(min(hi, c.next-1)-c.first()) + 1
	count, bytes := 1, c.held.at(from).Size()
	for from+count < to {
		bytes += c.held.at(from + count).Size()
		if bytes > bytesMax {
			break
		}
		count++
	}
	return c.held.appendTo(dst, from, count), true
}

// Version returns a number that changes whenever entries were replaced or the cache
// was reset. A reader that finds the same version before and after it read entries,
// here or in the log store, knows that none of them was replaced in between.
func (c *Cache) Version() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// Bytes returns the size of the entries held, in Entry.Size.
func (c *Cache) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// First returns the index of the first entry held, Last()+1 if none is.
func (c *Cache) First() wire.Index {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.first(), 1)
}

// Last returns the index of the last entry appended, which may have been evicted, or
// the one before Reset's next; zero if there was none.
func (c *Cache) Last() wire.Index {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.next, 1) - 1
}

func (c *Cache) first() wire.Index { return c.next - wire.Index(c.held.count) }

// forget drops all entries; the next one will be at next.
func (c *Cache) forget(next wire.Index) {
	c.held, c.bytes = ring{}, 0
	c.next, c.durable = next, 0
}

// truncate drops what stands at or after first, which is before next.
func (c *Cache) truncate(first wire.Index) {
	c.version++
	if first < c.first() {
		c.forget(first)
		return
	}
	for c.next > first {
		c.bytes -= c.held.popBack().Size()
		c.next--
	}
	c.durable = min(c.durable, first-1)
}

// evict drops the oldest durable entries until the size is within bounds.
func (c *Cache) evict() {
	for c.bytes > c.bytesMax && c.held.count > 0 && c.first() <= c.durable {
		c.bytes -= c.held.popFront().Size()
	}
	c.held.shrink()
}

func checkContiguous(entries []wire.Entry) {
	invariant.CheckExpensive(func() (bool, string) {
		for i := range entries {
			if entries[i].Index != entries[0].Index+wire.Index(i) {
				return false, "entries are contiguous"
			}
		}
		return true, ""
	})
}
