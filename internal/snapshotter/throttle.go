// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/balsa-raft/raft/wire"
)

const (
	// throttleBurst is how much time that was not used may be made up for: a goroutine
	// that wakes late must not slow a transfer down.
	throttleBurst = int64(50 * time.Millisecond)
	// chunksPerSecond is how many chunks a limited rate is cut into, so that a transfer
	// which is slow on purpose makes progress often.
	chunksPerSecond = 8
	// chunkBytesMin is what a chunk has at least, however low the rate.
	chunkBytesMin = 4 << 10
)

// Throttle bounds what a node sends of snapshots, in all its groups: how many transfers
// at a time, and how many bytes a second. It may be used by any goroutine.
type Throttle struct {
	transfersMax   int
	bytesPerSecond atomic.Int64

	mu     sync.Mutex
	active []transfer
	nextAt int64 // when the next chunk may be sent
}

// transfer is a member of a group that is fetching.
type transfer struct {
	group wire.GroupID
	to    wire.NodeID
	until int64 // when it counts no longer, unless it fetches again
}

// NewThrottle returns a throttle; zero or less means no limit.
func NewThrottle(transfers int, bytesPerSecond int64) *Throttle {
	t := &Throttle{transfersMax: transfers}
	t.SetRate(bytesPerSecond)
	return t
}

// SetRate changes how many bytes a second may be sent from now on; zero or less means no limit.
// The next chunk may be sent at once, however low the rate was before.
func (t *Throttle) SetRate(bytesPerSecond int64) {
	t.bytesPerSecond.Store(bytesPerSecond)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nextAt = 0
}

// admit reports whether a member may fetch now, and counts it until the time given.
func (t *Throttle) admit(group wire.GroupID, to wire.NodeID, now, until int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	active := t.active[:0]
	for _, a := range t.active {
		isSame := a.group == group && a.to == to
		if !isSame && a.until > now {
			active = append(active, a)
		}
	}
	t.active = active
	if t.transfersMax > 0 && len(active) >= t.transfersMax {
		return false
	}
	t.active = append(active, transfer{group, to, until})
	return true
}

// release counts a member no longer.
func (t *Throttle) release(group wire.GroupID, to wire.NodeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.active {
		if t.active[i].group == group && t.active[i].to == to {
			t.active = append(t.active[:i], t.active[i+1:]...)
			return
		}
	}
}

// readyAt is when the next chunk may be sent.
func (t *Throttle) readyAt() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nextAt
}

// spend says that bytes have been sent.
func (t *Throttle) spend(now int64, bytes int) {
	rate := t.bytesPerSecond.Load()
	if rate <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nextAt = max(t.nextAt, now-throttleBurst) + int64(time.Second)*int64(bytes)/rate
}

// chunkBytes is how many bytes of those asked for a chunk may have.
func (t *Throttle) chunkBytes(asked int) int {
	rate := t.bytesPerSecond.Load()
	if rate <= 0 {
		return asked
	}
	return min(asked, max(int(min(rate/chunksPerSecond, int64(asked))), chunkBytesMin))
}
