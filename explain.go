// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"slices"
)

const (
	// silenceTimeouts is after how many election time-outs without a leader a voter that was
	// not heard from counts as silent: they ask each other for votes more often than that.
	silenceTimeouts = 3
	// lagMax is by how many entries a member may be behind before that is said.
	lagMax = 10_000
)

// Explain says in words what is the matter with the group and with this member, as far as this
// member can tell: why there is no leader, why a member is behind, what a change of
// membership waits for, what its disk and queues are slow with, and what to do. The gravest comes
// first, and there is at least one finding. Only the leader knows about the others, so it is the one
// to ask if there is one. It looks at nothing but the status.
func (s *Status) Explain() []Finding {
	e := explainer{s: s}
	if e.explainSelf() {
		e.explainLeadership()
		e.explainChange()
		e.explainPeers()
		e.explainWork()
	}
	slices.SortStableFunc(e.findings, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) })
	return e.findings
}

// explainer collects findings about a status.
type explainer struct {
	s        *Status
	findings []Finding
}

func (e *explainer) find(severity Severity, code string, node NodeID, what, advice string) {
	e.findings = append(e.findings, Finding{Severity: severity, Code: code, Node: node, What: what, Advice: advice})
}

// explainSelf reports whether this node is a member at all, so that there is more to say.
func (e *explainer) explainSelf() bool {
	s := e.s
	switch {
	case s.Failure != nil:
		e.find(SeverityProblem, "stopped", s.ID, fmt.Sprintf("The group has stopped on node %d: %v.", s.ID, s.Failure),
			"See to what is named there, and start the node again. If its data folder is lost for good, start it with an empty one; "+
				"it does not vote then until remove and add-voter have made it a voter again.")
		return false
	case s.RemovedAt != 0:
		e.find(SeverityProblem, "removed", s.ID,
			fmt.Sprintf("Node %d was removed from the group, by the entry at index %d: it neither votes nor is it sent anything.", s.ID, s.RemovedAt),
			"Stop it for good, or make it a member again with add-learner or add-voter.")
		return false
	case s.Membership.IsEmpty():
		e.find(SeverityProblem, "no_group", s.ID,
			fmt.Sprintf("Node %d is a member of no group: it was not initialized, and no leader has sent it anything.", s.ID),
			"For a new group: initialize. To join one: add-learner or add-voter on its leader, with this node's ID and the address "+
				"at which the others reach it. If that was done, see that the leader reaches that address.")
		return false
	}
	if s.LostDisk {
		e.find(SeverityProblem, "lost_disk", s.ID, lostDisk(s.ID), lostDiskAdvice(s.ID))
	}
	if s.StateLost {
		e.find(SeverityProblem, "state_lost", s.ID, fmt.Sprintf(
			"Node %d has no usable snapshot of what its log holds no more: it waits for one from the leader, and neither leads nor applies anything until then%s.",
			s.ID, receiving(&s.Snapshots)), "See that there is a leader, and that it reaches this node.")
	}
	return true
}

func lostDisk(id NodeID) string {
	return fmt.Sprintf("Node %d is a voter, but its data folder is not the one that it became a voter with: its disk was lost or replaced. "+
		"What it had promised as a voter may be forgotten, so it must not vote, and what it acknowledges does not count.", id)
}

func lostDiskAdvice(id NodeID) string {
	return fmt.Sprintf("On the leader: remove %d, then add-voter %d with its address. It keeps what it has got meanwhile; "+
		"or give it back its old data folder.", id, id)
}
