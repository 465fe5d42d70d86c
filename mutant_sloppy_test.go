// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// sloppy is a log store that takes the limits of a read for advice.
type sloppy struct {
	*mem.Log
	isGenerous bool
}

// Entries returns everything from lo on, or else a single entry.
func (l *sloppy) Entries(group wire.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	if !l.isGenerous {
		return l.Log.Entries(group, lo, lo, bytesMax)
	}
	state, err := l.Load(group)
	if err != nil {
		return nil, err
	}
	return l.Log.Entries(group, lo, state.Last, 1<<30)
}

// Whatever limits a log store keeps to, only what is committed is applied, and only what
// is the leader's is sent.
func TestSloppyLogStores(t *testing.T) {
	for name, isGenerous := range map[string]bool{"generous": true, "stingy": false} {
		t.Run(name, func(t *testing.T) {
			inBubbleWith(t, 3, tiny, func(c *cluster) {
				for id, m := range c.members {
					c.stop(id)
					c.reopen(id, &sloppy{Log: m.log, isGenerous: isGenerous})
				}
				c.initialize()
				down := c.follower()
				before, during := numbered("before", 300), numbered("during", 300)
				c.proposeAll(c.leader(), before[:100])
				c.stop(down.id)
				c.proposeAll(c.leader(), before[100:])
				c.reopen(down.id, &sloppy{Log: down.log, isGenerous: isGenerous})
				c.proposeAll(c.leader(), during)
				checkApplied(c.t, c.awaitEqual(), append(before, during...))
				for id, m := range c.members {
					if err := m.group.Err(); err != nil {
						c.t.Errorf("member %d: %v", id, err)
					}
				}
			})
		})
	}
}

var _ raft.LogStore = (*sloppy)(nil)
