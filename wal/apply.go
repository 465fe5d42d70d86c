// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"github.com/balsa-raft/raft/wire"
)

// applyRecords changes the index as the records of a verified batch say.
func (r *recovery) applyRecords(buf []byte, s *segment, offset uint32) error {
	for at := batchHeaderBytes; at < len(buf); {
		rec, _, size, problem := parseRecord(buf[at:], s.seed, offset+uint32(at))
		if problem == "" {
			where := run{segment: s.number, offset: offset + uint32(at), bytes: uint32(size)}
			problem = r.apply(&rec, where)
		}
		if problem != "" {
			return corrupt(s.path, int64(offset)+int64(at), hintReplace, "%s", problem)
		}
		at += size
	}
	return nil
}

func (r *recovery) apply(rec *record, where run) (problem string) {
	x := &r.log.index
	g := x.group(rec.group)
	g.known = true
	switch rec.kind {
	case recordHardState:
		g.hardState = wire.HardState{Term: wire.Term(rec.a), Vote: wire.NodeID(rec.b)}
	case recordReset:
		x.reset(g, rec.logID())
	case recordEntries:
		return r.applyEntries(g, rec, where)
	case recordCompact:
		if point := rec.logID(); point.Index <= g.compacted.Index || point.Index > g.last.Index {
			return "a compaction point is not in the log"
		}
		x.compact(g, rec.logID())
	}
	return ""
}

func (r *recovery) applyEntries(g *groupLog, rec *record, where run) (problem string) {
	r.entries, problem = rec.appendEntries(r.entries[:0])
	if problem != "" {
		return problem
	}
	where.first, where.count = wire.Index(rec.a), uint16(rec.b)
	if where.first <= g.compacted.Index || where.first > g.last.Index+1 {
		return "entries do not follow those before them"
	}
	r.log.index.append(g, where, r.entries)
	return ""
}
