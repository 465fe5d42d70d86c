// SPDX-License-Identifier: Apache-2.0

package raft

import "runtime"

// HoldTurns keeps the loop from taking a turn, until release is called.
func (g *Group) HoldTurns() (release func()) {
	g.turns.Lock()
	return g.turns.Unlock
}

// AwaitControl waits until something is asked of the loop, which must be held.
func (g *Group) AwaitControl() {
	for {
		g.inbox.mu.Lock()
		n := len(g.inbox.waiting.controls)
		g.inbox.mu.Unlock()
		if n > 0 {
			return
		}
		runtime.Gosched()
	}
}
