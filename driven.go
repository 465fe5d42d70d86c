// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"math/rand/v2"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/drive"
	"github.com/balsa-raft/raft/wire"
)

// OpenDriven is Open for this module's simulator: the node starts no goroutine and
// looks at no clock. The driver's owner calls the stages that the node adds to it, and everything else,
// on one goroutine. Of the methods that wait, none may be called; ProposeAsync may.
func OpenDriven(cfg Config, driver *drive.Driver) (*Node, error) { return open(cfg, driver) }

// runStage starts the goroutine of a stage, or leaves its steps to the driver.
func (n *Node) runStage(stage drive.Stage, run func()) {
	if n.driver != nil {
		n.driver.Add(stage)
		return
	}
	go run()
}

// random returns bits that are never the same again.
func (n *Node) random() uint64 {
	if n.driver != nil {
		return n.driver.Random()
	}
	return rand.Uint64()
}

// loopStage is the loop of a group, to be stepped by hand.
func (g *Group) loopStage() drive.Stage {
	return drive.Stage{
		Name: fmt.Sprintf("loop of group %d", g.cfg.ID),
		Wake: g.wake,
		Step: func() bool {
			if g.ended {
				return false
			}
			more, ended := g.turn()
			return more && !ended
		},
		Deadline: func() int64 {
			if g.ended {
				return int64(core.Never)
			}
			return int64(g.nextDeadline())
		},
	}
}

// InitializeDriven is Group.Initialize for the simulator. It does not wait for the answer, nor is
// there any if the group has stopped.
func InitializeDriven(_ *drive.Driver, g *Group, members ...Member) {
	ask := control{event: core.InitializeRequested{Membership: wire.NewMembership(members...)}, answer: make(chan verdict, 1)}
	if slept, _ := g.inbox.ask(ask); slept {
		g.awake(false)
	}
}

// ChangeDriven is Group.ChangeMembership for the simulator. It does not wait: answered tells,
// after the next turn of the loop, that there is an answer, and whether the change was accepted or why
// not. It is to be called until it has; if the group has stopped, it never does.
func ChangeDriven(_ *drive.Driver, g *Group, target MembershipTarget) (answered func() (bool, error)) {
	ask := control{
		event:  core.ChangeRequested{Target: target.membership(), IfAt: target.IfIndex, Force: target.Force},
		answer: make(chan verdict, 1),
	}
	if slept, _ := g.inbox.ask(ask); slept {
		g.awake(false)
	}
	return func() (bool, error) {
		select {
		case v := <-ask.answer:
			return true, refusalOf(v.change.Refusal)
		default:
			return false, nil
		}
	}
}

// RestingDriven says, for the simulator, what is left in a group in which nothing is
// under way, "" if nothing: then every queue and every counter is back to rest.
func RestingDriven(_ *drive.Driver, g *Group) string {
	left := g.leftovers()
	if bytes := g.node.writer.Bytes(); bytes != 0 {
		left += fmt.Sprintf("%d bytes to be written; ", bytes)
	}
	if !g.core.Quiet() {
		left += "writes under way; "
	}
	if g.snapshots != nil {
		if busy := g.snapshots.Busy(); busy != "" {
			left += busy + "; "
		}
	}
	return left
}

// leftovers says what the group holds of requests, "" if nothing. The caller holds
// g.turns, or is the driver.
func (g *Group) leftovers() string {
	g.inbox.mu.Lock()
	defer g.inbox.mu.Unlock()
	left := ""
	for _, part := range []struct {
		name  string
		count int
	}{
		{"pending bytes", g.inbox.pendingBytes}, {"callers waiting for room", len(g.inbox.room)},
		{"requests in the inbox", len(g.inbox.waiting.requests)}, {"bytes of other members", int(g.remoteBytes.Load())},
		{"waiters", g.waiters.count()}, {"requests in the backlog", len(g.backlog)},
		{"forwards", len(g.forwards.inflight)}, {"requests being proposed", len(g.proposing)},
	} {
		if part.count != 0 {
			left += fmt.Sprintf("%d %s; ", part.count, part.name)
		}
	}
	return left
}
