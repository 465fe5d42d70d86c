// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/drive"
)

// CoreDriven returns the core of a group, for the simulator to look at.
func CoreDriven(_ *drive.Driver, g *Group) *core.Core { return g.core }

// WaitingDriven shows the simulator what waits for the loop, which takes all of it in its
// next turn: the messages, by their senders, and the last write that is durable, zero if
// there is no news of that.
func WaitingDriven(_ *drive.Driver, g *Group, message func(core.MessageArrived)) core.Seq {
	in := &g.inbox.waiting
	for _, d := range in.messages {
		message(core.MessageArrived{From: d.from, Message: d.message})
	}
	return in.synced
}
