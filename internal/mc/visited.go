// SPDX-License-Identifier: Apache-2.0

package mc

import "sync"

const (
	visitedShards   = 256
	shardSizeMin    = 1 << 8
	shardFillFactor = 4 // parts of five
)

// visited is the set of states that were reached. All workers may use it at once.
type visited struct {
	shards [visitedShards]struct {
		sync.Mutex
		places []hash // a power of two of them; zero is empty
		count  int
	}
}

func newVisited() *visited {
	v := &visited{}
	for i := range v.shards {
		v.shards[i].places = make([]hash, shardSizeMin)
	}
	return v
}

// add reports whether the state was not there.
func (v *visited) add(key hash) bool {
	s := &v.shards[key.high%visitedShards]
	s.Lock()
	defer s.Unlock()
	if (s.count+1)*5 > len(s.places)*shardFillFactor {
		larger := make([]hash, 2*len(s.places))
		for _, old := range s.places {
			if old != (hash{}) {
				put(larger, old)
			}
		}
		s.places = larger
	}
	if !put(s.places, key) {
		return false
	}
	s.count++
	return true
}

// put reports whether the key was not there.
func put(places []hash, key hash) bool {
	mask := uint64(len(places) - 1)
	for i := key.low & mask; ; i = (i + 1) & mask {
		switch places[i] {
		case hash{}:
			places[i] = key
			return true
		case key:
			return false
		}
	}
}
