// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// firstIncarnation is that of all disks in the beginning; one more is that of an empty disk
// in the place of a lost one. Below are those of who has none.
const firstIncarnation wire.Incarnation = 2

// Target is what the members may be asked to be.
type Target struct {
	Voters   []wire.NodeID `json:"voters"`
	Learners []wire.NodeID `json:"learners,omitempty"`
}

// membership is the target as a user gives it.
func (t *Target) membership() wire.Membership {
	m := wire.Membership{Voters: t.Voters, Learners: t.Learners}
	ids := slices.Concat(t.Voters, t.Learners)
	slices.Sort(ids)
	for _, id := range ids {
		m.Members = append(m.Members, wire.Member{ID: id})
	}
	return m
}

// memberships are those that may be in effect: the one of the beginning first, then all that
// may come after those before. An entry names them by their places. follows says which may
// come after which at once.
type memberships struct {
	all     []wire.Membership
	encoded []string
	follows map[[2]int]bool
}

func (b *Bounds) memberships() *memberships {
	count := b.Nodes
	if b.Founders > 0 {
		count = b.Founders
	}
	first := Target{}
	for place := range count {
		first.Voters = append(first.Voters, nodeAt(place))
	}
	begin := first.membership()
	known := &memberships{follows: map[[2]int]bool{}}
	known.add(change.Bind(&begin, func(wire.NodeID) wire.Incarnation { return firstIncarnation }))
	for i := 0; i < len(known.all); i++ {
		for _, next := range b.nextOf(&known.all[i]) {
			known.follows[[2]int{i, known.add(next)}] = true
		}
	}
	return known
}

// nextOf returns the memberships that may follow one.
func (b *Bounds) nextOf(m *wire.Membership) (next []wire.Membership) {
	if m.IsJoint() {
		return []wire.Membership{change.Final(m)}
	}
	for i := range b.Targets {
		target := b.Targets[i].membership()
		next = append(next, change.Begin(m, &target))
	}
	if len(m.TargetVoters) == 0 {
		return next
	}
	for wiped := range wire.Incarnation(b.Wipes + 1) {
		next = append(next, change.Joint(m, func(id wire.NodeID) wire.Incarnation {
			if id == b.Wiped {
				return firstIncarnation + wiped
			}
			return firstIncarnation
		}))
	}
	return next
}

// add returns the place of a membership, which is a new one if it was not known.
func (k *memberships) add(m wire.Membership) int {
	encoded := string(wire.AppendMembership(nil, &m))
	if i := slices.Index(k.encoded, encoded); i >= 0 {
		return i
	}
	k.all, k.encoded = append(k.all, m), append(k.encoded, encoded)
	return len(k.all) - 1
}

// way is the log of a leader that has gone all the way to the first target.
func (k *memberships) way(b *Bounds) []slot {
	log := []slot{{term: 1, kind: wire.EntryMembership}, {term: 2, kind: wire.EntryBlank}}
	target := b.Targets[0].membership()
	next := change.Begin(&k.all[0], &target)
	for {
		log = append(log, slot{term: 2, kind: wire.EntryMembership, value: uint8(k.add(next))})
		switch {
		case next.IsJoint():
			next = change.Final(&next)
		case len(next.TargetVoters) > 0:
			next = change.Joint(&next, func(wire.NodeID) wire.Incarnation { return firstIncarnation })
		default:
			return log
		}
	}
}

// mayLearn reports whether a node may have to catch up before it votes.
func (k *memberships) mayLearn(id wire.NodeID) bool {
	return slices.ContainsFunc(k.all, func(m wire.Membership) bool { return slices.Contains(change.Newcomers(&m), id) })
}

// retiring are the memberships with which a leader may find itself no voter any more.
func (k *memberships) retiring() (places []int) {
	for i := range k.all {
		isLeft := slices.ContainsFunc(k.all, func(m wire.Membership) bool {
			from := slices.Index(k.encoded, string(wire.AppendMembership(nil, &m)))
			return k.follows[[2]int{from, i}] && slices.ContainsFunc(m.Members, func(member wire.Member) bool {
				return m.IsVoter(member.ID) && !k.all[i].IsVoter(member.ID)
			})
		})
		if isLeft {
			places = append(places, i)
		}
	}
	return places
}

// symmetries returns the renamings of all nodes under which every membership stays the same,
// the one that changes nothing first. Names decide to whom a leader hands over that was
// removed, where two hold as much: so these are not renamed.
func (k *memberships) symmetries(b *Bounds) []core.Relabel {
	heirs := []wire.NodeID{}
	for _, i := range k.retiring() {
		heirs = append(heirs, k.all[i].Voters...)
	}
	return slices.DeleteFunc(renamings(b.Nodes), func(rename core.Relabel) bool {
		moves := func(id wire.NodeID) bool { return rename(id) != id }
		return slices.ContainsFunc(heirs, moves) || b.Wiped != 0 && moves(b.Wiped) || slices.ContainsFunc(k.all, func(m wire.Membership) bool {
			after := renamed(&m, rename)
			return !after.Equal(&m)
		})
	})
}

// renamed returns a membership of nodes with other names.
func renamed(m *wire.Membership, rename core.Relabel) wire.Membership {
	ids := func(list []wire.NodeID) []wire.NodeID {
		other := make([]wire.NodeID, len(list))
		for i, id := range list {
			other[i] = rename(id)
		}
		slices.Sort(other)
		return other
	}
	r := wire.Membership{
		Voters: ids(m.Voters), Outgoing: ids(m.Outgoing), Learners: ids(m.Learners),
		TargetVoters: ids(m.TargetVoters), TargetLearners: ids(m.TargetLearners),
	}
	for _, member := range m.Members {
		member.ID = rename(member.ID)
		r.Members = append(r.Members, member)
	}
	slices.SortFunc(r.Members, func(a, b wire.Member) int { return int(a.ID) - int(b.ID) })
	return r
}
