// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"encoding/binary"
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/progress"
	"github.com/balsa-raft/raft/wire"
)

// local is one member with its disk, its log and its streams. It does not change once
// it is in the table; a step works on a clone. Slices are shared, and so only replaced.
type local struct {
	id          wire.NodeID
	incarnation wire.Incarnation // of its disk
	core        *core.Core
	clock       core.Instant
	disk        image
	// pending are the writes that have not ended, oldest first; records is what the disk
	// will hold when they have.
	pending []write
	records
	// applied is how far the core has said to apply, machine how far the state machine is,
	// zero if it is in no state at all; round is the latest pre-vote.
	applied, machine wire.Index
	round            wire.Round
	streams          []stream // by the peer's ID less one
	transfers

	// What follows is derived from the above, by settle.
	status    core.Status
	peers     []progress.Progress // of a leader
	newsWaits bool
	// hears says that a follower takes its leader to be alive.
	hears  bool
	hashes []hash // under each renaming
}

func (l *local) clone() *local {
	clone := *l
	clone.core = l.core.Clone()
	clone.streams, clone.asked = slices.Clone(l.streams), slices.Clone(l.asked)
	clone.peers, clone.hashes = nil, nil
	return &clone
}

// settle derives what can be asked of a member without touching its core again.
func (l *local) settle() {
	l.status = l.core.Brief()
	l.core.VisitPeers(func(p *progress.Progress) { l.peers = append(l.peers, *p) })
	leads := l.status.Role == core.Leader
	l.newsWaits = leads && l.core.Deadline() < l.clock+heartbeatInterval/2
	l.hears = !leads && l.status.Leader != 0
}

func (l *local) peer(id wire.NodeID) *progress.Progress {
	for i := range l.peers {
		if l.peers[i].ID == id {
			return &l.peers[i]
		}
	}
	return nil
}

// appendTo appends all that decides what the member does next.
func (l *local) appendTo(buf []byte, relabel core.Relabel) []byte {
	buf = l.core.AppendState(buf, relabel)
	buf = l.disk.appendTo(buf, relabel)
	buf = append(buf, byte(len(l.pending)))
	for i := range l.pending {
		buf = l.pending[i].appendTo(buf, relabel)
	}
	buf = append(buf, byte(l.incarnation), byte(l.applied), byte(l.machine), byte(l.round))
	streams := make([]stream, len(l.streams))
	for i := range l.streams {
		streams[relabel(wire.NodeID(i+1))-1] = l.streams[i]
	}
	for i := range streams {
		buf = streams[i].appendTo(buf)
	}
	return l.transfers.appendTo(buf, relabel)
}

func appendHardState(buf []byte, hard wire.HardState, relabel core.Relabel) []byte {
	buf = binary.AppendUvarint(buf, uint64(hard.Term))
	if hard.Vote == 0 {
		return append(buf, 0)
	}
	return append(buf, byte(relabel(hard.Vote)))
}

func appendSlots(buf []byte, slots []slot) []byte {
	buf = append(buf, byte(len(slots)))
	for _, s := range slots {
		buf = append(buf, byte(s.term), byte(s.kind), s.value)
	}
	return buf
}

// idAt returns the LogID of the entry at an index, zero at zero.
func idAt(log []slot, index wire.Index) wire.LogID {
	if index == 0 {
		return wire.LogID{}
	}
	return wire.LogID{Term: log[index-1].term, Index: index}
}

// isPrefix reports whether b begins with a.
func isPrefix(a, b []slot) bool { return len(a) <= len(b) && slices.Equal(a, b[:len(a)]) }
