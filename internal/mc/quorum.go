// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"fmt"

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
		return &m.known.all[log[at-1].value]
	}
	return &wire.Membership{}
}

// strangersTo returns the members whose disks are not those that a membership means: they
// have lost them since they became voters, and do not vote there.
func (t *transition) strangersTo(of *wire.Membership) (strangers members) {
	for place := range t.after.nodes {
		if meant := of.Incarnation(nodeAt(place)); meant != 0 && meant != t.local(place).incarnation {
			strangers |= 1 << place
		}
	}
	return strangers
}

// committedDurable (I9): a majority holds on disk all that is committed, at any time, less
// those who do not vote any more: of those who are to vote by the latest membership among it, for
// if that is joint, another may be in effect at the leader. And no member that lacks some of it
// could be elected, by others that do and whose disks are not ahead of its log, in the
// membership that it goes by now, or would after a crash.
func (t *transition) committedDurable() string {
	committed := t.history.committed
	holders, latest := t.durableOn(committed), t.m.inEffect(committed)
	if on := holders | t.strangersTo(latest); len(committed) > 0 && !on.isMajority(latest.Voters) {
		return fmt.Sprintf("%d of %d disks hold what is committed: %s", holders.count(), len(t.after.nodes), renderLog(committed))
	}
	if len(t.m.known.all) == 1 {
		return "" // Two majorities have somebody in common.
	}
	for place := range t.after.nodes {
		candidate := t.local(place)
		for _, log := range [][]slot{candidate.log, candidate.disk.log} {
			of := t.m.inEffect(log)
			lacking := t.notAheadOf(log) &^ holders &^ t.strangersTo(of)
			if len(of.Voters) > 0 && lacking.has(candidate.id) && lacking.isQuorum(of) {
				return fmt.Sprintf("node %d could be elected by voters %v %v, with %s; committed is %s",
					candidate.id, of.Voters, of.Outgoing, renderLog(log), renderLog(committed))
			}
		}
	}
	return ""
}

// notAheadOf returns the members that may find a log up to date (§5.4.1).
func (t *transition) notAheadOf(log []slot) (voters members) {
	last := idAt(log, wire.Index(len(log)))
	for place := range t.after.nodes {
		disk := t.local(place).disk.log
		if last.Compare(idAt(disk, wire.Index(len(disk)))) >= 0 {
			voters |= 1 << place
		}
	}
	return voters
}
