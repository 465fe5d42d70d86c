// SPDX-License-Identifier: Apache-2.0

package load

import (
	"math/bits"
	"time"
)

const (
	subBits = 5
	subs    = 1 << subBits
	// topBits bounds the values that are told apart: 2^36 ns are 68 seconds.
	topBits = 36
	buckets = (topBits - subBits + 1) * subs
)

// Histogram counts durations in buckets that are at most 1/32 of their value wide.
// It is not safe for concurrent use; the zero value is empty.
type Histogram struct {
	counts [buckets]uint32
	total  uint64
	max    time.Duration
}

// Record counts one duration.
func (h *Histogram) Record(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.total++
	h.max = max(h.max, d)
}

// Merge adds what another histogram has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// Total is the number of durations counted.
func (h *Histogram) Total() uint64 { return h.total }

// Max is the longest duration counted, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns a duration that a share q of those counted do not exceed, zero
// if none were counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank, seen := uint64(q*float64(h.total)), uint64(0)
	for i, n := range h.counts {
		seen += uint64(n)
		if n > 0 && seen >= rank {
			return min(upperBound(i), h.max)
		}
	}
	return h.max
}

func bucketOf(d time.Duration) int {
	value := uint64(max(d, 0))
	if value < subs {
		return int(value)
	}
	shift := bits.Len64(value) - subBits - 1
	if shift > topBits-subBits-1 {
		return buckets - 1
	}
	return (shift+1)*subs + int(value>>shift) - subs
}

func upperBound(bucket int) time.Duration {
	if bucket < subs {
		return time.Duration(bucket)
	}
	shift := bucket/subs - 1
	return time.Duration((uint64(bucket%subs+subs)+1)<<shift - 1)
}
