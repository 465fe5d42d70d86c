// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// UnsyncedKind says what kind of change was not synced.
type UnsyncedKind uint8

// The kinds of changes that a power loss may undo.
const (
	// UnsyncedName is a name created, renamed or removed in a folder.
	UnsyncedName UnsyncedKind = 1
	// UnsyncedSize is the new size of a file.
	UnsyncedSize UnsyncedKind = 2
	// UnsyncedSector is a sector of a file.
	UnsyncedSector UnsyncedKind = 3
)

// Unsynced is something about which a power loss decides.
type Unsynced struct {
	Kind UnsyncedKind
	// Path is the name last given to the file; for a name removed, that name.
	Path string
	// Offset is where the sector begins, in bytes.
	Offset int64
	// Versions is how many times the sector was written since it was synced; one for
	// names and sizes.
	Versions int
}

// Survival is what becomes of an Unsynced. A number from one to Versions says that
// this version of it is what the disk holds.
type Survival int

// What may become of an Unsynced beside a version of it. Names and sizes cannot
// tear: for them, Torn and Garbage are as Lost.
const (
	// Lost means that the disk holds what it held at the last sync.
	Lost Survival = 0
	// Torn means that the first half of the sector is the newest and the rest is old.
	Torn Survival = -1
	// Garbage means that the sector's bytes are arbitrary. They depend on the
	// place only, so that a test can be repeated.
	Garbage Survival = -2
	// Zeroed means that the sector's bytes are zero.
	Zeroed Survival = -3
)

// The survivals that TornAt and TornFrom return lie at and below these.
const (
	tornAt   Survival = -1 << 12
	tornFrom Survival = -2 << 12
)

// TornAt means that the first bytes of the sector, so many, are the newest and the rest
// is old; for names and sizes, it is as Lost.
func TornAt(bytes int) Survival { return tornAt - Survival(min(max(bytes, 0), SectorBytes)) }

// TornFrom means that the first bytes of the sector, so many, are old and the rest is
// the newest; for names and sizes, it is as Lost.
func TornFrom(bytes int) Survival { return tornFrom - Survival(min(max(bytes, 0), SectorBytes)) }

// CrashClone returns the file system as it might be found after a power loss at
// this moment: decide is asked once for every change that was not synced, names
// first, then each file by age, its size before its sectors, in ascending order.
// Nothing of the clone is locked, open or unsynced. Mem itself goes on as it was;
// decide must not use it.
func (m *Mem) CrashClone(decide func(Unsynced) Survival) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	clone := NewMem()
	clone.nodes = m.nodes
	for folder := range m.folders {
		clone.folders[folder] = true
	}
	names := m.namesAfterCrash(decide)
	paths := make(map[*memNode][]string)
	for path, node := range names {
		paths[node] = append(paths[node], path)
	}
	for _, node := range sortedNodes(paths) {
		content := node.afterCrash(decide)
		made := &memNode{id: node.id, path: node.path, disk: content, cache: content, sharesCache: true, sharesDisk: node.sharesDisk}
		for _, path := range paths[node] {
			made.path = path
			clone.names[path], clone.durable[path] = made, made
		}
	}
	return clone
}

func (m *Mem) namesAfterCrash(decide func(Unsynced) Survival) map[string]*memNode {
	names := make(map[string]*memNode, len(m.durable))
	for path, node := range m.durable {
		names[path] = node
	}
	for _, change := range m.journal {
		path := change.set
		if change.node == nil {
			path = change.remove
		}
		if decide(Unsynced{Kind: UnsyncedName, Path: path, Versions: 1}) > Lost {
			change.apply(names)
		}
	}
	return names
}

func sortedNodes(paths map[*memNode][]string) []*memNode {
	nodes := make([]*memNode, 0, len(paths))
	for node := range paths {
		nodes = append(nodes, node)
	}
	slices.SortFunc(nodes, func(a, b *memNode) int { return cmp.Compare(a.id, b.id) })
	return nodes
}

// afterCrash returns what the file may hold after a power loss.
func (n *memNode) afterCrash(decide func(Unsynced) Survival) []byte {
	if len(n.cache) == len(n.disk) && len(n.unsynced.sectors) == 0 {
		n.sharesDisk = true
		return n.disk
	}
	content := slices.Clone(n.disk)
	if len(n.cache) != len(n.disk) && decide(Unsynced{Kind: UnsyncedSize, Path: n.path, Versions: 1}) > Lost {
		content = resize(content, int64(len(n.cache)))
	}
	unsynced := n.unsynced.versions()
	sectors := make([]int64, 0, len(unsynced))
	for sector := range unsynced {
		if sector*SectorBytes < int64(len(content)) {
			sectors = append(sectors, sector)
		}
	}
	slices.Sort(sectors)
	for _, sector := range sectors {
		versions := unsynced[sector]
		survival := decide(Unsynced{
			Kind: UnsyncedSector, Path: n.path, Offset: sector * SectorBytes, Versions: len(versions),
		})
		putSector(content, sector, n.sectorAfterCrash(sector, versions, survival))
	}
	return content
}

func (n *memNode) sectorAfterCrash(sector int64, versions [][]byte, survival Survival) []byte {
	old, newest := sectorOf(n.disk, sector), versions[len(versions)-1]
	switch {
	case survival == Torn:
		copy(old, newest[:SectorBytes/2])
	case survival == Garbage:
		return garbage(n.path, sector)
	case survival == Zeroed:
		clear(old)
	case survival <= tornFrom:
		from := min(int(tornFrom-survival), SectorBytes)
		copy(old[from:], newest[from:])
	case survival <= tornAt:
		copy(old, newest[:min(int(tornAt-survival), SectorBytes)])
	case survival > Lost && int(survival) <= len(versions):
		return versions[survival-1]
	}
	return old
}

func garbage(path string, sector int64) []byte {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(path)) // A hash takes everything.
	source := rand.New(rand.NewPCG(hash.Sum64(), uint64(sector)))
	data := make([]byte, SectorBytes)
	for i := range data {
		data[i] = byte(source.Uint32())
	}
	return data
}

// KeepAll decides that every unsynced change survives, in its newest version.
func KeepAll(u Unsynced) Survival { return Survival(u.Versions) }

// LoseAll decides that no unsynced change survives.
func LoseAll(Unsynced) Survival { return Lost }

// Random returns decisions drawn from random numbers. Two crashes with equal
// generators find the same disk.
func Random(source *rand.Rand) func(Unsynced) Survival {
	return func(u Unsynced) Survival {
		if u.Kind != UnsyncedSector {
			return Survival(source.IntN(2))
		}
		switch roll := source.IntN(16); {
		case roll == 0:
			return Garbage
		case roll == 1:
			return Torn
		case roll < 9:
			return Lost
		}
		return Survival(1 + source.IntN(u.Versions))
	}
}
