// SPDX-License-Identifier: Apache-2.0

package vfs

import "slices"

// unsyncedBytesMax bounds the space for writes that a file keeps over a sync.
const unsyncedBytesMax = 64 << 10

// unsyncedWrites are the sectors of a file that were written since the last sync, in order:
// what each was after each of the writes. Any of them may be on the disk. A file is synced
// after every write or two, so the space is used again and again.
type unsyncedWrites struct {
	sectors []int64
	data    []byte // SectorBytes for each of the sectors
}

// note remembers the sectors of a file's content from byte from up to byte to.
func (u *unsyncedWrites) note(content []byte, from, to int64) {
	first := from / SectorBytes
	u.data = slices.Grow(u.data, int(max(to-first*SectorBytes, 0))+SectorBytes)
	for sector := first; sector*SectorBytes < to; sector++ {
		u.sectors = append(u.sectors, sector)
		from := min(sector*SectorBytes, int64(len(content)))
		held := content[from:min(from+SectorBytes, int64(len(content)))]
		u.data = append(append(u.data, held...), zeroSector[len(held):]...)
	}
}

// forget is for when all of it is on the disk, or is taken to be.
func (u *unsyncedWrites) forget() {
	if cap(u.data) > unsyncedBytesMax {
		*u = unsyncedWrites{}
	}
	u.sectors, u.data = u.sectors[:0], u.data[:0]
}

// versions returns, for each sector, what it was after each write, the oldest first. It is
// valid until the next change.
func (u *unsyncedWrites) versions() map[int64][][]byte {
	found := make(map[int64][][]byte, len(u.sectors))
	for i, sector := range u.sectors {
		found[sector] = append(found[sector], u.data[i*SectorBytes:(i+1)*SectorBytes])
	}
	return found
}

var zeroSector [SectorBytes]byte

// sectorOf copies a sector. Beyond the end there are zeroes.
func sectorOf(content []byte, sector int64) []byte {
	copied := make([]byte, SectorBytes)
	if from := sector * SectorBytes; from < int64(len(content)) {
		copy(copied, content[from:])
	}
	return copied
}

// putSector writes the part of a sector that is within the content.
func putSector(content []byte, sector int64, data []byte) {
	if from := sector * SectorBytes; from < int64(len(content)) {
		copy(content[from:], data)
	}
}
