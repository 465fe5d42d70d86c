// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"bytes"

	"github.com/balsa-raft/raft/wire"
)

const snapshotEquivalence = "I14 snapshot equivalence"

// SnapshotState is what there is in a snapshot's data, and in the state of a machine: the
// last command and a checksum over everything else.
type SnapshotState struct {
	Command wire.LogID
	Sum     uint64
}

// SnapshotBegins is told that a member publishes a snapshot.
func (c *Checker) SnapshotBegins(node wire.NodeID, meta *wire.SnapshotMeta) {
	c.snapshots.Publishing(node, meta)
}

// SnapshotPublished is told that a snapshot is durable, and of the state in it, nil if it has
// none.
func (c *Checker) SnapshotPublished(node wire.NodeID, meta *wire.SnapshotMeta, state *SnapshotState) {
	c.snapshots.Published(node, meta)
	c.note(c.describes(node, meta))
	if state != nil && state.Command != meta.Command {
		c.Report(violated(snapshotEquivalence, "a snapshot of node %d says that its last command is %v, in its data it is %v", node, meta.Command, state.Command))
	}
	if state != nil {
		c.note(c.equals(node, state))
	}
}

// SnapshotOffered is told of the description that a leader sends.
func (c *Checker) SnapshotOffered(node wire.NodeID, meta *wire.SnapshotMeta) {
	c.note(c.describes(node, meta))
}

// SnapshotDamaged is told that a snapshot was damaged by somebody else.
func (c *Checker) SnapshotDamaged(node wire.NodeID, id wire.SnapshotID) {
	c.snapshots.Damaged(node, id)
}

// SnapshotUnreadable is told that a member could not read a snapshot this time.
func (c *Checker) SnapshotUnreadable(node wire.NodeID, id wire.SnapshotID) {
	c.snapshots.Unreadable(node, id)
}

// SnapshotDeleted is told that a member is about to delete a snapshot.
func (c *Checker) SnapshotDeleted(node wire.NodeID, id wire.SnapshotID) {
	c.note(c.snapshots.Deletes(node, id, c.disk(node).compacted))
}

// SnapshotsFound is told which snapshots a member has when it starts. Recovers comes before.
func (c *Checker) SnapshotsFound(node wire.NodeID, list []wire.SnapshotMeta) {
	c.note(c.snapshots.Finds(node, list))
	for i := range list {
		c.note(c.describes(node, &list[i]))
	}
}

// SnapshotsLeft is the same for a member some of whose snapshots were damaged.
func (c *Checker) SnapshotsLeft(node wire.NodeID, list []wire.SnapshotMeta) {
	c.snapshots.Left(node, list)
}

// describes is I14 for a description: it is of a prefix of the committed log, with the
// membership at its end.
func (c *Checker) describes(node wire.NodeID, meta *wire.SnapshotMeta) *Violation {
	last := c.committed.at(meta.Last.Index)
	if last.term != meta.Last.Term || meta.Last.Index == 0 {
		return violated(snapshotEquivalence, "a snapshot of node %d ends with entry %v, committed is one of term %d there", node, meta.Last, last.term)
	}
	if command := c.machines.CommandAt(meta.Last.Index); command != meta.Command {
		return violated(snapshotEquivalence, "a snapshot of node %d up to %v has %v for the last command, it is %v", node, meta.Last, meta.Command, command)
	}
	said := wire.AppendMembership(nil, &meta.Membership)
	if last.membership.Index != meta.MembershipAt || !bytes.Equal(said, c.snapshots.Membership(last.membership)) {
		return violated(snapshotEquivalence, "a snapshot of node %d up to %v has the membership of entry %d, in effect is that of %d",
			node, meta.Last, meta.MembershipAt, last.membership.Index)
	}
	return nil
}

// equals is I14 for a state: it is the one to which the commands up to its last lead.
func (c *Checker) equals(node wire.NodeID, state *SnapshotState) *Violation {
	a := c.machines.At(state.Command.Index)
	if state.Command.Index == 0 && state.Sum == 0 {
		return nil
	}
	if a.Term != state.Command.Term || a.State != state.Sum {
		return violated(snapshotEquivalence, "the state of node %d behind %v is %x, by the commands it is %x, of term %d", node, state.Command, state.Sum, a.State, a.Term)
	}
	return nil
}

// Resumes is told that a member's state machine is in a state which it has not come to by
// applying: one that was in a snapshot, or that it has kept.
func (c *Checker) Resumes(node wire.NodeID, state SnapshotState) {
	c.note(c.equals(node, &state))
	c.machines.Resumes(node, state.Command.Index)
}

// Begins is told how a member looks when it has started, and whether its state is said to
// be lost, which it must not be, if its disk is as good as new.
func (c *Checker) Begins(node wire.NodeID, v View, isLost, isHealthy bool) {
	if s := c.snapshots.shelf(node); isHealthy && (isLost || v.Applied < s.best()) {
		c.Report(violated(snapshotCovers, "node %d begins with what is applied up to %d, state lost: %v; its best snapshot ends at %d, its log begins behind %d",
			node, v.Applied, isLost, s.best(), c.disk(node).compacted))
	}
}

// AppliesDurable is told that a state machine which keeps its state applies an entry: only
// what is durable in the member's own log may be, or it could be ahead after a crash.
func (c *Checker) AppliesDurable(node wire.NodeID, index wire.Index) {
	if last := c.disk(node).last(); index > last {
		c.Report(violated(snapshotCovers, "the durable state machine of node %d applies entry %d, its log has %d durable ones", node, index, last))
	}
}
