// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"errors"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// forwards are the requests that this member has passed to a leader and not yet heard
// of. They belong to the loop.
type forwards struct {
	session uint64
	lastID  uint64
	// inflight are in ascending order of ID.
	inflight []*forward
}

// forward is one ForwardProposals: the commands of several requests.
type forward struct {
	id       uint64
	to       NodeID
	requests []*request
	// results has one for each command, as far as they came.
	results  []wire.ForwardResult
	commands int
}

// forwardMessages bounds how many ForwardProposals may be unanswered; the rest waits.
const forwardMessages = 256

// forwardBacklog passes what waits to the leader, as much as fits.
func (g *Group) forwardBacklog(leader NodeID, term Term) {
	for len(g.backlog) > 0 && len(g.forwards.inflight) < forwardMessages {
		requests := g.takeBacklog()
		if len(requests) == 0 {
			return
		}
		if !g.forward(leader, term, requests) {
			g.putBack(requests) // Surely not sent; it is tried again at the next event.
			return
		}
	}
}

func (g *Group) forward(leader NodeID, term Term, requests []*request) bool {
	f := &g.forwards
	fw := &forward{id: f.lastID + 1, to: leader, requests: requests}
	for _, r := range requests {
		fw.commands += len(r.commands)
	}
	commands := make([][]byte, 0, fw.commands)
	for _, r := range requests {
		commands = append(commands, r.commands...)
	}
	message := &wire.ForwardProposals{Term: term, Session: f.session, ID: fw.id, Commands: commands}
	if !g.node.send(leader, g.cfg.ID, message) {
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

// loseForwards ends what was passed to members other than the leader given, whose
// answers are not to be expected any more.
func (g *Group) loseForwards(except NodeID, cause error) {
	kept := g.forwards.inflight[:0]
	for _, fw := range g.forwards.inflight {
		if fw.to == except {
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
