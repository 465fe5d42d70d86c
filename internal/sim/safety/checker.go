// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"slices"

	"github.com/balsa-raft/raft/internal/refine"
	"github.com/balsa-raft/raft/wire"
)

// Checker is all the invariants over one cluster. It keeps the first violation. It must
// be used by one goroutine.
type Checker struct {
	disks     []disk // of node 1 first
	snapshots SnapshotSafety
	committed Committed
	elections ElectionSafety
	votes     SingleVote
	terms     TermMonotonic
	appending LeaderAppendOnly
	matching  LogMatching
	complete  LeaderCompleteness
	machines  StateMachineSafety
	monotonic Monotonic
	clients   ClientHistory
	windows   Windows
	views     []View
	members   Memberships

	violation *Violation
}

// New returns a checker of a cluster of the nodes 1 to n, all of them voters.
func New(n int) *Checker { return &Checker{disks: make([]disk, n), views: make([]View, n)} }

// Violation returns the first violation, nil if there was none.
func (c *Checker) Violation() *Violation { return c.violation }

// Report takes a violation that somebody else found.
func (c *Checker) Report(v *Violation) {
	if c.violation == nil {
		c.violation = v
	}
}

func (c *Checker) disk(node wire.NodeID) *disk { return &c.disks[node-1] }

// SaveBegins is told of a Save: from now on its updates may be on the disk.
func (c *Checker) SaveBegins(node wire.NodeID, updates []wire.Update) {
	c.disk(node).saving = updates
	for i := range updates {
		u := &updates[i]
		c.learns(node, u.Entries)
		if u.Reset.Index > 0 {
			c.note(c.snapshots.Resets(node, u.Reset))
		}
		if u.Compact > 0 {
			c.note(c.snapshots.Compacts(node, u.Compact, c.views[node-1].Applied))
		}
	}
}

// SaveEnds is told that a Save has ended; if well, its updates are durable.
func (c *Checker) SaveEnds(node wire.NodeID, err error) {
	d := c.disk(node)
	if err != nil {
		d.failed, d.saving = true, slices.Clone(d.saving)
		return
	}
	c.note(d.succeeds(node))
	for i := range d.saving {
		c.saved(node, d, &d.saving[i])
	}
	d.saving = nil
}

// saved applies an update to what is durable.
func (c *Checker) saved(node wire.NodeID, d *disk, u *wire.Update) {
	if !u.HardState.IsZero() {
		c.note(c.terms.Durable(node, u.HardState.Term))
		c.note(c.votes.Votes(node, u.HardState.Term, u.HardState.Vote))
		d.hard = u.HardState
	}
	if u.Reset.Index > 0 {
		c.reset(node, d, u.Reset)
	}
	if len(u.Entries) > 0 {
		c.append(node, d, u)
	}
	d.compacted = max(d.compacted, u.Compact)
}

// reset makes the log begin anew behind an entry, which must be a committed one.
func (c *Checker) reset(node wire.NodeID, d *disk, last wire.LogID) {
	if c.committed.at(last.Index).term != last.Term {
		c.Report(violated(committedImmutable, "node %d lets its log begin behind %v, committed up to %d is an entry of term %d there",
			node, last, c.committed.Last(), c.committed.at(last.Index).term))
		return
	}
	before := d.log
	d.reset(last.Index, &c.committed)
	for i := range before {
		if index := wire.Index(i) + 1; before[i] != d.at(index) {
			c.note(c.committed.overwrites(node, index, before[i], d.at(index)))
			if c.elections.LeaderOf(before[i].term) == node {
				c.note(c.appending.Overwrites(node, d.hard.Term, index, before[i].term))
			}
		}
	}
	d.emptied = d.emptied && !c.committed.isIn(d)
}

// append puts entries into the log, in the place of what stands there.
func (c *Checker) append(node wire.NodeID, d *disk, u *wire.Update) {
	first := u.Entries[0].Index
	if first <= d.compacted || first > d.last()+1 {
		c.Report(violated(logMatching, "node %d saves entry %d behind a log of %d", node, first, d.last()))
		return
	}
	replaced := slices.Clone(d.log[first-1:])
	d.log = d.log[:first-1]
	for i := range u.Entries {
		e := &u.Entries[i]
		next := d.at(d.last()).before(e)
		c.note(c.matching.Holds(node, e.ID(), next.chain))
		c.memberships(node, d, e)
		d.log = append(d.log, next)
	}
	c.replaced(node, d, first, replaced)
	d.emptied = d.emptied && !c.committed.isIn(d)
}

// replaced checks the entries that an update has put others in the place of.
func (c *Checker) replaced(node wire.NodeID, d *disk, first wire.Index, replaced []slot) {
	for i, before := range replaced {
		index := first + wire.Index(i)
		after := d.at(index)
		if after == before {
			continue
		}
		c.note(c.committed.overwrites(node, index, before, after))
		if c.elections.LeaderOf(before.term) == node {
			c.note(c.appending.Overwrites(node, d.hard.Term, index, before.term))
		}
	}
}

// note takes a violation, or nil.
func (c *Checker) note(v *Violation) {
	if v != nil {
		c.Report(v)
	}
}

