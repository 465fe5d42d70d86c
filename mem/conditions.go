// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"math/rand/v2"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// Conditions say how well a path carries messages. The zero value is a perfect
// one: no delay, no loss, and in order.
type Conditions struct {
	// DelayMin and DelayMax bound the time a message takes; each draws its own.
	DelayMin, DelayMax time.Duration
	// DropRate and DuplicateRate are probabilities, from 0 to 1. A repeated message
	// draws a delay of its own.
	DropRate, DuplicateRate float64
	// Reorder lets a message overtake those sent before it. Without it a message
	// whose delay ends early waits for its predecessors.
	Reorder bool
	// BytesPerSecond bounds what a lane carries, bulk and other messages each for
	// themselves: messages leave one after the other and have their delay afterwards.
	// Zero means no bound.
	BytesPerSecond int
}

// carrying returns how long a message of that many bytes occupies the lane.
func (c *Conditions) carrying(bytes int) time.Duration {
	if c.BytesPerSecond <= 0 {
		return 0
	}
	return time.Duration(bytes) * time.Second / time.Duration(c.BytesPerSecond)
}

// delay draws how long one message takes.
func (c *Conditions) delay(random *rand.Rand) time.Duration {
	if c.DelayMax <= c.DelayMin {
		return max(c.DelayMin, 0)
	}
	return c.DelayMin + time.Duration(random.Int64N(int64(c.DelayMax-c.DelayMin)+1))
}

// Stats counts messages. Of those that were taken, each, and each repetition, is
// in the end either delivered or dropped:
// Sent + Duplicated = Delivered + Dropped + those under way.
type Stats struct {
	// Sent counts the messages that Send took, with true.
	Sent uint64
	// Refused counts those it did not take, with false.
	Refused uint64
	// Duplicated counts the messages that were repeated.
	Duplicated uint64
	// Delivered and Dropped count what became of messages and repetitions.
	Delivered, Dropped uint64
	// Malformed counts the dropped messages that package wire could not decode
	// again. It is always zero unless wire has a fault.
	Malformed uint64
}

func (s *Stats) add(other Stats) {
	s.Sent += other.Sent
	s.Refused += other.Refused
	s.Duplicated += other.Duplicated
	s.Delivered += other.Delivered
	s.Dropped += other.Dropped
	s.Malformed += other.Malformed
}

// direction is from one node to another; the way back is another direction.
type direction struct{ from, to wire.NodeID }

// route is one lane of a direction: bulk messages have one of their own.
type route struct {
	direction
	bulk bool
}

// path is what is true of a route, whether or not its nodes exist at the time.
type path struct {
	cut        bool
	conditions *Conditions // nil where others apply, see Network.conditionsOf
	random     *rand.Rand
	stats      Stats
}

// newPath gives each path its own chance, so that what one draws doesn't depend
// on how much the others carry.
func newPath(seed uint64, r route) *path {
	const odd = 0x9e3779b97f4a7c15 // spreads node IDs, which are small, over all bits
	to := uint64(r.to) * odd
	if r.bulk {
		to++
	}
	return &path{random: rand.New(rand.NewPCG(seed+uint64(r.from)*odd, to))}
}
