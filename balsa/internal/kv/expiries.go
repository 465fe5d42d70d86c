// SPDX-License-Identifier: Apache-2.0

package kv

// expiries is a heap (container/heap) of the items that expire, the earliest first.
// Equal times are ordered by key, so that the order of eviction does not depend on
// how the heap came about.
type expiries []*Item

// Len returns the number of items that expire.
func (e expiries) Len() int { return len(e) }

// Less orders by time, then by key.
func (e expiries) Less(i, j int) bool {
	if e[i].expireAt != e[j].expireAt {
		return e[i].expireAt < e[j].expireAt
	}
	return e[i].key < e[j].key
}

// Swap swaps two items.
func (e expiries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].heapIndex, e[j].heapIndex = i, j
}

// Push adds an item at the end.
func (e *expiries) Push(x any) {
	i := x.(*Item)
	i.heapIndex = len(*e)
	*e = append(*e, i)
}

// Pop removes the last item.
func (e *expiries) Pop() any {
	last := len(*e) - 1
	i := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	i.heapIndex = -1
	return i
}
