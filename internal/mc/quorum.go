// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// members is a set of members, a bit for each place.
type members uint8

func (m members) count() int {
	count := 0
	for ; m > 0; m &= m - 1 {
		count++
	}
	return count
}

func (m members) has(id wire.NodeID) bool { return m>>(id-1)&1 == 1 }

// isQuorum says whether a set has a majority of the voters and, while a membership is joint,
// of the old ones (§6). It is on purpose not quorum.Config, which the core uses.
func (m members) isQuorum(of *wire.Membership) bool {
	return m.isMajority(of.Voters) && (len(of.Outgoing) == 0 || m.isMajority(of.Outgoing))
}

func (m members) isMajority(of []wire.NodeID) bool {
	count := 0
	for _, id := range of {
		if m.has(id) {
			count++
		}
	}
	return 2*count > len(of)
}

// durableOn returns the members whose disks begin with a log.
func (t *transition) durableOn(log []slot) (on members) {
	for place := range t.after.nodes {
		if isPrefix(log, t.local(place).disk.log) {
			on |= 1 << place
		}
	}
	return on
}

// inEffect is the latest membership in a log, committed or not.
func (m *model) inEffect(log []slot) *wire.Membership {
	if at := membershipAt(log); at > 0 {
		return &m.memberships[log[at-1].value]
	}
	return &wire.Membership{}
}

// committedDurable (I9): a majority holds on disk all that is committed, at any time: of
// those who are to vote by the latest membership among it, for if that is joint, another may
// be in effect at the leader. And no member that lacks some of it could be elected, by others
// that do and whose disks are not ahead of its log, in the membership that it goes by.
func (t *transition) committedDurable() string {
	committed := t.history.committed
	holders := t.durableOn(committed)
	if voters := t.m.inEffect(committed).Voters; len(committed) > 0 && !holders.isMajority(voters) {
		return fmt.Sprintf("%d of %d disks hold what is committed: %s", holders.count(), len(t.after.nodes), renderLog(committed))
	}
	if len(t.m.memberships) == 1 {
		return "" // Two majorities have somebody in common.
	}
	for place := range t.after.nodes {
		candidate := t.local(place)
		of := t.m.inEffect(candidate.log)
		if voters := t.notAheadOf(candidate) &^ holders; len(of.Voters) > 0 && voters.has(candidate.id) && voters.isQuorum(of) {
			return fmt.Sprintf("node %d could be elected by voters %v %v, with %s; committed is %s",
				candidate.id, of.Voters, of.Outgoing, renderLog(candidate.log), renderLog(committed))
		}
	}
	return ""
}

// notAheadOf returns the members that may find a log up to date (§5.4.1).
func (t *transition) notAheadOf(candidate *local) (voters members) {
	last := idAt(candidate.log, wire.Index(len(candidate.log)))
	for place := range t.after.nodes {
		disk := t.local(place).disk.log
		if last.Compare(idAt(disk, wire.Index(len(disk)))) >= 0 {
			voters |= 1 << place
		}
	}
	return voters
}

// symmetries returns the renamings of all nodes under which every membership stays the
// same, the one that changes nothing first.
func symmetries(nodes int, memberships []wire.Membership) []core.Relabel {
	return slices.DeleteFunc(renamings(nodes), func(rename core.Relabel) bool {
		return slices.ContainsFunc(memberships, func(m wire.Membership) bool {
			return !isStable(m.Voters, rename) || !isStable(m.Outgoing, rename) || !isStable(m.Learners, rename)
		})
	})
}

// isStable reports whether a set stays the same.
func isStable(ids []wire.NodeID, rename core.Relabel) bool {
	return !slices.ContainsFunc(ids, func(id wire.NodeID) bool { return !slices.Contains(ids, rename(id)) })
}
