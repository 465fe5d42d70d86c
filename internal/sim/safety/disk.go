// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"slices"

	"github.com/balsa-raft/raft/wire"
)

// slot is an entry as far as it matters here: its term, and a checksum over it and
// all entries before it.
type slot struct {
	term  wire.Term
	chain uint64
	// membership is the last entry with a membership, up to this one.
	membership wire.LogID
}

// before returns the slot of the entry behind.
func (s slot) before(e *wire.Entry) slot {
	next := slot{term: e.Term, chain: chainAfter(s.chain, e), membership: s.membership}
	if e.Kind == wire.EntryMembership {
		next.membership = e.ID()
	}
	return next
}

// disk is what the log store of a member has said to be durable.
type disk struct {
	hard wire.HardState
	// log is the whole log, index 1 first. What a snapshot covers counts as there: the
	// entries up to compacted, which are not.
	log       []slot
	compacted wire.Index
	// saving are the updates of a Save that has not ended well.
	saving []wire.Update
	failed bool
	// emptied says that it was, and does not hold all again that is committed.
	emptied bool
	// incarnation is the disk's, zero if that is not known; lost are the logs of those disks that
	// the node has had before.
	incarnation wire.Incarnation
	lost        [][]slot
}

func (d *disk) last() wire.Index { return wire.Index(len(d.log)) }

// reset makes the log one that begins behind a committed entry.
func (d *disk) reset(last wire.Index, committed *Committed) {
	d.log = slices.Clone(committed.log[:min(last, committed.Last())])
	d.compacted = last
}

// at returns the slot at an index, the zero slot if there is none.
func (d *disk) at(index wire.Index) slot {
	if index == 0 || index > d.last() {
		return slot{}
	}
	return d.log[index-1]
}

// chainAfter returns the checksum of a log of which the last entry is e.
func chainAfter(before uint64, e *wire.Entry) uint64 {
	h := mix(before, uint64(e.Term)<<8|uint64(e.Kind))
	data := e.Data
	for len(data) >= 8 {
		h = mix(h, uint64(data[0])|uint64(data[1])<<8|uint64(data[2])<<16|uint64(data[3])<<24|
			uint64(data[4])<<32|uint64(data[5])<<40|uint64(data[6])<<48|uint64(data[7])<<56)
		data = data[8:]
	}
	for _, b := range data {
		h = mix(h, uint64(b))
	}
	return mix(h, uint64(len(e.Data)))
}

// mix is a step of a hash function, which need not resist anybody.
func mix(h, x uint64) uint64 {
	h ^= x * 0x9e3779b97f4a7c15
	h = (h ^ h>>32) * 0xd6e8feb86659fd93
	return h ^ h>>29
}
