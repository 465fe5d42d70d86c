// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// membershipAt is a membership with the index of its entry, zero if there is none.
type membershipAt struct {
	index      wire.Index
	membership wire.Membership
}

// firstLogID is the entry with which every group begins: the membership that it was
// formed with.
var firstLogID = wire.LogID{Term: 1, Index: 1}

// membership is the one in effect: the latest in the log, committed or not (§6).
func (c *Core) membership() *wire.Membership {
	return &c.memberships[len(c.memberships)-1].membership
}

// adoptMembership puts a membership into effect; it was checked when it arrived.
func (c *Core) adoptMembership(entry wire.Entry) {
	m, err := wire.DecodeMembership(entry.Data)
	invariant.Check(err == nil, "core: memberships in the log are well-formed", "index", entry.Index, "error", err)
	c.memberships = append(c.memberships, membershipAt{index: entry.Index, membership: m})
	c.emit(UseMembership{Membership: m})
	if c.leader != nil {
		c.syncPeers()
	}
}

// committedMembership is the latest that is known to be committed.
func (c *Core) committedMembership() *membershipAt {
	n := len(c.memberships) - 1
	for n > 0 && c.memberships[n].index > c.commit {
		n--
	}
	return &c.memberships[n]
}

// rollBackMemberships goes back to the one that was in effect before an entry that
// is being truncated.
func (c *Core) rollBackMemberships(first wire.Index) {
	n := len(c.memberships)
	for n > 1 && c.memberships[n-1].index >= first {
		n--
	}
	if n < len(c.memberships) {
		c.memberships = c.memberships[:n]
		c.emit(UseMembership{Membership: *c.membership()})
	}
}

// initialize forms a group: the log begins with the membership, as if a leader of
// term 1 had replicated it to everybody. Members that are given the same members
// write the same entry, so that it does not matter how many of them are asked.
// A group that exists is left alone.
func (c *Core) initialize(m wire.Membership) {
	if m.Validate() != nil || m.IsChanging() {
		c.answerInitialize(true)
		return
	}
	m = change.Bind(&m, func(wire.NodeID) wire.Incarnation { return 0 }) // Whose disks they are is for the first leader to say.
	if c.log.Last() > 0 || !c.membership().IsEmpty() {
		conflict := slices.ContainsFunc(c.memberships, func(first membershipAt) bool {
			return first.index == firstLogID.Index && !first.membership.Equal(&m)
		})
		c.answerInitialize(conflict)
		return
	}
	if c.hard.Term < firstLogID.Term {
		c.setHardState(firstLogID.Term, 0)
	}
	entry := wire.Entry{Index: firstLogID.Index, Term: firstLogID.Term, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &m)}
	c.appendToIndex([]wire.Entry{entry})
	c.write([]wire.Entry{entry})
	c.answerInitialize(false)
	// No leader can exist yet, so there is none to wait for. But who forms a group alone is not
	// kept by anybody's vote from forming one anew that has grown since: if it has lost its
	// disk, the leader of that has to have time to say so.
	c.electionAt = c.now + c.random.below(c.cfg.ElectionTimeout)
	if len(m.Voters) == 1 {
		c.electionAt = c.now + c.cfg.ElectionTimeout
	}
}

// answerInitialize answers once all that this member knows now is durable, so that
// answers also keep the order of the requests.
func (c *Core) answerInitialize(conflict bool) {
	answer := AnswerInitialize{Conflict: conflict}
	if c.lane.issued == c.lane.synced {
		c.emit(answer)
		return
	}
	c.lane.held = append(c.lane.held, heldEffect{after: c.lane.issued, effect: answer})
}
