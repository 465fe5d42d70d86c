// SPDX-License-Identifier: Apache-2.0

package refine

import "github.com/balsa-raft/raft/wire"

// Spec is the specification of one group, with the abstract state of all its members. It
// must be used by one goroutine.
type Spec struct {
	history
	members []*member // of node 1 first
	steps   uint64
	walk    walk
}

// New returns the specification of a group whose members are among the nodes 1 to n,
// none of which has started yet; their disks are empty.
func New(n int) *Spec {
	s := &Spec{history: newHistory()}
	for id := wire.NodeID(1); id <= wire.NodeID(n); id++ {
		s.members = append(s.members, &member{id: id})
	}
	return s
}

// Steps returns how many steps were explained in which the member was told or did something.
func (s *Spec) Steps() uint64 { return s.steps }

// member returns a member, nil if there is none.
func (s *Spec) member(id wire.NodeID) *member {
	if id == 0 || int(id) > len(s.members) {
		return nil
	}
	return s.members[id-1]
}

// Forms says that a group begins with a membership as its first entry, on disks that were
// made by hand. It is to be called before any member starts.
func (s *Spec) Forms(m wire.Membership) { s.form(m) }

// Start is told that a member has started, for the first time or after it had crashed at
// any moment before. It is the action Restart: all is lost but what is durable.
func (s *Spec) Start(node wire.NodeID, post View) *Violation {
	w := s.begin(&Step{Node: node, Post: post})
	w.restart()
	return w.violation
}

// Step explains what a member did, as a sequence of actions, and takes over what it is
// then. The violation says that there is none; the specification is of no use then.
func (s *Spec) Step(step *Step) *Violation {
	if len(step.Received) > 0 || step.Synced > 0 || len(step.Effects) > 0 {
		s.steps++
	}
	w := s.begin(step)
	w.explain()
	return w.violation
}

// Sends is told that something else than the core sends AppendEntries or SnapshotOffer,
// after the step in which it was told to. Other messages are none of its concern.
func (s *Spec) Sends(from wire.NodeID, message wire.Message) *Violation {
	w := s.begin(&s.walk.sending)
	w.n = s.member(from)
	switch m := message.(type) {
	case *wire.AppendEntries:
		w.appendEntries(m)
	case *wire.SnapshotOffer:
		w.offer(m)
	}
	return w.violation
}

// Forgets is told that a member has lost its disk while it was down, and comes back under
// its name with an empty one. The paper does not allow that. To everybody it is another one,
// which does not vote as the one that it was.
func (s *Spec) Forgets(node wire.NodeID) {
	n := s.member(node)
	*n = member{id: n.id, spoken: n.spoken}
}

func (s *Spec) begin(step *Step) *walk {
	w := &s.walk
	w.s, w.step, w.n, w.restarts = s, step, s.member(step.Node), false
	w.bound, w.ledIn, w.isOlder, w.changedFrom, w.through, w.violation = 0, 0, false, unchanged, 0, nil
	if w.n != nil {
		w.bound = w.n.commit
	}
	return w
}
