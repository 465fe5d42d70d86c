// SPDX-License-Identifier: Apache-2.0

package raft

import "github.com/balsa-raft/raft/wire"

// entrySource is where committed and replicated entries come from: the cache, if
// they are recent enough, or else the log store.
type entrySource struct{ g *Group }

// Load returns entries from lo to at most hi; see applier.Entries. Whatever isn't in
// the cache is durable, and so it is in the store.
func (s entrySource) Load(dst []wire.Entry, lo, hi Index, bytesMax int) ([]wire.Entry, error) {
	if entries, recent := s.g.cache.Entries(dst, lo, hi, bytesMax); recent {
		return entries, nil
	}
	return s.loadStored(dst, lo, hi, bytesMax)
}

// storedEntriesMax bounds one read of the log store, in entries.
const storedEntriesMax = 16384

func (s entrySource) loadStored(dst []wire.Entry, lo, hi Index, bytesMax int) ([]wire.Entry, error) {
	hi = min(hi, lo+storedEntriesMax-1)
	if first := s.g.cache.First(); first > lo {
		hi = min(hi, first-1) // What the cache holds may not be durable yet.
	}
	entries, err := s.g.node.cfg.Log.Entries(s.g.cfg.ID, lo, hi, bytesMax)
	if err != nil {
		return nil, err
	}
	if len(entries) > int(hi-lo)+1 {
		entries = entries[:hi-lo+1] // A store may be generous.
	}
	return append(dst, entries...), nil
}

// applierReports is how the applier talks to its group.
type applierReports struct{ g *Group }

// Applied wakes those whose commands were applied.
func (r applierReports) Applied(commands []wire.Entry, values [][]byte) {
	r.g.finishAll(r.g.waiters.applied(nil, commands, values))
	r.g.grown += int64(wire.SizeOf(commands))
}

// EntriesApplied tells the loop, and those whose place something else took.
func (r applierReports) EntriesApplied(through Index) {
	r.g.finishAll(r.g.waiters.appliedThrough(nil, through))
	r.g.status.setApplied(through)
	r.g.inbox.entriesApplied(through)
	r.grow(through)
}

// grow tells of the log's growth whoever decides about snapshots.
func (r applierReports) grow(through Index) {
	g := r.g
	if g.snapshots == nil {
		return
	}
	g.retention.applied(through, g.grown)
	g.snapshots.Applied(int(through-min(g.grownTo, through)), g.grown)
	g.grown, g.grownTo = 0, through
}

// ApplyFailed stops the group.
func (r applierReports) ApplyFailed(err error) {
	if r.g.inbox.fail(err) {
		r.g.awake(false)
	}
}

// finishAll finishes requests in their order, and gives back their room at once.
func (g *Group) finishAll(done []finished) {
	bytes := 0
	for _, f := range done {
		if f.request.remote == nil {
			bytes += f.request.bytes
		}
		f.request.finish(f.err)
	}
	g.inbox.release(bytes)
}

func (g *Group) finish(r *request, err error) {
	bytes := r.bytes
	if r.remote != nil {
		bytes = 0
	}
	r.finish(err)
	g.inbox.release(bytes)
}