// Recovers is told what a member finds on its disk when it starts: the entries are those
// behind the last one that its log does not have any more.
func (c *Checker) Recovers(node wire.NodeID, hard wire.HardState, compacted wire.LogID, entries []wire.Entry) {
	d := c.disk(node)
	before := d.log
	c.note(d.recovers(node, hard, compacted, entries, &c.committed))
	c.note(c.terms.Durable(node, hard.Term))
	c.note(c.votes.Votes(node, hard.Term, hard.Vote))
	for i := range d.log {
		if i < len(before) && before[i] == d.log[i] {
			continue // It was looked at when it was saved.
		}
		c.note(c.matching.Holds(node, wire.LogID{Term: d.log[i].term, Index: wire.Index(i) + 1}, d.log[i].chain))
	}
	c.monotonic.Starts(node)
	c.machines.Starts(node)
	c.note(c.appending.Looks(node, false, 0, 0))
	c.views[node-1] = View{}
}

// Sends is told of a message that leaves a member.
func (c *Checker) Sends(from, to wire.NodeID, message wire.Message) {
	d := c.disk(from)
	c.note(acknowledges(from, to, d, message))
	if speaksAsLeader(message) {
		term, _ := refine.TermOf(message)
		c.note(c.elections.Leads(from, term))
	}
	if int(to) > len(c.disks) || to == 0 {
		c.Report(violated(messageSanity, "node %d sends to node %d", from, to))
		return
	}
	if m, isAppend := message.(*wire.AppendEntries); isAppend {
		c.note(c.windows.Sends(from, to, m))
	}
	if m, isOffer := message.(*wire.SnapshotOffer); isOffer {
		c.SnapshotOffered(from, &m.Snapshot)
	}
	if m, isReply := message.(*wire.VoteReply); isReply && m.Granted {
		c.note(c.votes.Votes(from, m.Term, to))
	}
	leads := c.elections.LeaderOf(d.hard.Term) == to
	c.note(matches(from, to, d, c.disk(to), leads, message))
}

// Looks is told how a member looks after a step.
func (c *Checker) Looks(node wire.NodeID, v View) {
	before := c.views[node-1]
	if v == before {
		return
	}
	c.views[node-1] = v
	c.note(c.monotonic.Looks(node, v))
	c.note(c.terms.Works(node, v.Term))
	c.note(c.appending.Looks(node, v.Leads, v.Term, v.Last))
	if v.Leads {
		c.note(c.elections.Leads(node, v.Term))
		c.note(c.complete.Elected(node, v.Term, c.committed.Last(), c.committed.isIn(c.disk(node))))
	}
	if v.Commit > before.Commit {
		c.commits(node, before, v)
	}
}

// commits checks a commit index that has risen. A leader may have stepped down in the
// same step.
func (c *Checker) commits(node wire.NodeID, before, v View) {
	switch {
	case v.Leads:
		c.note(c.commitsAsLeader(node, v.Term, v.Commit))
	case v.Commit <= c.committed.Last():
	case before.Leads:
		c.note(c.committed.commits(node, before.Term, v.Commit, c.electorateOf(node)))
	default:
		c.Report(violated(commitRule, "node %d, which does not lead, takes %d for committed, and no leader said so", node, v.Commit))
	}
}

// commitsAsLeader checks what a leader says. Up to what is known to be committed it may
// have heard from the leader before.
func (c *Checker) commitsAsLeader(node wire.NodeID, term wire.Term, commit wire.Index) *Violation {
	if commit <= c.committed.Last() {
		return nil
	}
	return c.committed.commits(node, term, commit, c.electorateOf(node))
}

// Applies is told that a member's state machine applied a command.
func (c *Checker) Applies(node wire.NodeID, index wire.Index, a Applied) {
	isFirst, v := c.machines.Applies(node, index, a)
	c.note(v)
	if index > c.committed.Last() {
		c.Report(violated(stateMachineSafety, "node %d applies entry %d, committed is %d", node, index, c.committed.Last()))
	} else if c.committed.log[index-1].term != a.Term {
		c.Report(violated(stateMachineSafety, "node %d applies an entry %d of term %d, committed is one of term %d",
			node, index, a.Term, c.committed.log[index-1].term))
	}
	if isFirst {
		c.note(c.clients.TakesPlace(a.Op, index))
	}
}

// Invokes is told that a client proposes a command.
func (c *Checker) Invokes(op uint64) { c.clients.Invokes(op) }

// Returns is told that a client learns of its command's place and value.
func (c *Checker) Returns(op uint64, id wire.LogID, value uint64) {
	c.note(c.committed.acknowledged(id.Index, c.electorate()))
	c.note(c.clients.Returns(op, id, value, c.machines.At(id.Index)))
}

// Fails is told that a client learns that its command is surely not applied.
func (c *Checker) Fails(op uint64) { c.note(c.clients.Fails(op)) }

// StaysUnknown is told that a client learns that nobody knows.
func (c *Checker) StaysUnknown(op uint64) { c.note(c.clients.StaysUnknown(op)) }

// Settled is told how a member looks when all is healed and quiet.
func (c *Checker) Settled(node wire.NodeID, v View) {
	c.note(settled(node, v.Commit, v.Applied, c.committed.Last(), c.clients.Floor()))
	if !c.committed.isIn(c.disk(node)) || c.disk(node).last() != c.committed.Last() {
		c.Report(violated(finalDurability, "the disk of node %d is not the committed log of %d entries", node, c.committed.Last()))
	}
	if op, last := c.machines.AppliedBy(node), c.lastCommand(); op != last {
		c.Report(violated(finalDurability, "node %d has applied commands up to %d, the last is at %d", node, op, last))
	}
}

// lastCommand returns the place of the last command that was applied anywhere.
func (c *Checker) lastCommand() wire.Index {
	last := len(c.machines.applied) - 1
	for last > 0 && c.machines.applied[last] == (Applied{}) {
		last--
	}
	return wire.Index(max(last, 0))
}

// Committed returns the index of the last entry that is known to be committed.
func (c *Checker) Committed() wire.Index { return c.committed.Last() }
