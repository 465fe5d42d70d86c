// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"
	"fmt"

	"github.com/balsa-raft/raft/internal/core"
)

// Leftovers says what the group holds of requests, "" if nothing: when no caller waits
// any more, nothing may be left.
func (g *Group) Leftovers() string {
	g.turns.Lock()
	defer g.turns.Unlock()
	g.inbox.mu.Lock()
	defer g.inbox.mu.Unlock()
	left := [...]int{
		g.inbox.pendingBytes, len(g.inbox.room), len(g.inbox.waiting.requests), int(g.remoteBytes.Load()),
		g.waiters.count(), len(g.backlog), len(g.forwards.inflight), len(g.proposing),
	}
	if left == [len(left)]int{} {
		return ""
	}
	return fmt.Sprintf("%d pending bytes, %d waiting for room, %d in the inbox, %d bytes of others, "+
		"%d waiters, %d in the backlog, %d forwarded, %d being proposed",
		left[0], left[1], left[2], left[3], left[4], left[5], left[6], left[7])
}

// CacheHolds returns the first entry that the log cache holds, and its size in bytes.
func (g *Group) CacheHolds() (first Index, bytes int) { return g.cache.First(), g.cache.Bytes() }

// Transfer hands leadership to another member, and reports whether that worked.
func (g *Group) Transfer(ctx context.Context, to NodeID) (bool, error) {
	return g.ask(ctx, core.TransferRequested{To: to})
}
