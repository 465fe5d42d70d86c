// SPDX-License-Identifier: Apache-2.0

package mc

import (
	"slices"

	"github.com/balsa-raft/raft/internal/core"
	"github.com/balsa-raft/raft/wire"
)

// write is one that the disk has not ended. Unless zero, reset makes the log begin anew
// behind an entry; slots replace what stands at or after first; compact is the last entry
// that is not needed any more.
type write struct {
	seq     core.Seq
	hard    wire.HardState
	reset   wire.LogID
	history []slot // what the reset log has before its beginning
	first   wire.Index
	slots   []slot
	compact wire.Index
}

// records is a log. Entries up to and including base are not held, because a snapshot
// covers them; they are remembered all the same, so that logs can be compared from their
// first entry on, but nothing of the member may depend on them.
type records struct {
	base wire.LogID
	log  []slot
}

// after returns what a write makes of a log.
func (r records) after(w *write) records {
	if w.reset.Index > 0 {
		r = records{base: w.reset, log: w.history}
	}
	if w.first > 0 {
		r.log = replace(r.log, w.first, w.slots)
	}
	if w.compact > r.base.Index {
		r.base = idAt(r.log, w.compact)
	}
	return r
}

// image is what a disk holds.
type image struct {
	hard wire.HardState
	records
	// snapshots are those that are durable, newest first.
	snapshots []wire.SnapshotMeta
}

// newest returns the snapshot with which the member would start, and whether there is one.
func (d *image) newest() (wire.SnapshotMeta, bool) {
	if len(d.snapshots) == 0 || d.snapshots[0].Last.Index < d.base.Index {
		return wire.SnapshotMeta{}, false
	}
	return d.snapshots[0], true
}

// covered is the last entry of the newest snapshot.
func (d *image) covered() wire.Index {
	if len(d.snapshots) == 0 {
		return 0
	}
	return d.snapshots[0].Last.Index
}

// keep makes a snapshot durable, and deletes the oldest if there are too many.
func (d *image) keep(s wire.SnapshotMeta, most int) {
	if slices.ContainsFunc(d.snapshots, func(other wire.SnapshotMeta) bool { return other.ID == s.ID }) {
		return
	}
	kept := append(slices.Clone(d.snapshots), s)
	slices.SortStableFunc(kept, func(a, b wire.SnapshotMeta) int { return int(b.Last.Index) - int(a.Last.Index) })
	d.snapshots = kept[:min(most, len(kept))]
}

// drop deletes a snapshot.
func (d *image) drop(id wire.SnapshotID) {
	d.snapshots = slices.DeleteFunc(slices.Clone(d.snapshots), func(s wire.SnapshotMeta) bool { return s.ID == id })
}

func (d *image) appendTo(buf []byte, relabel core.Relabel) []byte {
	buf = appendHardState(buf, d.hard, relabel)
	buf = d.records.appendTo(buf)
	return appendSnapshots(buf, d.snapshots, relabel)
}

func (r *records) appendTo(buf []byte) []byte {
	return appendSlots(append(buf, byte(r.base.Index), byte(r.base.Term)), r.log)
}

func (w *write) appendTo(buf []byte, relabel core.Relabel) []byte {
	buf = appendHardState(buf, w.hard, relabel)
	buf = append(buf, byte(w.reset.Index), byte(w.reset.Term))
	buf = appendSlots(buf, w.history)
	buf = append(buf, byte(w.first))
	return append(appendSlots(buf, w.slots), byte(w.compact))
}

// replace returns a log in which slots stand from first on, and nothing after them.
func replace(log []slot, first wire.Index, slots []slot) []slot {
	return append(slices.Clone(log[:first-1]), slots...)
}
