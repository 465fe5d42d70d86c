// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"

	"github.com/balsa-raft/raft/internal/change"
	"github.com/balsa-raft/raft/wire"
)

// slot is an entry with a hash of it and of everything before it: two logs with the
// same chain at an index are equal up to there.
type slot struct {
	wire.Entry
	chain uint64
}

// disk is what survives a crash, and the writes that do not yet.
type disk struct {
	hard wire.HardState
	// log has all entries ever, for the checks; nobody else may read what is compacted.
	log       []slot
	compacted wire.LogID
	snapshots []snapshot
	// applied is what a state machine that keeps its state has applied.
	applied wire.Index
	queue   []WriteLog
	syncing bool
	// incarnation is that of the data folder, lost what those before it held.
	incarnation wire.Incarnation
	lost        [][]slot
}

// snapshot is a durable one: the entries that it covers, whose chain is the state.
type snapshot struct {
	meta wire.SnapshotMeta
	log  []slot
}

// diskOf returns a disk with a log of commands of the given terms, the first of which
// is the membership, and a hard state of that term or the last entry's.
func diskOf(m wire.Membership, term wire.Term, terms ...wire.Term) disk {
	d := disk{hard: wire.HardState{Term: term}}
	m = bound(m)
	for i, t := range terms {
		e := wire.Entry{Index: wire.Index(i + 1), Term: t, Kind: wire.EntryCommand, Data: []byte{byte(t), byte(i)}}
		if i == 0 {
			e.Kind, e.Data = wire.EntryMembership, wire.AppendMembership(nil, &m)
		}
		d.log = extend(d.log, e)
		d.hard.Term = max(d.hard.Term, t)
	}
	return d
}

// state is what a log store would say of the disk.
func (d *disk) state() wire.LogState {
	state := wire.LogState{HardState: d.hard, Compacted: d.compacted, Last: wire.Index(len(d.log))}
	for _, s := range d.log[d.compacted.Index:] {
		if n := len(state.Terms); n == 0 || state.Terms[n-1].Term != s.Term {
			state.Terms = append(state.Terms, wire.TermStart{Term: s.Term, First: s.Index})
		}
		if s.Kind == wire.EntryMembership {
			state.Memberships = append(state.Memberships, s.Entry)
		}
	}
	return state
}

// newest returns the snapshot that covers most, the zero one if there is none.
func (d *disk) newest() snapshot {
	var newest snapshot
	for _, s := range d.snapshots {
		if s.meta.Last.Index > newest.meta.Last.Index {
			newest = s
		}
	}
	return newest
}

// find returns a snapshot by its ID.
func (d *disk) find(id wire.SnapshotID) (snapshot, bool) {
	for _, s := range d.snapshots {
		if s.meta.ID == id {
			return s, true
		}
	}
	return snapshot{}, false
}

// drop deletes a snapshot.
func (d *disk) drop(id wire.SnapshotID) {
	d.snapshots = slices.DeleteFunc(slices.Clone(d.snapshots), func(s snapshot) bool { return s.meta.ID == id })
}

// keep makes a snapshot durable.
func (d *disk) keep(s snapshot) {
	if _, known := d.find(s.meta.ID); !known {
		d.snapshots = append(slices.Clip(d.snapshots), s)
	}
}

// recovery is what the runtime finds beside the log: it restores the newest snapshot, or
// has a state machine that was further already.
func (d *disk) recovery() Recovery {
	found := Recovery{Snapshot: d.newest().meta}
	found.Applied = max(found.Snapshot.Last.Index, d.applied)
	found.StateLost = found.Applied < d.compacted.Index
	return found
}

// held is the log as it will be after a crash now: if it does not have the last entry of
// the newest snapshot, that is where it begins.
func (d *disk) held() []slot {
	s := d.newest()
	last := s.meta.Last
	if last.Index <= d.compacted.Index || chainAt(d.log, int(last.Index)) == chainAt(s.log, int(last.Index)) {
		return d.log
	}
	return s.log
}

// write makes one write durable.
func (d *disk) write(write WriteLog) {
	if !write.HardState.IsZero() {
		d.hard = write.HardState
	}
	if write.Reset.Index > 0 {
		d.log, d.compacted = d.coveredBy(write.Reset), write.Reset
	}
	if len(write.Entries) > 0 {
		d.log = extend(cutFrom(d.log, write.Entries[0].Index), write.Entries...)
	}
	if write.Compact > d.compacted.Index {
		d.compacted = d.log[write.Compact-1].ID()
	}
}

// coveredBy returns the entries that a durable snapshot with this last one covers.
func (d *disk) coveredBy(last wire.LogID) []slot {
	for _, s := range d.snapshots {
		if s.meta.Last == last {
			return slices.Clip(s.log)
		}
	}
	return nil // The checks will find a log that is too short.
}

// snapshotOf returns the snapshot of a log up to an entry, with a name.
func snapshotOf(log []slot, last wire.Index, id wire.SnapshotID) snapshot {
	s := snapshot{log: slices.Clone(log[:last])}
	s.meta = wire.SnapshotMeta{ID: id, Last: log[last-1].ID()}
	for _, e := range s.log {
		if e.Kind == wire.EntryMembership {
			s.meta.MembershipAt = e.Index
			s.meta.Membership, _ = wire.DecodeMembership(e.Data)
		}
	}
	return s
}

// cutFrom drops the entries from first on. What is appended then goes elsewhere: the
// array may be shared with an earlier state of the log.
func cutFrom(log []slot, first wire.Index) []slot {
	if int(first) > len(log) {
		return log
	}
	return slices.Clip(log[:first-1])
}

// extend appends entries and their chain.
func extend(log []slot, entries ...wire.Entry) []slot {
	for _, e := range entries {
		chain := uint64(0)
		if len(log) > 0 {
			chain = log[len(log)-1].chain
		}
		log = append(log, slot{Entry: e, chain: chainOf(chain, e)})
	}
	return log
}

// chainOf is FNV-1a over the previous hash and the entry.
func chainOf(chain uint64, e wire.Entry) uint64 {
	hash := uint64(0xcbf29ce484222325)
	mix := func(v uint64) {
		hash = (hash ^ v) * 0x100000001b3
		hash ^= hash >> 29
	}
	mix(chain)
	mix(uint64(e.Index))
	mix(uint64(e.Term))
	mix(uint64(e.Kind))
	for _, b := range e.Data {
		mix(uint64(b))
	}
	return hash
}

func chainAt(log []slot, index int) uint64 {
	if index == 0 || index > len(log) {
		return 0
	}
	return log[index-1].chain
}

// bound returns a membership as the first leader of a group makes it, of members that all
// have the usual incarnation.
func bound(m wire.Membership) wire.Membership {
	return change.Bind(&m, func(wire.NodeID) wire.Incarnation { return 1 })
}
