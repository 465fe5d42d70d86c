// SPDX-License-Identifier: Apache-2.0

package kv

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"
)

// captures knows which captures of a memory are open. They are opened by the applier, and
// closed by any goroutine.
type captures struct {
	// latest is the highest epoch of an open capture, zero if none is open. The applier
	// reads it for each item that it changes.
	latest atomic.Uint64

	mu   sync.Mutex
	open []uint64
}

// share reports whether an open capture shares the item.
func (c *captures) share(i *Item) bool { return i.epoch <= c.latest.Load() }

func (c *captures) add(epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, epoch)
	c.latest.Store(epoch)
}

// remove is called once the capture is not read any more: the applier, when it sees
// that latest has fallen, changes the items in place.
func (c *captures) remove(epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.open, epoch)
	c.open = slices.Delete(c.open, i, i+1)
	latest := uint64(0)
	if len(c.open) > 0 {
		latest = slices.Max(c.open)
	}
	c.latest.Store(latest)
}

// capture is the state of a Machine at one moment. It is read by one goroutine,
// which must close it once.
type capture struct {
	moment   Moment
	order    *btree.BTreeG[*Item]
	epoch    uint64
	captures *captures
}

// capture captures the items as they are. It takes the same time however many there are.
func (s *memory) capture(moment Moment) *capture {
	c := &capture{moment: moment, order: s.order.Copy(), epoch: s.epoch, captures: s.captures}
	s.captures.add(s.epoch)
	s.epoch++
	return c
}

func (c *capture) close() {
	c.order = nil
	c.captures.remove(c.epoch)
}
