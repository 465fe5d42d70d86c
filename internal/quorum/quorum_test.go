// SPDX-License-Identifier: Apache-2.0

package quorum

import (
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// voters returns the IDs from first on.
func voters(first, count int) []wire.NodeID {
	ids := make([]wire.NodeID, count)
	for i := range ids {
		ids[i] = wire.NodeID(first + i)
	}
	return ids
}

// hasMajority is the definition: more than half of the list is in the set.
func hasMajority(list []wire.NodeID, set map[wire.NodeID]bool) bool {
	count := 0
	for _, id := range list {
		if set[id] {
			count++
		}
	}
	return 2*count > len(list)
}

func isQuorum(c Config, set map[wire.NodeID]bool) bool {
	return hasMajority(c.Voters, set) && (len(c.Outgoing) == 0 || hasMajority(c.Outgoing, set))
}

// bruteReached is the greatest value such that those who have reached it are a quorum.
func bruteReached(c Config, values map[wire.NodeID]uint64) uint64 {
	best := uint64(0)
	for _, candidate := range values {
		reached := map[wire.NodeID]bool{}
		for id, value := range values {
			reached[id] = value >= candidate
		}
		if candidate > best && isQuorum(c, reached) {
			best = candidate
		}
	}
	return best
}

// members returns each voter once.
func members(c Config) []wire.NodeID {
	all := slices.Concat(c.Voters, c.Outgoing)
	slices.Sort(all)
	return slices.Compact(all)
}

// configs are all simple ones of up to seven voters, and joint ones of up to five
// and five with every overlap.
func configs() []Config {
	list := []Config{{}}
	for n := 1; n <= 7; n++ {
		list = append(list, Config{Voters: voters(1, n)})
	}
	for n := 1; n <= 5; n++ {
		for m := 1; m <= 5; m++ {
			for first := 1; first <= n+1; first++ {
				list = append(list, Config{Voters: voters(1, n), Outgoing: voters(first, m)})
			}
		}
	}
	return list
}

// TestReachedBySubsets lets every subset of the voters reach something and the others not.
func TestReachedBySubsets(t *testing.T) {
	for _, c := range configs() {
		ids := members(c)
		for subset := range 1 << len(ids) {
			set := map[wire.NodeID]bool{}
			for i, id := range ids {
				set[id] = subset>>i&1 == 1
			}
			want := uint64(3)
			if isQuorum(c, set) {
				want = 8
			}
			if len(ids) == 0 {
				want = 0
			}
			got := c.Reached(func(id wire.NodeID) uint64 {
				if set[id] {
					return 8
				}
				return 3
			})
			if got != want {
				t.Fatalf("%v: with %v ahead, got %d, want %d", c, set, got, want)
			}
		}
	}
}

// TestReachedByOrders gives distinct values in every order to up to five voters.
func TestReachedByOrders(t *testing.T) {
	for n := 1; n <= 5; n++ {
		c := Config{Voters: voters(1, n)}
		permute(n, func(order []int) {
			// With values 1..n, n-v+1 voters have reached v.
			want := uint64(n - (n/2 + 1) + 1)
			got := c.Reached(func(id wire.NodeID) uint64 { return uint64(order[id-1] + 1) })
			if got != want {
				t.Fatalf("%d voters in order %v: got %d, want %d", n, order, got, want)
			}
		})
	}
}

func permute(n int, f func(order []int)) {
	order := make([]int, 0, n)
	var extend func(used uint)
	extend = func(used uint) {
		if bits.OnesCount(used) == n {
			f(order)
			return
		}
		for i := range n {
			if used>>i&1 == 0 {
				order = append(order, i)
				extend(used | 1<<i)
				order = order[:len(order)-1]
			}
		}
	}
	extend(0)
}

func TestReachedTable(t *testing.T) {
	const top = ^uint64(0)
	tests := []struct {
		values []uint64
		want   uint64
	}{
		{nil, 0},
		{[]uint64{5}, 5},
		{[]uint64{5, 9}, 5},
		{[]uint64{5, 9, 7}, 7},
		{[]uint64{5, 9, 7, 8}, 7},
		{[]uint64{0, 0, 0, 9, 9}, 0},
		{[]uint64{0, 0, 9, 9, 9}, 9},
		{[]uint64{1, 2, 3, 4, 5, 6}, 3},
		{[]uint64{top, 1, top}, top},
	}
	for _, test := range tests {
		c := Config{Voters: voters(0, len(test.values))}
		if got := c.Reached(func(id wire.NodeID) uint64 { return test.values[id] }); got != test.want {
			t.Errorf("%v: got %d, want %d", test.values, got, test.want)
		}
	}
}

func TestReachedOfManyVoters(t *testing.T) {
	for n := 14; n <= 40; n++ {
		c := Config{Voters: voters(1, n), Outgoing: voters(7, n)}
		values := map[wire.NodeID]uint64{}
		for _, id := range members(c) {
			values[id] = uint64(id) * 2654435761 % 97
		}
		got := c.Reached(func(id wire.NodeID) uint64 { return values[id] })
		if want := bruteReached(c, values); got != want {
			t.Errorf("%d voters: got %d, want %d", n, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	m := wire.Membership{Voters: voters(1, 3), Outgoing: voters(2, 3), Learners: voters(9, 1)}
	if got, want := fmt.Sprint(Of(&m)), "{[1 2 3] [2 3 4]}"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNoAllocation(t *testing.T) {
	c := Config{Voters: voters(1, 16), Outgoing: voters(9, 16)}
	values := make([]uint64, 32)
	var sink uint64
	allocs := testing.AllocsPerRun(100, func() {
		sink += c.Reached(func(id wire.NodeID) uint64 { return values[id] })
		sink += uint64(c.Votes(func(id wire.NodeID) Vote { return Vote(values[id]) }))
	})
	if allocs != 0 {
		t.Errorf("%v allocations for 16 voters, want 0", allocs)
	}
}

// FuzzReached compares with brute force: the first two bytes choose the halves,
// the others are what the voters have reached.
func FuzzReached(f *testing.F) {
	f.Add([]byte{3, 0, 1, 2, 3})
	f.Add([]byte{5, 0x33, 1, 2, 3, 9, 9, 9, 0, 1})
	f.Add([]byte{18, 0x12, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 {
			return
		}
		c := Config{Voters: voters(0, int(data[0]%20)), Outgoing: voters(int(data[1]>>4), int(data[1]&15))}
		values := map[wire.NodeID]uint64{}
		for i, id := range members(c) {
			if 2+i < len(data) {
				values[id] = uint64(data[2+i])
			} else {
				values[id] = 0
			}
		}
		got := c.Reached(func(id wire.NodeID) uint64 { return values[id] })
		if want := bruteReached(c, values); got != want {
			t.Errorf("%v with %v: got %d, want %d", c, values, got, want)
		}
	})
}
