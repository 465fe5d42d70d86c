// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"encoding/binary"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// A snapshot is known by the entries that have led to the state in it. They are its ID,
// which the core compares with others at most: equal IDs mean equal states.
const (
	slotBits   = 8
	contentMax = 64 / slotBits
)

// idOf returns the ID of a snapshot of the state that entries have led to.
func idOf(content []slot) wire.SnapshotID {
	invariant.Check(len(content) <= contentMax, "mc: a snapshot is of few entries", "entries", len(content))
	id := wire.SnapshotID(0)
	for i, s := range content {
		invariant.Check(s.term < 8 && s.kind < 4 && s.value < 8, "mc: terms and values are small", "slot", s)
		id |= wire.SnapshotID(uint64(s.term)|uint64(s.kind)<<3|uint64(s.value)<<5) << (i * slotBits)
	}
	return id
}

// contentOf is the inverse of idOf.
func contentOf(id wire.SnapshotID) (content []slot) {
	for ; id > 0; id >>= slotBits {
		content = append(content, slot{term: wire.Term(id & 7), kind: wire.EntryKind(id >> 3 & 3), value: uint8(id >> 5 & 7)})
	}
	return content
}

// snapshotOf describes a snapshot of the state that entries have led to, as package
// snapshotter would.
func (m *model) snapshotOf(content []slot) wire.SnapshotMeta {
	at := membershipAt(content)
	return wire.SnapshotMeta{
		ID: idOf(content), Last: idAt(content, wire.Index(len(content))), MembershipAt: at, Membership: m.membershipIn(content, at),
	}
}

// membershipAt returns the index of the latest membership in a log, zero if there is none.
func membershipAt(log []slot) wire.Index {
	for i := len(log); i > 0; i-- {
		if log[i-1].kind == wire.EntryMembership {
			return wire.Index(i)
		}
	}
	return 0
}

// appendSnapshots appends descriptions of snapshots.
func appendSnapshots(buf []byte, snapshots []wire.SnapshotMeta, relabel core.Relabel) []byte {
	buf = append(buf, byte(len(snapshots)))
	for i := range snapshots {
		s := &snapshots[i]
		buf = binary.BigEndian.AppendUint64(buf, uint64(s.ID))
		buf = append(buf, byte(s.Last.Term), byte(s.Last.Index), byte(s.MembershipAt))
		buf = appendMembership(buf, &s.Membership, relabel)
	}
	return buf
}

// appendMembership appends who the members are, as sets, and whose disks the voters' are.
func appendMembership(buf []byte, m *wire.Membership, relabel core.Relabel) []byte {
	for _, ids := range [][]wire.NodeID{m.Voters, m.Outgoing, m.Learners, m.TargetVoters, m.TargetLearners} {
		set := byte(0)
		for _, id := range ids {
			set |= 1 << relabel(id)
		}
		buf = append(buf, set)
	}
	incarnations := [NodesMax + 1]byte{}
	for _, member := range m.Members {
		incarnations[relabel(member.ID)] = byte(member.Incarnation)
	}
	return append(buf, incarnations[:]...)
}
