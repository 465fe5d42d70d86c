// SPDX-License-Identifier: Apache-2.0

package core

import (
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// pinTimeouts is for how many election time-outs a leader keeps entries for a peer that
// it does not hear from.
const pinTimeouts = 30

// compact forgets entries that a durable snapshot covers and that were applied. A leader keeps those that a
// peer needs, which lags or is installing a snapshot, unless that would keep entries
// below the limit.
func (c *Core) compact(e CompactRequested) {
	covered := min(e.Through, c.snapshot.Index, c.applied)
	pinned, peer := c.pinned()
	through := min(covered, max(pinned, e.Limit))
	if c.stateLost || through <= c.log.Compacted().Index {
		return
	}
	if pinned < through {
		c.emit(Notice{Kind: PinReleased, Peer: peer})
	}
	c.log.CompactTo(through)
	for len(c.memberships) > 1 && c.memberships[1].index <= through {
		c.memberships = c.memberships[1:]
	}
	c.issue(WriteLog{Compact: through})
}

// pinned returns the entry behind which the leader's log is needed by a peer, and by
// which one.
func (c *Core) pinned() (wire.Index, wire.NodeID) {
	lowest, who := c.log.Last(), wire.NodeID(0)
	if c.leader == nil {
		return lowest, who
	}
	for _, p := range c.leader.peers {
		needed := p.Match
		if p.State == progress.Snapshot {
			needed = p.Pin
		}
		if needed < lowest && p.leaveAt == Never && c.now-p.Contact < pinTimeouts*c.cfg.ElectionTimeout {
			lowest, who = needed, p.ID
		}
	}
	return lowest, who
}
