// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"time"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// Defaults of Config.
const (
	DefaultChunkBytes   = 256 << 10
	DefaultWindow       = 4
	DefaultRetryAfter   = int64(time.Second)
	DefaultStallTimeout = int64(30 * time.Second)
)

// Config says what a snapshotter is made of. Times are in nanoseconds.
type Config struct {
	Group wire.GroupID
	ID    wire.NodeID
	Store Store
	Owner Owner
	// Now returns the time on the node's clock. It never runs backwards.
	Now func() int64
	// Random returns random bits.
	Random func() uint64
	Policy Policy
	// Durable says that the state machine keeps its own state: the node's own
	// snapshots are External, and members are sent live captures.
	Durable bool

	// ChunkBytes is how much is read or written, asked for and answered at a time.
	ChunkBytes int
	// Window is how many fetches a receiver has under way.
	Window int
	// RetryAfter is how long a receiver waits for a chunk before it asks again.
	RetryAfter int64
	// StallTimeout is how long a transfer may be without progress.
	StallTimeout int64
	// Throttle is the node's, shared by its groups; nil for no limits.
	Throttle *Throttle
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	invariant.Check(c.Store != nil && c.Owner != nil && c.Now != nil && c.Random != nil, "snapshotter: the configuration is complete")
	if c.ChunkBytes <= 0 {
		c.ChunkBytes = DefaultChunkBytes
	}
	if c.Window <= 0 {
		c.Window = DefaultWindow
	}
	if c.RetryAfter <= 0 {
		c.RetryAfter = DefaultRetryAfter
	}
	if c.StallTimeout <= 0 {
		c.StallTimeout = DefaultStallTimeout
	}
	if c.Throttle == nil {
		c.Throttle = NewThrottle(0, 0)
	}
	c.Policy.Keep = max(c.Policy.Keep, 1)
	return c
}
