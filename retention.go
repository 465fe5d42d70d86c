// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"sort"
	"sync"

	"github.com/balsa-raft/raft/internal/core"
)

// retentionSamplesMax bounds what is remembered of the log's growth. When there are more,
// every second one is forgotten, so that they stay evenly spread.
const retentionSamplesMax = 1024

// retention knows about how many bytes of entries there are behind an index, among those
// applied since the group was started. The applier records, the snapshotter asks.
type retention struct {
	mu      sync.Mutex
	samples []sizeSample // ascending in both fields
	index   Index
	bytes   int64
	// every is how many bytes lie between two samples at least.
	every int64
}

// sizeSample says that the entries up to and including index have so many bytes, counted from the start.
type sizeSample struct {
	index Index
	bytes int64
}

// applied records that entries through an index were applied, of so many bytes together.
func (r *retention) applied(through Index, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.index = through
	r.bytes += bytes
	if n := len(r.samples); n > 0 && r.bytes-r.samples[n-1].bytes < r.every {
		return
	}
	r.samples = append(r.samples, sizeSample{index: through, bytes: r.bytes})
	if len(r.samples) > retentionSamplesMax {
		kept := r.samples[:0]
		for i := 1; i < len(r.samples); i += 2 {
			kept = append(kept, r.samples[i])
		}
		r.samples = kept
		r.every = max(1, 2*r.every, (r.bytes-kept[0].bytes)/retentionSamplesMax)
	}
}

// within returns an index behind which there are at most so many bytes, as low as the
// samples tell; zero if that may be all there is.
func (r *retention) within(bytesMax int64) Index {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := sort.Search(len(r.samples), func(i int) bool { return r.bytes-r.samples[i].bytes <= bytesMax })
	switch {
	case n == len(r.samples):
		return r.index
	case n == 0:
		return 0
	}
	return r.samples[n].index
}

// compaction says what a snapshot that ends with an entry makes superfluous.
func (r *retention) compaction(last Index, p *SnapshotPolicy) core.CompactRequested {
	trailing := Index(max(p.TrailingEntries, 0))
	byCount := last - min(trailing, last)
	byBytes := min(r.within(max(p.TrailingBytes, 0)), last)
	return core.CompactRequested{
		Through: max(byCount, byBytes),
		Limit:   min(r.within(p.RetainBytesMax), last),
	}
}
