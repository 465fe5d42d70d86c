// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"context"

	"github.com/balsa-raft/raft/internal/core"
)

// Leftovers says what the group holds of requests, "" if nothing: when no caller waits
// any more, nothing may be left.
func (g *Group) Leftovers() string {
	g.turns.Lock()
	defer g.turns.Unlock()
	return g.leftovers()
}

// CacheHolds returns the first entry that the log cache holds, and its size in bytes.
func (g *Group) CacheHolds() (first Index, bytes int) { return g.cache.First(), g.cache.Bytes() }

// Transfer hands leadership to another member, and reports whether that worked.
func (g *Group) Transfer(ctx context.Context, to NodeID) (bool, error) {
	return g.ask(ctx, core.TransferRequested{To: to})
}
