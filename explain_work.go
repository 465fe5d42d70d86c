// SPDX-License-Identifier: Apache-2.0

package raft

import (
	"fmt"
	"time"
)

// slowDiskParts is the part of an election time-out that a write may take before that is said:
// heartbeats come about as often, and a follower's answers come no sooner than its writes end.
const slowDiskParts = 10

// troubleAgoMax is for how long something that was logged is repeated.
const troubleAgoMax = 10 * time.Minute

// explainWork looks for what this member's own disk, queues and state machine are slow with.
func (e *explainer) explainWork() {
	e.explainDisk()
	e.explainQueues()
	e.explainApplying()
	e.explainSnapshots()
	e.explainTroubles()
}

func (e *explainer) explainDisk() {
	s, disk := e.s, &e.s.Disk
	slowest := max(disk.Slowest, disk.Last, disk.Underway)
	switch {
	case e.isDiskStuck():
		e.find(SeverityProblem, "disk_stuck", s.ID, fmt.Sprintf("A write to the disk of node %d has not ended for %v. "+
			"It acknowledges nothing meanwhile, and is not fit to lead.", s.ID, brief(disk.Underway)),
			"See what else uses the disk, and what the kernel's log says of it.")
	case slowest > 0 && slowest >= s.ElectionTimeout/slowDiskParts:
		e.find(SeverityWarning, "disk_slow", s.ID, fmt.Sprintf("The disk of node %d is slow: a write took up to %v of late, and the last one %v, "+
			"where an election time-out is %v.", s.ID, brief(slowest), brief(disk.Last), brief(s.ElectionTimeout)),
			"See what else uses the disk. If it is no faster, the group needs a longer election time-out.")
	}
	if lag := s.LastIndex - min(s.DurableIndex, s.LastIndex); lag > lagMax {
		e.find(SeverityWarning, "disk_behind", s.ID, fmt.Sprintf("%d entries wait for the disk of node %d, where a write takes %v.", lag, s.ID, brief(disk.Last)),
			"See what else uses the disk.")
	}
}

// isDiskStuck reports whether a write takes so long that this member had better not lead.
func (e *explainer) isDiskStuck() bool {
	underway := e.s.Disk.Underway
	return underway > 0 && underway >= e.s.ElectionTimeout
}

func (e *explainer) explainQueues() {
	s, q := e.s, &e.s.Queues
	if q.WaitingCallers > 0 {
		e.find(SeverityWarning, "callers_wait", s.ID, fmt.Sprintf("%d callers wait for node %d to take their commands: it has taken %d bytes of them, of %d at most, "+
			"and not answered yet.", q.WaitingCallers, s.ID, q.ProposalBytes, q.ProposalBytesMax),
			"If there is a leader, and nothing else is said here, there are more commands than the group can take.")
	}
	if q.MessagesDropped > 0 {
		e.find(SeverityInfo, "messages_dropped", s.ID, fmt.Sprintf("%d messages to node %d were more than it could take, since it was started. They are sent again.",
			q.MessagesDropped, s.ID), "")
	}
}

func (e *explainer) explainApplying() {
	s := e.s
	if lag := s.CommitIndex - min(s.AppliedIndex, s.CommitIndex); lag > lagMax && !s.StateLost {
		e.find(SeverityWarning, "applying_behind", s.ID,
			fmt.Sprintf("%d committed entries wait to be applied by node %d%s.", lag, s.ID, receiving(&s.Snapshots)),
			"After a start this passes. Otherwise the node is too slow for the load.")
	} else if s.Snapshots.Receiving != nil && !s.StateLost {
		e.find(SeverityInfo, "receiving_snapshot", s.ID, fmt.Sprintf("Node %d is so far behind that it is sent a snapshot%s.", s.ID, receiving(&s.Snapshots)), "")
	}
}

func (e *explainer) explainSnapshots() {
	s := e.s
	if n := s.Snapshots.Damaged; n > 0 {
		e.find(SeverityWarning, "damaged_snapshots", s.ID, fmt.Sprintf("%d snapshots of node %d were found to be damaged since it was started.", n, s.ID),
			"Check its disk: it returns what was not written.")
	}
	if n := s.Snapshots.Failed; n > 0 {
		e.find(SeverityWarning, "failed_snapshots", s.ID, fmt.Sprintf("%d snapshots of node %d could not be taken since it was started.", n, s.ID),
			"The node's log says why; without snapshots its log grows.")
	}
}

// explainTroubles repeats what was logged a short time ago.
func (e *explainer) explainTroubles() {
	for _, t := range e.s.Troubles {
		if t.Ago > troubleAgoMax {
			continue
		}
		text := fmt.Sprintf("Node %d logged %v ago: %s.", e.s.ID, brief(t.Ago), t.What)
		if t.Count > 1 {
			text += fmt.Sprintf(" It was logged %d times.", t.Count)
		}
		e.find(SeverityInfo, "logged", e.s.ID, text, "")
	}
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

// brief rounds a time for people.
func brief(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond)
	case d < time.Second:
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
