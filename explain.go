// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"slices"
	"time"
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
// membership waits for, and what to do. The gravest comes first, and there is at least one
// finding. Only the leader knows about the others, so it is the one to ask if there is one.
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
		"What it had promised as a voter may be forgotten, so it must not vote.", id)
}

func lostDiskAdvice(id NodeID) string {
	return fmt.Sprintf("On the leader: remove %d, then add-voter %d with its address. It keeps what it has got meanwhile; "+
		"or give it back its old data folder.", id, id)
}

// receiving says how far a snapshot is that this member is fetching.
func receiving(s *SnapshotStatus) string {
	if s.Receiving == nil {
		return ""
	}
	return "; it has " + transferred(s.Receiving)
}

func transferred(t *SnapshotTransfer) string {
	if t.Size == 0 {
		return fmt.Sprintf("%d bytes of the snapshot so far", t.Bytes)
	}
	return fmt.Sprintf("%d of %d bytes of the snapshot (%d %%)", t.Bytes, t.Size, t.Bytes*100/t.Size)
}

// explainWork looks for what this member's own disk and state machine are slow with.
func (e *explainer) explainWork() {
	s := e.s
	if lag := s.LastIndex - min(s.DurableIndex, s.LastIndex); lag > lagMax {
		e.find(SeverityWarning, "disk_behind", s.ID, fmt.Sprintf("%d entries wait for the disk of node %d.", lag, s.ID),
			"See what else uses the disk.")
	}
	if lag := s.CommitIndex - min(s.AppliedIndex, s.CommitIndex); lag > lagMax && !s.StateLost {
		e.find(SeverityWarning, "applying_behind", s.ID,
			fmt.Sprintf("%d committed entries wait to be applied by node %d%s.", lag, s.ID, receiving(&s.Snapshots)),
			"After a start this passes. Otherwise the node is too slow for the load.")
	} else if s.Snapshots.Receiving != nil && !s.StateLost {
		e.find(SeverityInfo, "receiving_snapshot", s.ID, fmt.Sprintf("Node %d is so far behind that it is sent a snapshot%s.", s.ID, receiving(&s.Snapshots)), "")
	}
	if n := s.Snapshots.Damaged; n > 0 {
		e.find(SeverityWarning, "damaged_snapshots", s.ID, fmt.Sprintf("%d snapshots of node %d were found to be damaged since it was started.", n, s.ID),
			"Check its disk: it returns what was not written.")
	}
	if n := s.Snapshots.Failed; n > 0 {
		e.find(SeverityWarning, "failed_snapshots", s.ID, fmt.Sprintf("%d snapshots of node %d could not be taken since it was started.", n, s.ID),
			"The node's log says why; without snapshots its log grows.")
	}
}

// brief rounds a time for people.
func brief(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
