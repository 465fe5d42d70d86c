// SPDX-License-Identifier: Apache-2.0

package rafttest_test

import (
	"slices"
	"testing"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/rafttest"
)

// testColors is a test of a state machine of one's own: the leader crashes, the others go
// on, and in the end all have the same.
func testColors(t *testing.T) {
	options := rafttest.Options{
		Nodes:        3,
		StateMachine: func(raft.NodeID) raft.StateMachine { return &registers{values: map[string]string{}} },
	}
	rafttest.Run(t, options, func(t *testing.T, c *rafttest.Cluster) {
		c.MustPropose(c.Follower(), "color=green") // It goes to the leader by itself.
		crashed := c.Leader()
		c.Crash(crashed)
		result := c.MustPropose(c.Leader(), "color=blue")
		if string(result.Value) != "green" {
			t.Errorf("the color was %s", result.Value)
		}
		c.Start(crashed)
		commands := c.AwaitEqual()
		if !slices.Equal(commands, []string{"color=green", "color=blue"}) {
			t.Errorf("applied %v", commands)
		}
		c.CheckStores(commands)
		c.CheckOutcomes()
		c.CheckAtRest()
	})
}

func TestColors(t *testing.T) { testColors(t) }

// This is what stands in a test function. Examples have no t, so this one is compiled
// only; TestColors runs it.
func ExampleRun() {
	var t *testing.T
	testColors(t)
}
