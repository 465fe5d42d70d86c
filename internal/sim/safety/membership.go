// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/wire"
)

const (
	oneChange      = "I15 one change at a time"
	quorumsOverlap = "I15 successive quorums overlap"
)

// Memberships is what the checker knows of who decides.
type Memberships struct {
	// uses are the memberships that a member used when it last led, and in the step before.
	uses map[wire.NodeID][2]wire.Membership
	// known are all that were in any log.
	known map[wire.LogID]*wire.Membership
	// checked are those that were compared with the one before.
	checked map[wire.LogID]bool
}

// Uses is told which membership is in effect on a member that leads, before Looks is told
// of the same step.
func (c *Checker) Uses(node wire.NodeID, m *wire.Membership) {
	if c.members.uses == nil {
		c.members.uses = make(map[wire.NodeID][2]wire.Membership)
	}
	c.members.uses[node] = [2]wire.Membership{c.members.uses[node][1], *m}
}

// learns takes in the memberships among entries that may be on a disk from now on.
func (c *Checker) learns(node wire.NodeID, entries []wire.Entry) {
	for i := range entries {
		e := &entries[i]
		if e.Kind != wire.EntryMembership || c.members.known[e.ID()] != nil {
			continue
		}
		m, err := wire.DecodeMembership(e.Data)
		if err != nil {
			c.Report(violated(messageSanity, "node %d holds a membership %v: %v", node, e.ID(), err))
			continue
		}
		if c.members.known == nil {
			c.members.known, c.members.checked = make(map[wire.LogID]*wire.Membership), make(map[wire.LogID]bool)
		}
		c.members.known[e.ID()] = &m
		c.snapshots.Holds(e)
	}
}

// memberships checks an entry that a disk now holds, if it is a membership that was in no
// log before. The one before it is committed, as only a group's first leader need not wait
// for that, who leaves the voters as they are; and no quorum of one can do without all of
// some quorum of the other (§6).
func (c *Checker) memberships(node wire.NodeID, d *disk, e *wire.Entry) {
	if e.Kind != wire.EntryMembership || c.members.checked[e.ID()] {
		return
	}
	at := d.at(e.Index - 1).membership
	before, next := c.members.known[at], c.members.known[e.ID()]
	if before == nil || next == nil {
		return
	}
	c.members.checked[e.ID()] = true
	isBinding := slices.Equal(before.Voters, next.Voters) && !before.IsChanging() && !next.IsChanging()
	if c.committed.at(at.Index).term != at.Term && !isBinding {
		c.Report(violated(oneChange, "node %d holds membership %v behind %v, which is not committed", node, e.ID(), at))
	}
	if apart := divided(before, next); apart != nil {
		c.Report(violated(quorumsOverlap, "%d decide in membership %v, and the others in %v", apart, at, e.ID()))
	}
}

// divided returns a set of nodes that is a quorum of one membership while all others are a
// quorum of the other, nil if there is none.
func divided(a, b *wire.Membership) []wire.NodeID {
	var all []wire.NodeID
	for _, ids := range [][]wire.NodeID{a.Voters, a.Outgoing, b.Voters, b.Outgoing} {
		all = append(all, ids...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	for set := range 1 << len(all) {
		isIn := func(id wire.NodeID) bool {
			i, found := slices.BinarySearch(all, id)
			return found && set>>i&1 == 1
		}
		if isQuorumOf(a, isIn) && isQuorumOf(b, func(id wire.NodeID) bool { return !isIn(id) }) {
			return slices.DeleteFunc(all, func(id wire.NodeID) bool { return !isIn(id) })
		}
	}
	return nil
}

func isQuorumOf(m *wire.Membership, yes func(wire.NodeID) bool) bool {
	return isMajority(m.Voters, yes) && (len(m.Outgoing) == 0 || isMajority(m.Outgoing, yes))
}

func isMajority(voters []wire.NodeID, yes func(wire.NodeID) bool) bool {
	count := 0
	for _, id := range voters {
		if yes(id) {
			count++
		}
	}
	return 2*count > len(voters)
}

// electorate is whose disks decide: the voters of any of some memberships, or all nodes if
// none is known.
type electorate struct {
	disks       []disk
	memberships []*wire.Membership
}

// electorateOf returns who decides for a leader. In one step it may have counted for the
// membership that was in effect before, and then have appended another.
func (c *Checker) electorateOf(leader wire.NodeID) electorate {
	e := electorate{disks: c.disks}
	uses := c.members.uses[leader]
	for i := range uses {
		if !uses[i].IsEmpty() {
			e.memberships = append(e.memberships, &uses[i])
		}
	}
	return e
}

// electorate returns who holds what is committed: the voters of the latest membership that
// is known to be. A joint one is not left before a majority of its new voters hold it.
func (c *Checker) electorate() electorate {
	e := electorate{disks: c.disks}
	if m := c.Membership(); m != nil {
		e.memberships = []*wire.Membership{{Voters: m.Voters, Members: m.Members}}
	}
	return e
}

// Membership returns the latest one that is known to be committed, nil if none is.
func (c *Checker) Membership() *wire.Membership {
	return c.members.known[c.committed.at(c.committed.Last()).membership]
}

// VisitMemberships shows the memberships that are the latest on some disk, some of them more
// than once.
func (c *Checker) VisitMemberships(visit func(*wire.Membership)) {
	for i := range c.disks {
		d := &c.disks[i]
		if m := c.members.known[d.at(d.last()).membership]; m != nil {
			visit(m)
		}
	}
}

// isQuorum reports whether a quorum holds an entry. A voter that has lost the disk with
// which it became one must have held it there: then nobody is elected with its vote who does
// not hold it, too. What it holds on another disk does not count.
func (e electorate) isQuorum(index wire.Index, holds func(slot) bool) bool {
	if len(e.memberships) == 0 {
		return 2*len(e.holders(index, holds)) > len(e.disks)
	}
	return slices.ContainsFunc(e.memberships, func(m *wire.Membership) bool {
		return isQuorumOf(m, func(id wire.NodeID) bool {
			d := &e.disks[id-1]
			if d.isMeant(m, id) {
				return holds(d.at(index))
			}
			return d.hasLost(index, holds)
		})
	})
}

// hasLost reports whether an earlier disk of the node held an entry.
func (d *disk) hasLost(index wire.Index, holds func(slot) bool) bool {
	return slices.ContainsFunc(d.lost, func(log []slot) bool { return index <= wire.Index(len(log)) && index > 0 && holds(log[index-1]) })
}

// holders are the nodes whose disks hold an entry.
func (e electorate) holders(index wire.Index, holds func(slot) bool) (holders []wire.NodeID) {
	for i := range e.disks {
		if holds(e.disks[i].at(index)) {
			holders = append(holders, wire.NodeID(i)+1)
		}
	}
	return holders
}

// String says who they are.
func (e electorate) String() string {
	if len(e.memberships) == 0 {
		return fmt.Sprintf("%d nodes", len(e.disks))
	}
	text := ""
	for _, m := range e.memberships {
		text += fmt.Sprintf("voters %d, old ones %d; ", m.Voters, m.Outgoing)
	}
	return text
}
