// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"runtime"
	"time"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// The loop owns the core of a group. One turn of it is
//
//	drain -> core.Handle -> perform
//
// drain turns what waits in the inbox into events; perform gives each effect to the
// one lane it belongs to. Nothing here waits for a disk, a socket or the state
// machine, so the loop is free for the next batch as soon as the last one is queued.
//
// The loop has a goroutine, but when it sleeps, whoever brings the next event may take
// the turn instead (docs/decisions/0002): on the path of a lone write that saves the
// hand-offs, each of which costs more than the turn itself. The mutex g.turns makes it one loop all
// the same.

// inlineTurnsMax bounds how many turns somebody else than the loop's goroutine takes.
const inlineTurnsMax = 3

// awake sees to it that a turn is taken, after something was left in the inbox of a
// loop that slept: at once by the caller, if inline, or else by the loop's goroutine.
func (g *Group) awake(inline bool) {
	if inline && g.node.driver == nil && g.turns.TryLock() {
		more, ended := true, g.ended
		for n := 0; n < inlineTurnsMax && more && !ended; n++ {
			more, ended = g.turn()
		}
		g.turns.Unlock()
		if !more && !ended {
			return
		}
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// run is the loop's goroutine.
func (g *Group) run() {
	for {
		g.turns.Lock()
		more, ended := true, g.ended
		for more && !ended {
			more, ended = g.turn()
		}
		g.turns.Unlock()
		if ended {
			break
		}
		select {
		case <-g.wake:
			runtime.Gosched() // So that those who woke together make one batch.
		case <-g.timer.C:
		}
	}
	g.turns.Lock()
	defer g.turns.Unlock()
	g.timer.Stop()
	g.shutDown()
}

// turn does one bounded piece of work, and reports whether there is more to do at
// once, or whether the group ends here.
func (g *Group) turn() (more, ended bool) {
	took := g.inbox.take(&g.taken)
	now := g.node.now()
	g.drain(now)
	g.proposeBacklog()
	if len(g.events) > 0 {
		g.perform(g.core.Handle(now, g.events))
		clear(g.events)
		g.events = g.events[:0]
	}
	g.giveUpForwards(now)
	g.followLeader()
	g.giveUpUnresolved(now)
	g.ended = g.taken.stop || g.taken.failure != nil
	if g.taken.failure != nil {
		g.fail(g.taken.failure)
	}
	if took {
		g.taken.reset()
	}
	g.publish()
	g.answerObeyed()
	g.arm(now)
	return took || g.canPropose(), g.ended
}

// drain turns what was taken in into events.
func (g *Group) drain(now core.Instant) {
	in := &g.taken
	if in.synced > 0 {
		g.events = append(g.events, core.LogSynced{Seq: in.synced})
	}
	if in.applied > 0 {
		g.events = append(g.events, core.EntriesApplied{Through: in.applied})
	}
	g.events = append(g.events, in.events...)
	g.contacts.hear(in.messages, now)
	for _, d := range in.messages {
		if d.from == g.forwards.silent {
			g.forwards.silent = 0
		}
		g.drainMessage(d)
	}
	for _, p := range in.unreachable {
		g.forwards.silent = p
		g.events = append(g.events, core.PeerUnreachable{Peer: p})
		g.loseForwards(p, errPeerLost)
	}
	for _, c := range in.controls {
		g.drainControl(c)
	}
	if now >= g.deadline {
		for _, s := range g.streams {
			epoch, last := s.Sent()
			g.events = append(g.events, core.EntriesSent{Peer: s.id, Epoch: epoch, Last: last})
		}
		g.events = append(g.events, core.DeadlineReached{})
	}
	g.backlog = append(g.backlog, in.requests...)
	if in.withdrawn {
		g.sweepBacklog()
	}
}

// drainMessage gives the core what is the core's.
func (g *Group) drainMessage(d delivery) {
	switch m := d.message.(type) {
	case *wire.ForwardProposals:
		g.forwarded(d.from, m)
	case *wire.ForwardReply:
		g.forwardReply(m)
	case *wire.SnapshotFetch, *wire.SnapshotChunk:
		if g.snapshots != nil {
			g.snapshots.Deliver(d.from, m)
		}
	default:
		g.events = append(g.events, core.MessageArrived{From: d.from, Message: m})
	}
}

func (g *Group) drainControl(c control) {
	switch c.event.(type) {
	case core.InitializeRequested:
		g.initializing = append(g.initializing, c)
	case core.TransferRequested:
		g.transferring = append(g.transferring, c)
		if len(g.transferring) > 1 {
			return // It awaits the end of the one that is under way.
		}
	case core.ChangeRequested:
		g.changing = append(g.changing, c)
	default:
		g.obeyed = append(g.obeyed, c) // These have no answer of the core's.
	}
	g.events = append(g.events, c.event)
}

// answerObeyed answers those that the core has obeyed, when Status shows it.
func (g *Group) answerObeyed() {
	for _, c := range g.obeyed {
		c.answer <- verdict{ok: true}
	}
	clear(g.obeyed)
	g.obeyed = g.obeyed[:0]
}

// arm sets the timer to the deadline. It leaves it alone if it goes off earlier: a
// turn too many is cheaper than a timer for each.
func (g *Group) arm(now core.Instant) {
	g.deadline = g.core.Deadline()
	if g.timer == nil {
		return // The driver asks.
	}
	if at := g.nextDeadline(); at < g.timerAt || g.timerAt <= now {
		g.timerAt = at
		g.timer.Reset(time.Duration(max(at-now, 0)))
	}
}

// nextDeadline is when a turn is due even if nothing happens.
func (g *Group) nextDeadline() core.Instant {
	return min(g.deadline, g.unresolvedAt, g.forwards.deadline())
}

// fail records why the group stops.
func (g *Group) fail(err error) {
	g.failure.Store(&err)
	g.logger.Error("group stopped", "error", err)
}

// shutDown ends everything else, once the loop has ended.
func (g *Group) shutDown() {
	g.inbox.refuse()
	g.applier.Close()
	if g.snapshots != nil {
		g.snapshots.Close()
	}
	for _, s := range g.streams {
		s.Stop()
		s.Close()
	}
	g.inbox.take(&g.taken)
	g.endRequests()
	g.running.Wait()
	g.endRequests() // Whatever the applier's last batch left.
	g.publish()
	g.node.forget(g) // Until now nobody may start the group anew.
	close(g.done)
}

// endRequests ends all requests that are left, each with what is true of it.
func (g *Group) endRequests() {
	for _, r := range append(g.backlog, g.taken.requests...) {
		if r.take() {
			g.finish(r, g.stopped())
		}
	}
	g.backlog, g.taken.requests = nil, nil
	cause := errGroupStopped
	if err := g.Err(); err != nil {
		cause = fmt.Errorf("%w: %w", errGroupStopped, err)
	}
	g.loseForwards(0, cause)
	for _, r := range g.waiters.takeBelow(1<<64 - 1) {
		g.finish(r, r.unknown(cause))
	}
}

// stopped is ErrStopped, with the failure if there was one.
func (g *Group) stopped() error {
	if err := g.Err(); err != nil {
		return &stoppedError{cause: err}
	}
	return ErrStopped
}
