// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// forwards are the requests that this member has passed to a leader and not yet heard
// of. They belong to the loop.
type forwards struct {
	session uint64
	lastID  uint64
	// inflight are in ascending order of ID.
	inflight []*forward
	// refused is the last leadership that sent something back: it is over, even if
	// this member has not heard of another one.
	refused leadership
	// silent is the last peer that was reported unreachable, until it is heard of.
	silent NodeID
}

// leadership is that of a member in a term.
type leadership struct {
	leader NodeID
	term   Term
}

// forward is one ForwardProposals: the commands of several requests.
type forward struct {
	id       uint64
	to       leadership
	until    core.Instant // when it is given up
	requests []*request
	// results has one for each command, as far as they came.
	results  []wire.ForwardResult
	commands int
}

// forwardMessages bounds how many ForwardProposals may be unanswered; the rest waits.
const forwardMessages = 256

// forwardBytesMax bounds the commands of one request that is forwarded: a message must
// fit the leader's inbox.
const forwardBytesMax = inboxBytesMax / 2

// forwardTimeouts is how long the answer to a ForwardProposals may take, in election
// time-outs: a network may lose either of them without a word.
const forwardTimeouts = 4

// forwardBacklog passes what waits to the leader, as much as fits.
func (g *Group) forwardBacklog(to leadership) {
	if to == g.forwards.refused || to.leader == g.forwards.silent {
		return
	}
	for len(g.backlog) > 0 && len(g.forwards.inflight) < forwardMessages {
		requests := g.takeBacklog()
		if len(requests) == 0 {
			return
		}
		if requests[0].bytes > forwardBytesMax {
			g.finish(requests[0], ErrTooLarge) // It is alone, as it exceeds any batch.
			continue
		}
		if !g.forward(to, requests) {
			g.putBack(requests) // Surely not sent; it is tried again at the next event.
			return
		}
	}
}

func (g *Group) forward(to leadership, requests []*request) bool {
	f := &g.forwards
	until := g.node.now() + forwardTimeouts*core.Instant(g.cfg.ElectionTimeout)
	fw := &forward{id: f.lastID + 1, to: to, until: until, requests: requests}
	for _, r := range requests {
		fw.commands += len(r.commands)
	}
	commands := make([][]byte, 0, fw.commands)
	for _, r := range requests {
		commands = append(commands, r.commands...)
	}
	message := &wire.ForwardProposals{Term: to.term, Session: f.session, ID: fw.id, Commands: commands}
	if !g.node.send(to.leader, g.cfg.ID, message) {
		return false
	}
	f.lastID = fw.id
	f.inflight = append(f.inflight, fw)
	return true
}

// forwardReply takes in what a leader says became of forwarded commands.
func (g *Group) forwardReply(m *wire.ForwardReply) {
	f := &g.forwards
	i := slices.IndexFunc(f.inflight, func(fw *forward) bool { return fw.id == m.ID })
	if m.Session != f.session || i < 0 {
		return
	}
	fw := f.inflight[i]
	if int(m.First) != len(fw.results) || len(fw.results)+len(m.Results) > fw.commands {
		return // A part was lost or came twice: what follows is of no use.
	}
	fw.results = append(fw.results, m.Results...)
	if len(fw.results) == fw.commands {
		f.inflight = slices.Delete(f.inflight, i, i+1)
		g.settle(fw)
	}
}

// settle gives each request its part of the results.
func (g *Group) settle(fw *forward) {
	results := fw.results
	if fw.results[len(fw.results)-1].Outcome == wire.OutcomeNotApplied {
		g.forwards.refused = fw.to
	}
	for _, r := range fw.requests {
		n := len(r.commands) // Before it is settled: then it belongs to its caller again.
		g.settleRequest(r, results[:n])
		results = results[n:]
	}
}

func (g *Group) settleRequest(r *request, results []wire.ForwardResult) {
	if results[0].Outcome == wire.OutcomeNotApplied && r.untake() {
		g.backlog = append(g.backlog, r) // Surely not applied: another leader may take it.
		return
	}
	for _, result := range results {
		if result.Outcome != wire.OutcomeApplied {
			r.place(result.LogID)
			g.finish(r, outcomeError(r, result))
			return
		}
		r.results = append(r.results, Result{LogID: result.LogID, Value: result.Value})
	}
	g.finish(r, nil)
}

var errToldUnknown = errors.New("the leader that took the command does not know what became of it")

func outcomeError(r *request, result wire.ForwardResult) error {
	switch result.Outcome {
	case wire.OutcomeNotApplied:
		return ErrOverwritten
	case wire.OutcomeTooBusy:
		return ErrTooBusy
	}
	return &UnknownOutcomeError{LogID: result.LogID, Cause: errToldUnknown}
}

// loseForwards ends what was passed to a member, or to all if it is zero, whose
// answers are not to be expected any more.
func (g *Group) loseForwards(to NodeID, cause error) {
	kept := g.forwards.inflight[:0]
	for _, fw := range g.forwards.inflight {
		if to != 0 && fw.to.leader != to {
			kept = append(kept, fw)
			continue
		}
		for _, r := range fw.requests {
			g.finish(r, r.unknown(cause))
		}
	}
	clear(g.forwards.inflight[len(kept):])
	g.forwards.inflight = kept
}

// hurry gives an earlier leader an election time-out to say what became of what it was
// passed. One that was not elected away for its silence will: what it had not proposed
// yet it sends back, for the next leader.
func (f *forwards) hurry(until core.Instant) {
	for _, fw := range f.inflight {
		fw.until = min(fw.until, until)
	}
}

// giveUpForwards ends what was passed on and not answered for too long.
func (g *Group) giveUpForwards(now core.Instant) {
	f := &g.forwards
	expired := 0
	for expired < len(f.inflight) && f.inflight[expired].until <= now {
		for _, r := range f.inflight[expired].requests {
			g.finish(r, r.unknown(errNoAnswer))
		}
		expired++
	}
	f.inflight = slices.Delete(f.inflight, 0, expired)
}

// deadline is when the next one is to be given up.
func (f *forwards) deadline() core.Instant {
	if len(f.inflight) == 0 {
		return core.Never
	}
	return f.inflight[0].until
}
