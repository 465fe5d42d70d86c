// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// The backlog are requests that were taken in and not yet proposed or forwarded. On a
// leader it is empty after every turn or two; while no leader is known it grows, up
// to PendingBytesMax.

// proposalsMax bounds the commands of one ProposalsArrived.
const proposalsMax = 4096

// canPropose reports whether a leader has something to propose.
func (g *Group) canPropose() bool { return len(g.backlog) > 0 && g.core.AcceptsProposals() }

// proposeBacklog makes one event of what waits, up to the bounds, if this member leads.
func (g *Group) proposeBacklog() {
	if !g.canPropose() {
		return
	}
	g.proposing = g.takeBacklog()
	count := 0
	for _, r := range g.proposing {
		count += len(r.commands)
	}
	if count == 0 {
		return
	}
	entries := make([]wire.Entry, 0, count)
	for _, r := range g.proposing {
		for _, command := range r.commands {
			entries = append(entries, wire.Entry{Kind: wire.EntryCommand, Data: command})
		}
	}
	g.events = append(g.events, core.ProposalsArrived{Entries: entries})
}

// takeBacklog takes requests out of the backlog, up to the bounds of a batch, but at
// least one, leaving out those that were withdrawn.
func (g *Group) takeBacklog() []*request {
	taken, used, count, bytes := []*request(nil), 0, 0, 0
	for _, r := range g.backlog {
		if len(taken) > 0 && (count+len(r.commands) > proposalsMax || bytes+r.bytes > g.cfg.BatchBytesMax) {
			break
		}
		used++
		if r.remote != nil && r.remote.term != g.core.Term() {
			g.finish(r, ErrNotLeader) // Its sender takes it to the next leader.
			continue
		}
		if !r.take() {
			g.inbox.release(r.bytes)
			continue
		}
		count += len(r.commands)
		bytes += r.bytes
		taken = append(taken, r)
	}
	rest := copy(g.backlog, g.backlog[used:])
	clear(g.backlog[rest:])
	g.backlog = g.backlog[:rest]
	return taken
}

// sweepBacklog takes out the requests that were withdrawn: without a leader nobody
// else would, and they would keep their room.
func (g *Group) sweepBacklog() {
	g.backlog = slices.DeleteFunc(g.backlog, func(r *request) bool {
		gone := r.state.Load() == requestWithdrawn
		if gone {
			g.inbox.release(r.bytes)
		}
		return gone
	})
}

// putBack returns requests that surely were not proposed to the front of the backlog.
func (g *Group) putBack(requests []*request) {
	kept := make([]*request, 0, len(requests)+len(g.backlog))
	for _, r := range requests {
		if r.untake() {
			kept = append(kept, r)
		} else {
			g.finish(r, ErrNotLeader) // Nobody waits for it any more.
		}
	}
	g.backlog = append(kept, g.backlog...)
}

// accepted binds the requests that were being proposed to their places in the log.
func (g *Group) accepted(e core.AcceptProposals) {
	for _, r := range g.waiters.bind(g.proposing, e.First, e.Term) {
		g.finish(r, r.unknown(errLeadershipLost))
	}
	g.proposing = nil
}

func (g *Group) rejected() {
	g.putBack(g.proposing)
	g.proposing = nil
}

// followLeader deals with the backlog of a member that does not lead: to the leader
// with it, if one is known.
func (g *Group) followLeader() {
	if len(g.backlog) == 0 || g.role.Role == core.Leader {
		return
	}
	g.refuseRemote()
	switch {
	case g.cfg.DisableForwarding:
		for _, r := range g.backlog {
			if r.take() {
				g.finish(r, ErrNotLeader)
			} else {
				g.inbox.release(r.bytes)
			}
		}
		clear(g.backlog)
		g.backlog = g.backlog[:0]
	case g.role.Leader != 0:
		g.forwardBacklog(leadership{g.role.Leader, g.role.Term})
	}
}

// refuseRemote sends back what others passed to this member when it led, or was
// thought to.
func (g *Group) refuseRemote() {
	kept := g.backlog[:0]
	for _, r := range g.backlog {
		if r.remote != nil {
			g.finish(r, ErrNotLeader)
		} else {
			kept = append(kept, r)
		}
	}
	clear(g.backlog[len(kept):])
	g.backlog = kept
}

// giveUpUnresolved ends the requests of a leadership that was lost a while ago and
// whose fate has not become known since.
func (g *Group) giveUpUnresolved(now core.Instant) {
	if now < g.unresolvedAt {
		return
	}
	g.unresolvedAt = core.Never
	below := g.core.Term()
	if g.role.Role != core.Leader {
		below++
	}
	for _, r := range g.waiters.takeBelow(below) {
		g.finish(r, r.unknown(errLeadershipLost))
	}
}
