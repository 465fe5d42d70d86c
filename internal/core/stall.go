// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// stallAt is when the oldest write under way has taken too long.
func (c *Core) stallAt() Instant {
	if len(c.lane.pending) == 0 {
		return Never
	}
	return c.lane.pending[0].at + c.cfg.WriteStallTimeout
}

// checkStall makes a leader give up whose own disk hangs: it would keep the others
// quiet with its heartbeats while it holds them up. It invites the member that is
// most caught up, and does not campaign itself until the write has ended.
func (c *Core) checkStall() {
	if c.leader == nil || c.now < c.stallAt() {
		return
	}
	c.emit(Notice{Kind: WriteStalled})
	if p := c.transferee(0); p != nil {
		c.send(p.ID, &wire.TimeoutNow{Term: c.hard.Term})
	}
	c.become(Follower)
}
