// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
)

// TestCompact: a member forgets all of the log that a snapshot covers, though its policy would keep
// it; but a leader keeps what another one needs.
func TestCompact(t *testing.T) {
	inSnapshotBubble(t, 3, func(*raft.GroupConfig) {}, func(c *cluster) {
		leader, other := c.serving(), c.follower()
		for n := range 50 {
			c.propose(leader, fmt.Sprint("w", n), time.Second)
		}
		c.awaitEqual()
		meta, err := other.group.Compact(c.t.Context())
		if err != nil || meta.Last.Index < 50 {
			t.Fatalf("Compact: %+v, %v", meta, err)
		}
		c.await("the log to be shorter", func() bool { return other.group.Status().FirstIndex == meta.Last.Index+1 })

		c.stop(other.id)
		c.propose(leader, "meanwhile", time.Second)
		needed := leader.group.Status().LastIndex
		if _, err := leader.group.Compact(c.t.Context()); err != nil {
			t.Fatal(err)
		}
		c.pass(2 * electionTimeout)
		if s := leader.group.Status(); s.FirstIndex > needed || s.FirstIndex == 1 {
			t.Errorf("the leader's log begins with %d, and the other needs %d", s.FirstIndex, needed)
		}
		c.start(other.id)
		c.awaitEqual()
	})
}
