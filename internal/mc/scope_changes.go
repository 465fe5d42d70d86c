// SPDX-License-Identifier: Apache-2.0

package mc

import "github.com/balsa-raft/raft/wire"

// mc4 is changes of membership. Small groups are tried with all there is; of three and four
// members leaders are quiet, campaigns rash, and some parts begin when a leader has died
// half-way through a change, with its log spread over the members.
func mc4() Scope {
	return Scope{
		Name:  "mc4",
		About: "changes of membership: asked for, begun, joint, final, handed over, rolled back",
		Parts: []Part{
			{"one to two, two elections and a crash", changes(1, to(1, 2), Bounds{Timeouts: 2, Crashes: 1})},
			{"one to two and back and again, an election, instant disks", changes(1, to(1), Bounds{Targets: to(1, 2), Changes: 3, Timeouts: 1, InstantDisk: true})},
			{"one to the other or to both, and once more, an election", changes(1, to(2), Bounds{Targets: to(1, 2), Changes: 2, Timeouts: 1})},
			{"two to three, an election, instant disks", changes(2, to(1, 2, 3), Bounds{Timeouts: 1, InstantDisk: true})},
			{"two become one of them and another, an election", changes(2, to(2, 3), Bounds{Timeouts: 1})},
			{"three to four, an election, instant disks", small(changes(3, to(1, 2, 3, 4), Bounds{Timeouts: 1, InstantDisk: true}))},
			{"three to four and back, instant disks", small(changes(3, to(1, 2, 3, 4), Bounds{Targets: to(1, 2, 3), Changes: 2, InstantDisk: true}))},
			{"a leader is replaced and hands over, instant disks", small(changes(3, to(2, 3, 4), Bounds{TermMax: 1, InstantDisk: true}))},
			{"a leader dies with the first membership of a swap, and another change follows, an election, instant disks",
				small(begun(to(1, 2, 3, 4), []int{3, 2, 2, 0}, 2, Bounds{Targets: to(2, 3, 4), Changes: 1, Timeouts: 1, InstantDisk: true}))},
			{"a leader dies while joint, an election, instant disks", begun(to(2, 3, 4), []int{4, 3, 3, 3}, 3, Bounds{Timeouts: 1, InstantDisk: true})},
			{"a leader dies while half are joint, an election and a crash, instant disks",
				small(begun(to(2, 3, 4), []int{4, 4, 3, 3}, 3, Bounds{Timeouts: 1, Crashes: 1, InstantDisk: true}))},
			{"a leader dies when one has the final membership, two elections, instant disks",
				small(begun(to(2, 3, 4), []int{5, 5, 4, 4}, 4, Bounds{Timeouts: 2, InstantDisk: true}))},
			{"four to three, an election, instant disks", small(begun(to(1, 2, 3, 4), []int{5, 5, 5, 5}, 5, Bounds{Targets: to(1, 2, 3), Changes: 1, Timeouts: 1, InstantDisk: true}))},
		},
	}
}

// mc8 is a voter that loses its disk and comes back under its ID with an empty one: it must
// not vote until it has been brought in again.
func mc8() Scope {
	return Scope{
		Name:  "mc8",
		About: "a voter loses its disk and comes back with an empty one",
		Parts: []Part{
			{"an election while there is a leader, and a command, instant disks", small(changes(3, nil, Bounds{Timeouts: 1, Proposals: 1, Wipes: 1, Wiped: 3, InstantDisk: true}))},
			{"two elections, instant disks", small(of(Bounds{Timeouts: 2, Wipes: 1, Wiped: 3, InstantDisk: true}))},
		},
	}
}

// to is a target of voters.
func to(voters ...wire.NodeID) []Target { return []Target{{Voters: voters}} }

// changes are those of founders, the first of whom leads, to a first target and those of b.
func changes(founders int, first []Target, b Bounds) Bounds {
	b.Led = true
	b.Changes = max(b.Changes, len(first))
	return reaching(founders, first, b)
}

// begun are behaviours of three founders that begin half-way; see Bounds.Begun.
func begun(first []Target, held []int, committed int, b Bounds) Bounds {
	b.Begun, b.Committed = held, committed
	return reaching(3, first, b)
}

func reaching(founders int, first []Target, b Bounds) Bounds {
	b.Targets = append(first, b.Targets...)
	b.Founders, b.Nodes = founders, founders
	for _, target := range b.Targets {
		for _, id := range target.Voters {
			b.Nodes = max(b.Nodes, int(id))
		}
	}
	b.TermMax += wire.Term(2 + b.Timeouts)
	return of(b)
}

// small makes leaders quiet, and campaigns rash.
func small(b Bounds) Bounds {
	b.Quiet, b.Rash = true, true
	return b
}
