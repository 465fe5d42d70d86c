// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// Sweep says which disks a power loss at one moment is to leave: one after the other,
// rather than one at random. The zero Sweep leaves two, without and with all changes.
type Sweep struct {
	// SubsetsMax bounds the changes of which every subset survives once, each of
	// them in every version. Where more are unsynced, systematic families of
	// subsets do: prefixes, suffixes, all but one, one only, every other.
	SubsetsMax int
	// Tears are what else becomes of each sector in turn, while all others survive,
	// or none, or those before it.
	Tears []Survival
	// Seeds is how many random disks there are on top, see Random.
	Seeds int
}

// namesMax bounds the names whose every subset goes with each family of a Sweep; those
// behind them survive.
const namesMax = 4

// Of calls visit with each disk that a power loss at this moment may leave, of those the
// Sweep is to have, until visit returns false. What survives without a difference
// is not varied, so that hardly two disks are equal. Nobody may use m meanwhile.
func (s Sweep) Of(m *Mem, visit func(after *Mem) bool) {
	changes := m.differences()
	clone := func(decide func(Unsynced) Survival) bool {
		return visit(m.CrashClone(func(u Unsynced) Survival {
			if !changes[place{u.Kind, u.Path, u.Offset}] {
				return KeepAll(u)
			}
			return decide(u)
		}))
	}
	var pending []Unsynced
	m.CrashClone(func(u Unsynced) Survival {
		if changes[place{u.Kind, u.Path, u.Offset}] {
			pending = append(pending, u)
		}
		return KeepAll(u)
	})
	goOn := true
	switch {
	case len(pending) == 0:
		clone(KeepAll)
		return
	case len(pending) <= s.SubsetsMax:
		goOn = subsets(clone)
	case s.SubsetsMax > 0:
		goOn = families(pending, clone)
	default:
		goOn = clone(LoseAll) && clone(KeepAll)
	}
	_ = goOn && s.tears(pending, clone) && s.random(clone)
}

// place tells one Unsynced from another.
type place struct {
	kind   UnsyncedKind
	path   string
	offset int64
}

// differences returns the changes not synced that make a difference to the disk.
func (m *Mem) differences() map[place]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[place]bool)
	nodes := make(map[*memNode][]string)
	for _, change := range m.journal {
		path := change.set
		if change.node == nil {
			path = change.remove
		}
		found[place{kind: UnsyncedName, path: path}] = true
	}
	for _, names := range []map[string]*memNode{m.names, m.durable} {
		for _, node := range names {
			nodes[node] = nil
		}
	}
	for _, node := range sortedNodes(nodes) {
		if len(node.cache) != len(node.disk) {
			found[place{kind: UnsyncedSize, path: node.path}] = true
		}
		for sector, versions := range node.unsynced.versions() {
			old := sectorOf(node.disk, sector)
			if slices.ContainsFunc(versions, func(v []byte) bool { return !bytes.Equal(v, old) }) {
				found[place{UnsyncedSector, node.path, sector * SectorBytes}] = true
			}
		}
	}
	return found
}

// subsets makes every decision on every change. What is asked may depend on what was
// answered before, as nobody asks for the sectors of a file that is not there: each
// round repeats the answers of the last one, but for the last that can be another.
func subsets(clone func(func(Unsynced) Survival) bool) bool {
	var answers, choices []int
	for {
		asked := 0
		goOn := clone(func(u Unsynced) Survival {
			if asked == len(answers) {
				answers, choices = append(answers, 0), append(choices, u.Versions)
			}
			asked++
			return Survival(answers[asked-1])
		})
		for asked > 0 && answers[asked-1] == choices[asked-1] {
			asked--
		}
		if !goOn || asked == 0 {
			return goOn
		}
		answers, choices = answers[:asked], choices[:asked]
		answers[asked-1]++
	}
}

// family says whether the change numbered i, which is no name, survives in member k.
type family func(i, k int) bool

// families makes systematic decisions, for every subset of the names.
func families(pending []Unsynced, clone func(func(Unsynced) Survival) bool) bool {
	names := 0
	for names < len(pending) && pending[names].Kind == UnsyncedName {
		names++
	}
	for subset := range 1 << min(names, namesMax) {
		for k := range len(pending) - names + 1 {
			for _, survives := range []family{
				func(i, k int) bool { return i < k },
				func(i, k int) bool { return i >= k },
				func(i, k int) bool { return i != k },
				func(i, k int) bool { return i == k },
				func(i, k int) bool { return i%(k+2) == 0 },
				func(i, k int) bool { return i%(k+2) != 0 },
			} {
				if !clone(member(subset, k, survives)) {
					return false
				}
			}
		}
	}
	return true
}

func member(subset, k int, survives family) func(Unsynced) Survival {
	name, i := -1, -1
	return func(u Unsynced) Survival {
		isKept := false
		if u.Kind == UnsyncedName {
			name++
			isKept = name >= namesMax || subset>>name&1 == 1
		} else {
			i++
			isKept = u.Kind == UnsyncedSize && k%2 == 0 || survives(i, k)
		}
		if isKept {
			return KeepAll(u)
		}
		return Lost
	}
}

// tears tears each sector in turn.
func (s Sweep) tears(pending []Unsynced, clone func(func(Unsynced) Survival) bool) bool {
	for _, torn := range pending {
		if torn.Kind != UnsyncedSector {
			continue
		}
		for _, tear := range s.Tears {
			for _, survives := range []func(isBefore bool) bool{
				func(bool) bool { return true },
				func(bool) bool { return false },
				func(isBefore bool) bool { return isBefore },
			} {
				isBefore := true
				if !clone(func(u Unsynced) Survival {
					if u.Kind == UnsyncedSector && u.Path == torn.Path && u.Offset == torn.Offset {
						isBefore = false
						return tear
					}
					if u.Kind != UnsyncedSector || survives(isBefore) {
						return KeepAll(u)
					}
					return Lost
				}) {
					return false
				}
			}
		}
	}
	return true
}

func (s Sweep) random(clone func(func(Unsynced) Survival) bool) bool {
	for seed := range s.Seeds {
		if !clone(Random(rand.New(rand.NewPCG(uint64(seed), 0)))) {
			return false
		}
	}
	return true
}
