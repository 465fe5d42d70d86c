// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/internal/refine"
	"github.com/balsa-raft/raft/internal/sim/safety"
	"github.com/balsa-raft/raft/wire"
)

// refinement has every turn of every loop explained by the specification of package
// refine: what the member was told, what its core did, and what it is then. It is on in
// all runs but those with a fault planted in what the specification takes for granted.
type refinement struct {
	w    *world
	spec *refine.Spec // nil if it is off
	// isStaged says that the run was made by hand, and not by a seed alone.
	isStaged  bool
	violation *refine.Violation
	// emptied is how often the disk of a node was, when it last started.
	emptied [nodesMax + 1]int
	// The rest is used again and again.
	step    refine.Step
	view    core.View
	matches []refine.Match
	// turning says that a loop is within its turn, sent what its streams have sent in it.
	turning bool
	sent    []sentMessage
}

// sentMessage is one that a stream, or the runtime, has sent.
type sentMessage struct {
	from    wire.NodeID
	message wire.Message
}

func newRefinement(w *world, o *Options) *refinement {
	r := &refinement{w: w, isStaged: o.shape != nil}
	if w.plant.isEmpty() {
		r.spec = refine.New(nodesMax)
	}
	return r
}

func (p *plant) isEmpty() bool {
	return p.store == nil && p.net == nil && p.apply == nil && p.answer == nil && p.shelf == nil && p.capture == nil && !p.unsynced
}

// steps returns how many steps were explained.
func (r *refinement) steps() uint64 {
	if r.spec == nil {
		return 0
	}
	return r.spec.Steps()
}

// started is told of a process that has started, and follows its loop from now on.
func (r *refinement) started(n *node) {
	if r.spec == nil {
		return
	}
	if n.emptied != r.emptied[n.id] {
		r.emptied[n.id] = n.emptied
		r.spec.Forgets(n.id)
	}
	member := raft.CoreDriven(n.driver, n.group)
	var post refine.View
	r.look(member, &post)
	post.Incarnation = n.log.Incarnation()
	v := r.spec.Start(n.id, post)
	if v != nil && v.Rule == refine.RestartsOther && r.isStaged {
		r.spec = nil // A disk was exchanged by hand; the checker was told, and has allowed it.
		return
	}
	r.report(v)
	for i := range n.driver.Stages {
		s := &n.driver.Stages[i]
		if kindOf(s.Name) == loopStage {
			turn := s.Step
			s.Step = func() bool { return r.turn(n, member, turn) }
		}
	}
}

// turn lets the loop take a turn, and explains it.
func (r *refinement) turn(n *node, member *core.Core, turn func() bool) (more bool) {
	clear(r.step.Received)
	r.step.Received = r.step.Received[:0]
	synced := raft.WaitingDriven(n.driver, n.group, func(m core.MessageArrived) {
		r.step.Received = append(r.step.Received, refine.Received{From: m.From, Message: m.Message})
	})
	if r.spec == nil {
		return turn()
	}
	r.turning = true
	more = turn()
	r.turning = false
	r.explain(n.id, refine.Seq(synced), member)
	for i := range r.sent {
		r.sends(&r.sent[i])
	}
	clear(r.sent)
	r.sent = r.sent[:0]
	return more
}

// explain compares what the core did with the specification.
func (r *refinement) explain(id wire.NodeID, synced refine.Seq, member *core.Core) {
	effects := r.step.Effects
	clear(effects)
	effects = effects[:0]
	for _, e := range member.TakeEffects() {
		effects = appendEffect(effects, e)
	}
	r.step.Node, r.step.Synced, r.step.Effects = id, synced, effects
	r.look(member, &r.step.Post)
	r.report(r.spec.Step(&r.step))
}

// look fills in how a member looks.
func (r *refinement) look(member *core.Core, view *refine.View) {
	member.View(&r.view)
	v := &r.view
	*view = refine.View{
		HardState: v.HardState, Role: abstractRole(v.Role), Last: v.Last, Compacted: v.Compacted, Snapshot: v.Snapshot,
		Durable: v.Durable, Commit: v.Commit, Applied: v.Applied, Membership: v.Membership, Granted: v.Granted, Log: member,
	}
	if v.Role == core.Leader {
		r.matches = r.matches[:0]
		member.VisitPeers(func(p *progress.Progress) {
			r.matches = append(r.matches, refine.Match{Peer: p.ID, Index: p.Match})
		})
		view.Matches = r.matches
	}
}

// abstractRole: who asks for pre-votes is a follower to the paper.
func abstractRole(role core.Role) refine.Role {
	switch role {
	case core.Candidate:
		return refine.Candidate
	case core.Leader:
		return refine.Leader
	}
	return refine.Follower
}

// appendEffect appends what the specification has to know of an effect, if anything.
func appendEffect(effects []refine.Effect, effect core.Effect) []refine.Effect {
	switch e := effect.(type) {
	case core.WriteLog:
		return append(effects, refine.Effect{Kind: refine.Wrote, Seq: refine.Seq(e.Seq), HardState: e.HardState, Reset: e.Reset, Entries: e.Entries})
	case core.Send:
		return append(effects, refine.Effect{Kind: refine.Sent, To: e.To, Message: e.Message})
	case core.RoleChanged:
		return append(effects, refine.Effect{Kind: refine.Became, Role: abstractRole(e.Role), Term: e.Term})
	case core.Replicate:
		return append(effects, refine.Effect{
			Kind: refine.Streamed, To: e.To, Term: e.Term, Prev: e.Prev, Last: e.Last, Commit: e.Commit, Match: e.Match,
		})
	case core.OfferSnapshot:
		return append(effects, refine.Effect{Kind: refine.Offered, To: e.To, Term: e.Term})
	case core.Apply:
		return append(effects, refine.Effect{Kind: refine.Applied, Through: e.Through})
	}
	return effects
}

func (r *refinement) sends(s *sentMessage) {
	if r.spec != nil {
		r.report(r.spec.Sends(s.from, s.message))
	}
}

// report reports the first violation, after what the invariants may have to say of the
// same step: they say it in words that are nearer to what is wrong.
func (r *refinement) report(v *refine.Violation) {
	if v == nil || r.violation != nil {
		return
	}
	r.violation = v
	r.w.after(0, func() {
		r.w.check.Report(&safety.Violation{
			Invariant: "refinement, " + string(v.Rule), Detail: fmt.Sprintf("node %d, at %s: %s", v.Node, v.Event, v.Detail),
		})
	})
}

// transport returns a transport that shows what the streams send.
func (r *refinement) transport(n *node, t raft.Transport) raft.Transport {
	if r.spec == nil {
		return t
	}
	return &watchedTransport{Transport: t, r: r, from: n.id}
}

type watchedTransport struct {
	raft.Transport
	r    *refinement
	from wire.NodeID
}

// Send is raft.Transport's. What is sent within a turn is looked at after it, when the
// specification knows what the turn was.
func (t *watchedTransport) Send(to raft.NodeID, envelope wire.Envelope) bool {
	switch envelope.Message.(type) {
	case *wire.AppendEntries, *wire.SnapshotOffer:
		s := sentMessage{t.from, envelope.Message}
		if t.r.turning {
			t.r.sent = append(t.r.sent, s)
		} else {
			t.r.sends(&s)
		}
	}
	return t.Transport.Send(to, envelope)
}
